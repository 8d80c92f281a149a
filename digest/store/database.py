"""One database: its transactions, its schema version, and the statements all nouns share.

Whatever SQLite and PostgreSQL do differently stands here and in `engines.py`; the other
files of this room are written once for both.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from sqlite3 import Error as SqliteError
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    Row,
    Select,
    Table,
    bindparam,
    func,
    inspect,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from digest.errors import StoreError
from digest.store.engines import READ_OPTIONS, display_name, explain, open_engine
from digest.store.recovery import this_worker
from digest.store.schema import VERSION
from digest.store.statements import Repeated
from digest.store.writer_lock import WriterLock

MIGRATIONS = Path(__file__).parent / "migrations"

LOCK_TIMEOUT = timedelta(seconds=30)
"""Longer than our longest transaction (500 digests: under a second), shorter than a lease."""

SCRUB_MILLISECONDS = 2000
"""So long the log's end waits for readers; meanwhile nobody writes."""

IN_CHUNK = 5000
"""Values in one IN list: SQLite binds at most 32,766, PostgreSQL 65,535."""

# Numbers of PostgreSQL advisory locks: any two that no other program of the database uses.
MIGRATION_LOCK = 0x64696701
ITEMS_LOCK = 0x64696702
SIGN_UPS_LOCK = 0x64696703
SETTINGS_LOCK = 0x64696704

Value = TypeVar("Value")

Transaction: TypeAlias = Connection
"""What `read` and `write` give, for other rooms that hand it on."""


class Database:
    """An open database; safe to share between threads.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/name`.
        lock_timeout: how long a transaction waits for another one to end.

    Raises:
        ConfigError: the URL names no database that we know.
    """

    def __init__(self, url: str, *, lock_timeout: timedelta = LOCK_TIMEOUT) -> None:
        self._engine = open_engine(url, lock_timeout)
        self._reader = self._engine.execution_options(**READ_OPTIONS[self._engine.dialect.name])
        self._name = display_name(self._engine)
        self._lock_timeout = lock_timeout
        file = self._engine.url.database
        is_sqlite = self._engine.dialect.name == "sqlite"
        self._writer = WriterLock(Path(f"{file}.lock")) if is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one consistent state and cannot write.

        Raises:
            StoreError: the database refused.
        """
        with self._errors_named(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose changes are kept together at the end, or not at all.

        Raises:
            StoreError: the database refused; nothing was changed.
        """
        with self._errors_named(), self._one_writer(), self._engine.begin() as connection:
            yield connection

    def upgrade(self) -> None:
        """Bring the schema to the one that this program needs; running it again is harmless.

        Raises:
            StoreError: the database refused, or belongs to a newer program.
        """
        # A quarter of a second that no other command should pay for.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.write() as connection:
            advisory_lock(connection, MIGRATION_LOCK)
            found = _schema_version(connection)
            if found > VERSION:
                raise _wrong_schema(found)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def check_schema(self) -> None:
        """Make sure that the schema is the one that this program needs.

        Raises:
            StoreError: it is older, newer or missing; the message says what to do.
        """
        with self.read() as connection:
            found = _schema_version(connection)
        if found != VERSION:
            raise _wrong_schema(found)

    def is_empty(self) -> bool:
        """True if no schema was ever made here."""
        with self.read() as connection:
            return _schema_version(connection) == 0

    def scrub(self) -> bool:
        """Let nothing that was deleted stand on the disk any more.

        SQLite overwrites what is deleted (secure_delete), but old pages stay in the log of
        writes until that is emptied.  PostgreSQL keeps them until it vacuums: nothing is done.

        Returns:
            False if somebody reads at this moment: it is to be tried again.

        Raises:
            StoreError: the database refused.
        """
        if self._writer is None:
            return True
        with self._errors_named(), self._one_writer(), self._engine.connect() as connection:
            driver = connection.connection.cursor()
            patience = driver.execute("PRAGMA busy_timeout").fetchone()[0]
            driver.execute(f"PRAGMA busy_timeout = {SCRUB_MILLISECONDS}")
            try:
                is_busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except SqliteError as error:
                raise DBAPIError("wal_checkpoint", None, error) from error
            finally:
                driver.execute(f"PRAGMA busy_timeout = {patience}")
        return not is_busy

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
        if self._writer is not None:
            self._writer.close()

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        if self._writer is None:
            yield
            return
        seconds = self._lock_timeout.total_seconds()
        if not self._writer.acquire(seconds):
            raise StoreError(
                f"database: {self._name}: locked by another writer for {seconds:g} s,"
                " try again later",
                permanent=False,
            )
        try:
            yield
        finally:
            self._writer.release()

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause, permanent = explain(error, self._lock_timeout)
            raise StoreError(f"database: {self._name}: {cause}", permanent=permanent) from error


def advisory_lock(connection: Connection, number: int) -> None:
    """Wait until no other transaction holds this lock; it is held until this one ends.

    SQLite needs none: a transaction that writes is alone.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(number)))


def lock_rows(
    connection: Connection, table: Table, ids: Collection[str] | Select[tuple[Any]]
) -> None:
    """Lock rows by id, in the one order in which nobody waits for ever.

    SQLite needs none: a transaction that writes is alone.
    """
    if connection.dialect.name == "postgresql":
        wanted = select(table.c.id).where(table.c.id.in_(ids)).order_by(table.c.id)
        connection.execute(wanted.with_for_update())


def utc_day(connection: Connection, instant: Column[Any]) -> ColumnElement[date]:
    """Give the day of an instant, in UTC on both engines."""
    if connection.dialect.name == "postgresql":
        return func.date(func.timezone("UTC", instant), type_=Date)
    return func.date(instant, type_=Date)


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Begin an INSERT that may say ON CONFLICT, in the words of the connection's engine."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table)


def update_rows(
    connection: Connection,
    key: Column[Any],
    rows: Sequence[Mapping[str, object]],
    **also: object,
) -> None:
    """Set columns of many rows in one statement.

    Args:
        connection: of a transaction that writes.
        key: the column that finds each row; its table is updated.
        rows: column name -> value, the key's too; all name the same columns.
        also: what is set alike in every row, by column name.
    """
    if not rows:
        return
    columns: dict[str, object] = {
        name: bindparam(f"new_{name}") for name in rows[0] if name != key.name
    }
    connection.execute(
        update(key.table).where(key == bindparam(f"new_{key.name}")).values(columns | also),
        [{f"new_{name}": value for name, value in row.items()} for row in rows],
    )


def claim_due(
    connection: Connection,
    due_at: Column[Any],
    due: ColumnElement[bool],
    until: datetime,
    limit: int,
    *,
    counted: Column[Any] | None = None,
) -> Sequence[Row[Any]]:
    """Move the due time of up to *limit* due rows to *until*, longest due first.

    Args:
        connection: of a transaction that writes.
        due_at: the column that says when a row is due; its table is claimed from.
        due: the whole condition under which a row is due.
        until: when the rows come back by themselves.
        limit: at least 1.
        counted: a column that counts the claims.

    Returns:
        the claimed rows as they were before.
    """
    table = due_at.table
    # What others are claiming is passed over; what we found nobody else can change any more.
    rows = connection.execute(
        select(table)
        .where(due)
        .order_by(due_at, table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    worker = this_worker(os.getpid())
    _claim(due_at, counted).execute(connection, [(row.id, until, worker) for row in rows])
    return rows


@cache
def _claim(due_at: Column[Any], counted: Column[Any] | None) -> Repeated:
    # Row by row: of a statement that changes many SQLite keeps a journal of its own.
    table = due_at.table
    claim = update(table).where(table.c.id == bindparam("row_id"))
    claim = claim.values({due_at: bindparam("until"), table.c.claimed_by: bindparam("worker")})
    if counted is not None:
        claim = claim.values({counted: counted + literal_column("1")})
    return Repeated(claim, "row_id", "until", "worker")


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Cut values into lists that an IN may hold; none of them is empty."""
    rest = iter(values)
    while chunk := list(islice(rest, IN_CHUNK)):
        yield chunk


def _schema_version(connection: Connection) -> int:
    """Give the number of the schema, 0 for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return 0
    return int(connection.scalar(text("SELECT version_num FROM alembic_version")) or 0)


def _wrong_schema(found: int) -> StoreError:
    if found > VERSION:
        cause = f"has schema {found}, this program knows {VERSION}: install the newer program"
    elif found:
        cause = f'has schema {found}, this program needs {VERSION}: run "digest migrate"'
    else:
        cause = f'is empty, this program needs schema {VERSION}: run "digest migrate"'
    return StoreError(f"database {cause}", permanent=True)
