"""Fixtures of the store's own tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from digest.store.database import Database

Statements = list[tuple[str, object]]


@pytest.fixture
def recorded() -> Callable[[], Iterator[Statements]]:
    """Give a context that collects every statement sent, with its values."""

    @contextmanager
    def record() -> Iterator[Statements]:
        statements: Statements = []

        def note(_connection, _cursor, statement, parameters, _context, _many):
            statements.append((statement, parameters))

        event.listen(Engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(Engine, "before_cursor_execute", note)

    return record


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path) -> str:
    """A database without a schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return request.getfixturevalue("empty_postgresql_url")


@pytest.fixture
def impatient(database_url: str) -> Iterator[Database]:
    """A second program on the same database that waits for no lock."""
    opened = Database(database_url, lock_timeout=timedelta(milliseconds=50))
    yield opened
    opened.close()
