"""Many subscribers from a file: all or none, nobody revived, asked at a pace."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from digest import enrolment, operations
from digest.app import App, ignore_progress
from digest.config import Settings
from digest.enrolment import Consent, enrol
from digest.errors import ConfigError
from digest.model import DeliveryKind, SubscriberStatus
from digest.store.membership import SuppressionReason, leave, suppress
from digest.store.outbox import list_deliveries
from digest.store.subscribers import find_subscriber, list_subscribers
from tests.store.makers import NOW

WEB = {"base_url": "https://digest.example.org", "secret_key": "k" * 40}


def opened(url, *listed, **web):
    settings = Settings(
        database={"url": url}, web=WEB | web, subscribers=[{"email": one} for one in listed]
    )
    app = App(settings, clock=lambda: NOW)
    app.open()
    return app


@pytest.fixture
def app(database_url):
    made = opened(database_url)
    yield made
    made.database.close()


@pytest.fixture
def file(tmp_path):
    def write(*rows, heads="email,at,timezone"):
        path = tmp_path / "readers.csv"
        path.write_text("\n".join([heads, *rows]), encoding="utf-8")
        return path

    return write


def add(app, path, consent=Consent.CONFIRMED, per_hour=None):
    return enrol(app, path, consent, per_hour=per_hour, progress=ignore_progress)


def everyone(app):
    with app.database.read() as connection:
        return list_subscribers(connection)


def test_confirmed_readers_wait_for_their_next_hour(app, file):
    done = add(app, file("ada@example.org,05:00,UTC", "bo@example.org,06:30,UTC"))

    assert (done.added, done.faults, done.existing, done.kept_out) == (2, [], [], [])
    ada, bo = everyone(app)
    assert {ada.status, bo.status} == {SubscriberStatus.CONFIRMED}
    # It is 06:00: who had mail today elsewhere gets none again.
    assert ada.next_digest_at == NOW + timedelta(hours=23)
    assert bo.next_digest_at == NOW + timedelta(minutes=30)


def test_those_asked_are_asked_at_a_pace_and_forgotten_from_then_on(app, file):
    done = add(app, file(*(f"r{n}@example.org" for n in range(5))), Consent.ASK, per_hour=2)

    with app.database.read() as connection:
        mails = list_deliveries(connection, limit=9)
    assert {one.kind for one in mails} == {DeliveryKind.CONFIRMATION}
    waits = sorted(one.next_attempt_at - NOW for one in mails)
    half_hours = [timedelta(minutes=30 * place) for place in range(5)]
    assert [round(one / timedelta(minutes=1)) for one in waits] == [0, 30, 60, 90, 120]
    assert done.asked_until == NOW + half_hours[-1]
    for one, asked in zip(everyone(app), half_hours, strict=True):
        assert one.status is SubscriberStatus.UNCONFIRMED
        assert one.created_at - NOW - asked < timedelta(milliseconds=1)


def test_asking_that_would_outlast_what_is_kept_is_refused(app, file):
    with pytest.raises(ConfigError, match="raise --per-hour"):
        add(app, file(*(f"r{n}@example.org" for n in range(800))), Consent.ASK, per_hour=1)

    assert everyone(app) == []


def test_asking_needs_pages(sqlite_url, file):
    app = App(Settings(database={"url": sqlite_url}), clock=lambda: NOW)

    with pytest.raises(ConfigError, match=r"needs web\.base_url"):
        add(app, file("ada@example.org"), Consent.ASK)


def test_existing_readers_stay_as_they_are_and_are_named(app, file):
    operations.add_subscriber(app, {"email": "ada@example.org", "max_items": 3})
    [before] = everyone(app)

    done = add(app, file("ADA@example.org,09:00,UTC", "bo@example.org"))

    assert (done.added, done.existing) == (1, ["ADA@example.org"])
    assert before in everyone(app)


def test_who_left_bounced_or_complained_stays_out_and_is_named(app, file):
    for name in ("left", "gone"):
        operations.add_subscriber(app, {"email": f"{name}@example.org"})
    with app.database.write() as connection:
        left = find_subscriber(connection, "left@example.org")
        leave(connection, left, app.hashes(left.email)[0], NOW)
        gone = find_subscriber(connection, "gone@example.org")
        leave(connection, gone, app.hashes(gone.email)[0], NOW - timedelta(days=40))
        complained = app.hashes("spam@example.org")[0]
        suppress(connection, complained, SuppressionReason.COMPLAINED, NOW)
    app.forget()

    rows = ["left@example.org", "gone@example.org", "Spam@Example.org", "new@example.org"]
    done = add(app, file(*rows))

    assert sorted(done.kept_out) == [
        (2, "left@example.org", "unsubscribed"),
        (3, "gone@example.org", "unsubscribed"),
        (4, "Spam@example.org", "complained"),
    ]
    confirmed = [one.email for one in everyone(app) if one.status is SubscriberStatus.CONFIRMED]
    assert confirmed == ["new@example.org"]


def test_whom_the_settings_file_dropped_the_import_brings_back(database_url, file):
    opened(database_url, "ada@example.org").database.close()
    app = opened(database_url)

    done = add(app, file("ada@example.org"))

    assert done.added == 1
    assert [one.status for one in everyone(app)] == [SubscriberStatus.CONFIRMED]
    app.database.close()


def test_an_address_given_twice_is_told(app, file):
    done = add(app, file("ada@example.org", "nonsense", "Ada@example.org"))

    assert [(one.line, one.cause[:25]) for one in done.faults][1] == (
        4,
        "the address of line 2 aga",
    )
    assert done.added == 1


def test_an_import_that_fails_half_way_leaves_nothing(app, file, monkeypatch):
    monkeypatch.setattr(enrolment, "ROWS_A_STEP", 2)

    def fail(stage, done, total):
        if stage == "store" and done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        enrol(
            app,
            file(*(f"r{n}@example.org" for n in range(9))),
            Consent.ASK,
            per_hour=None,
            progress=fail,
        )

    assert everyone(app) == []
    with app.database.read() as connection:
        assert list_deliveries(connection, limit=9) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from digest import enrolment
from tests.test_enrolment import opened

enrolment.ROWS_A_STEP = 100

def die(stage, done, total):
    if stage == "store" and done >= 500:
        os.kill(os.getpid(), signal.SIGKILL)

enrolment.enrol(
    opened(sys.argv[1]), Path(sys.argv[2]), enrolment.Consent.CONFIRMED, per_hour=None, progress=die
)
"""


def test_a_kill_half_way_leaves_nothing(sqlite_url, file):
    path = file(*(f"r{n}@example.org" for n in range(1000)))

    process = subprocess.run(
        [sys.executable, "-c", KILLED, sqlite_url, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )

    assert process.returncode == -9
    app = opened(sqlite_url)
    assert everyone(app) == []
    assert add(app, path).added == 1000
    app.database.close()


def test_an_export_is_imported_to_the_same_readers(app, file, tmp_path):
    add(
        app,
        file(
            "ada@example.org,05:00,Asia/Tokyo,graphs|proteins", heads="email,at,timezone,interests"
        ),
    )
    before = [(one.email, one.schedule, one.interests) for one in everyone(app)]
    written = tmp_path / "out.json"

    assert operations.export_to_file(app, written, "json") == 1
    assert written.stat().st_mode & 0o777 == 0o600
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]

    operations.erase_subscriber(app, "ada@example.org")
    assert add(app, written).added == 1
    assert [(one.email, one.schedule, one.interests) for one in everyone(app)] == before
