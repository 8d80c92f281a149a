"""Statements that a run repeats for every few messages, put together once for each engine.

SQLAlchemy takes longer to go through such a statement and its values than an engine to run it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.dml import UpdateBase


class _Written(NamedTuple):
    """A statement in the words of one engine.

    Attributes:
        places: where a row has the value of each place holder, in their order.
        processors: what makes the driver's value of each value of a row; None = it is the same.
    """

    text: str
    places: Sequence[int]
    processors: Sequence[Callable[[Any], Any] | None]


class Repeated:
    """A statement that inserts or updates for many rows of values at a time.

    Args:
        names: of its parameters, in the order in which a row gives their values.
    """

    def __init__(self, statement: UpdateBase, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._by_engine: dict[str, _Written] = {}

    def execute(self, connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
        """Run it for each row of values."""
        if not rows:
            return
        dialect = connection.dialect
        written = self._by_engine.get(dialect.name)
        if written is None:
            written = self._by_engine[dialect.name] = self._write(dialect)
        columns = [
            column if process is None else _processed(column, process)
            for process, column in zip(written.processors, zip(*rows, strict=True), strict=True)
        ]
        ordered = zip(*[columns[place] for place in written.places], strict=True)
        connection.exec_driver_sql(written.text, list(ordered))

    def _write(self, dialect: Dialect) -> _Written:
        # Without names: psycopg's own style would need a dictionary for each row.
        positional: Any = type(dialect)
        style = "qmark" if dialect.name == "sqlite" else "format"
        compiled: Any = self._statement.compile(dialect=positional(paramstyle=style))
        types = [compiled.binds[name].type.dialect_impl(dialect) for name in self._names]
        return _Written(
            str(compiled),
            [self._names.index(name) for name in compiled.positiontup],
            [kind.bind_processor(dialect) for kind in types],
        )


def _processed(column: Sequence[Any], process: Callable[[Any], Any]) -> list[Any]:
    """Give the driver's values; in most columns many are alike."""
    known = {value: process(value) for value in set(column)}
    return [known[value] for value in column]
