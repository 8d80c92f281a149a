"""How SQLite and PostgreSQL are opened, and what their errors mean to an operator."""

import os
from contextlib import suppress
from datetime import timedelta
from sqlite3 import Connection as SqliteConnection
from typing import Any

from psycopg import Connection as PostgresqlConnection
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from digest.errors import ConfigError

CONNECT_SECONDS = 10
"""A host that has not answered by then is down; the next tick asks again."""

READ_OPTIONS: dict[str, dict[str, Any]] = {
    "sqlite": {"query_only": True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
"""Execution options of a connection that sees one state and cannot write."""

# First part of SQLite's error name -> cause, permanent.  sqlite.org/rescode.html
SQLITE_CAUSES = {
    "BUSY": ("locked by another program for {waited:g} s, try again later", False),
    "LOCKED": ("locked by another program for {waited:g} s, try again later", False),
    "FULL": ("disk full: nothing was written, free some space", True),
    "READONLY": ("not writable: check the owner and mode of the file and its folder", True),
    "CANTOPEN": ("cannot be opened: check that its folder exists and may be written", True),
    "NOTADB": ("not an SQLite database: check database.url", True),
    "CORRUPT": ("damaged: restore a backup", True),
    "IOERR": ("reading or writing failed: check the disk and its free space", True),
}

# SQLSTATE, or the class it begins with -> cause, permanent.  PostgreSQL manual, appendix A
POSTGRESQL_CAUSES = {
    "53100": ("disk full: nothing was written, free some space", True),
    "53": ("the server is out of resources, try again later", False),
    "55P03": ("locked by another transaction for {waited:g} s, try again later", False),
    "40": ("two transactions stood in each other's way, try again", False),
    "57P": ("connection lost: the server stops or starts, try again later", False),
    "08": ("connection lost, try again later", False),
    "28": ("login refused: check user and password", True),
    "3D": ("there is no such database: create it first", True),
}


def open_engine(url: str, lock_timeout: timedelta) -> Engine:
    """Make the engine for a URL; nothing is connected yet.

    Raises:
        ConfigError: the URL names no database that we know.
    """
    expected = 'expected "sqlite:///path" or "postgresql://user@host/name"'
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
    except (ArgumentError, ValueError) as error:
        # Not shown: it may hold a password.
        raise ConfigError(f"database.url: {expected}, got something else") from error
    if kind == "sqlite" and parsed.database and parsed.database != ":memory:":
        return _sqlite(parsed, lock_timeout)
    if kind == "postgresql":
        return _postgresql(parsed.set(drivername="postgresql+psycopg"), lock_timeout)
    raise ConfigError(f"database.url: {expected}, got {parsed.render_as_string()!r}")


def display_name(engine: Engine) -> str:
    """Name a database in messages: the file, or the URL without its password."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    return engine.url.set(drivername="postgresql").render_as_string()


def explain(error: SQLAlchemyError, lock_timeout: timedelta) -> tuple[str, bool]:
    """Say what an error means to an operator, and whether it is permanent.

    The text holds no values of rows: they may be addresses.
    """
    if isinstance(error, PoolTimeoutError):
        return "all connections are in use, try again later", False
    cause = error.orig if isinstance(error, StatementError) else error
    first_line = (str(cause).splitlines() or [type(cause).__name__])[0]
    known = _known_cause(cause)
    if known:
        return known[0].format(waited=lock_timeout.total_seconds()), known[1]
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "connection lost, try again later", False
    if isinstance(cause, PostgresqlConnection.OperationalError):
        return f"cannot be reached: {first_line}", False
    return first_line, True


def _known_cause(cause: BaseException | None) -> tuple[str, bool] | None:
    if name := getattr(cause, "sqlite_errorname", None):
        return SQLITE_CAUSES.get(name.split("_")[1])
    state = getattr(cause, "sqlstate", None) or ""
    matches = (found for length in (5, 3, 2) if (found := POSTGRESQL_CAUSES.get(state[:length])))
    return next(matches, None)


def _sqlite(url: URL, lock_timeout: timedelta) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": lock_timeout.total_seconds()}
    )

    @event.listens_for(engine, "do_connect")
    def keep_private(*_: object) -> None:
        """Addresses are nobody else's business; -wal and -shm inherit the mode."""
        with suppress(OSError):  # it exists, or SQLite itself says what is wrong
            os.close(os.open(str(url.database), os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine, "connect")
    def configure(connection: SqliteConnection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours, below
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("query_only", False)
        # Only where it changes: SQLite then prepares every statement of the connection anew.
        if connection.info.get("query_only", False) is not reads:
            connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if reads else 'OFF'}")
            connection.info["query_only"] = reads
        # IMMEDIATE: a transaction that reads first and writes later could fail half-way.
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL, lock_timeout: timedelta) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        isolation_level="READ COMMITTED",  # what the claims are written for
        pool_pre_ping=True,  # a restarted server costs one round trip, not one batch
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: PostgresqlConnection[Any], _record: object) -> None:
        milliseconds = f"{lock_timeout.total_seconds() * 1000:.0f}"
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [milliseconds])
        connection.commit()

    return engine
