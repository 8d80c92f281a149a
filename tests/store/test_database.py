"""Transactions, schema versions, and errors that an operator can read."""

import sqlite3
import stat
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, text

from digest.errors import ConfigError, StoreError
from digest.model import Source
from digest.store import database as database_module
from digest.store.database import Database
from digest.store.items import lock_items
from digest.store.schema import VERSION, metadata, suppressions
from digest.store.sources import list_sources, save_sources
from tests.store.makers import NOW, make_item, store_items, store_source


def source_names(database):
    with database.read() as connection:
        return [state.source.name for state in list_sources(connection)]


# --- transactions -----------------------------------------------------------------------


def test_changes_are_kept_when_the_transaction_ends(database):
    with database.write() as connection:
        store_source(connection, "papers")

    assert source_names(database) == ["papers"]


def test_nothing_is_kept_when_the_transaction_fails(database):
    def fail() -> None:
        with database.write() as connection:
            store_source(connection, "papers")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert source_names(database) == []


def test_reader_sees_one_state_while_others_write(database):
    with database.read() as connection:
        before = list_sources(connection)
        with database.write() as writing:
            store_source(writing, "papers")
        after = list_sources(connection)

    assert before == after == []
    assert source_names(database) == ["papers"]


def test_reader_cannot_write(database):
    with pytest.raises(StoreError), database.read() as connection:
        store_source(connection, "papers")

    assert source_names(database) == []


def test_writing_works_after_reading_on_the_same_connection(database):
    source_names(database)

    with database.write() as connection:
        store_source(connection, "papers")

    assert source_names(database) == ["papers"]


def test_threads_write_one_after_the_other(database):
    def write(number: int) -> None:
        with database.write() as connection:
            lock_items(connection)
            known = [state.source for state in list_sources(connection)]
            save_sources(connection, [*known, Source(name=f"s{number}", url="file")], NOW)

    threads = [Thread(target=write, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert source_names(database) == [f"s{number}" for number in range(8)]


# --- errors -----------------------------------------------------------------------------


def test_database_locked_by_another_program_says_so(database, impatient):
    def write() -> None:
        with impatient.write() as connection:
            lock_items(connection)

    with database.write() as connection:
        lock_items(connection)
        with pytest.raises(StoreError, match=r"locked by another .* for 0\.05 s") as caught:
            write()

    assert not caught.value.permanent


def test_transaction_within_a_transaction_of_one_file_fails_instead_of_waiting_for_ever(
    sqlite_url, tmp_path
):
    database = Database(sqlite_url, lock_timeout=timedelta())

    with (
        database.write(),
        pytest.raises(StoreError, match="locked by another writer") as caught,
        database.write(),
    ):
        pass

    assert not caught.value.permanent
    database.close()


def test_full_disk_says_so_and_nothing_is_half_written(sqlite_url):
    database = Database(sqlite_url)
    with database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 8}")

    with pytest.raises(StoreError, match="disk full: nothing was written") as caught:
        store_items(database, [make_item(n, summary="s" * 1000) for n in range(100)])

    assert caught.value.permanent
    assert source_names(database) == []
    database.close()


def test_lost_connection_is_transient_and_the_next_call_works(postgresql_url):
    database, other = Database(postgresql_url), Database(postgresql_url)

    def write() -> None:
        with database.write() as connection:
            store_source(connection, "papers")
            backend = connection.scalar(text("SELECT pg_backend_pid()"))
            with other.write() as admin:
                admin.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})

    with pytest.raises(StoreError, match="connection lost") as caught:
        write()

    assert not caught.value.permanent
    assert source_names(database) == []
    database.close()
    other.close()


def test_connection_lost_while_idle_is_not_noticed(postgresql_url):
    database, other = Database(postgresql_url), Database(postgresql_url)
    source_names(database)
    with other.write() as admin:
        admin.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    assert source_names(database) == []
    database.close()
    other.close()


def test_server_out_of_reach_is_transient_and_its_password_is_not_shown(unused_tcp_port):
    database = Database(f"postgresql://ada:secret@127.0.0.1:{unused_tcp_port}/digest")

    with pytest.raises(StoreError, match="cannot be reached") as caught:
        database.check_schema()

    assert not caught.value.permanent
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folder_says_what_to_check(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/nowhere/digest.db")

    with pytest.raises(StoreError, match=r"nowhere/digest\.db: cannot be opened: check") as caught:
        database.check_schema()

    assert caught.value.permanent


def test_file_that_is_no_database_says_so(tmp_path):
    (tmp_path / "digest.db").write_text("not a database, but long enough to be taken for one" * 9)

    with pytest.raises(StoreError, match="not an SQLite database") as caught:
        Database(f"sqlite:///{tmp_path}/digest.db").check_schema()

    assert caught.value.permanent


def test_error_shows_no_values_of_rows(database):
    twice = [{"address_hash": "ada@example.org", "reason": "bounce", "since": NOW}] * 2

    with pytest.raises(StoreError) as caught, database.write() as connection:
        connection.execute(insert(suppressions), twice)

    assert caught.value.permanent
    assert "ada@" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="empty"),
        pytest.param("digest.db", id="no scheme"),
        pytest.param("mysql://ada:secret@host/digest", id="another engine"),
        pytest.param("postgresql://ada:secret@host:port/digest", id="port is no number"),
        pytest.param("sqlite://", id="no file"),
        pytest.param("sqlite:///:memory:", id="in memory"),
    ],
)
def test_url_of_no_known_database_is_refused_without_showing_its_password(url):
    with pytest.raises(ConfigError, match=r"database\.url: expected") as caught:
        Database(url)

    assert "secret" not in str(caught.value)


# --- the file ---------------------------------------------------------------------------


def test_new_file_is_private_and_so_is_its_log(tmp_path):
    path = tmp_path / "digest.db"
    database = Database(f"sqlite:///{path}")

    database.upgrade()

    files = [path, *tmp_path.glob("digest.db-*")]
    assert len(files) > 1
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    database.close()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        pytest.param("journal_mode", "wal", id="readers do not wait for writers"),
        pytest.param("synchronous", 2, id="FULL: a commit survives a power cut"),
        pytest.param("foreign_keys", 1, id="foreign keys hold"),
        pytest.param("secure_delete", 1, id="what is deleted is overwritten"),
    ],
)
def test_file_is_opened_for_safety(sqlite_url, pragma, value):
    database = Database(sqlite_url)

    with database.read() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value

    database.close()


def test_closing_leaves_one_file(sqlite_url, tmp_path):
    database = Database(sqlite_url)
    with database.write() as connection:
        store_source(connection)

    database.close()

    assert {path.name for path in tmp_path.iterdir()} == {"digest.db", "digest.db.lock"}


# --- schema -----------------------------------------------------------------------------


def is_no_part_of_the_word_index(name, kind, _parents):
    """SQLite's FTS5 makes tables of its own."""
    return kind != "table" or not name.startswith("item_index")


def test_upgraded_schema_is_the_one_that_the_program_knows(empty_url):
    database = Database(empty_url)

    database.upgrade()

    with database.read() as connection:
        opts = {"compare_server_default": True, "include_name": is_no_part_of_the_word_index}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []
    database.check_schema()
    database.close()


def test_upgrade_of_an_upgraded_database_changes_nothing(database):
    with database.write() as connection:
        store_source(connection, "papers")

    database.upgrade()

    assert source_names(database) == ["papers"]


def test_needed_schema_is_the_newest_revision():
    config = Config()
    config.set_main_option("script_location", str(database_module.MIGRATIONS))

    [head] = ScriptDirectory.from_config(config).get_heads()

    assert int(head) == VERSION


def test_empty_database_asks_for_migration(empty_url):
    database = Database(empty_url)

    with pytest.raises(StoreError, match=r'is empty, .* needs schema \d+: run "digest migrate"'):
        database.check_schema()

    assert database.is_empty()
    database.close()


def test_older_schema_asks_for_migration(database, monkeypatch):
    monkeypatch.setattr(database_module, "VERSION", 9)

    with pytest.raises(StoreError) as caught:
        database.check_schema()

    wanted = f'database has schema {VERSION}, this program needs 9: run "digest migrate"'
    assert str(caught.value) == wanted


@pytest.mark.parametrize("step", ["check_schema", "upgrade"])
def test_newer_schema_asks_for_the_newer_program(empty_url, step):
    database = Database(empty_url)
    database.upgrade()
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))

    with pytest.raises(StoreError, match="has schema 99, this program knows") as caught:
        getattr(database, step)()

    assert caught.value.permanent
    database.close()


def test_migrations_lie_beside_the_module_that_runs_them():
    """So an installed wheel finds them."""
    assert Path(database_module.__file__).parent in database_module.MIGRATIONS.parents
    assert sqlite3.sqlite_version_info >= (3, 35), "RETURNING"
