"""What is erased stands nowhere on the disk any more, and comes back by no settings file."""

import random
from datetime import timedelta
from pathlib import Path

import pytest

from digest.model import AttemptOutcome, DeliveryKind, SubscriberStatus
from digest.store.database import Database
from digest.store.membership import (
    SuppressionReason,
    confirm,
    erase,
    erase_one,
    forget_old,
    leave,
    suppress,
)
from digest.store.outbox import insert_deliveries, record_attempts
from digest.store.subscribers import (
    add_subscriber,
    find_subscriber,
    save_config_subscribers,
)
from tests.store.makers import (
    LATER,
    NOW,
    make_attempt,
    make_delivery,
    make_digest,
    make_subscriber,
    store_subscribers,
)

SPANS = {"unconfirmed_for": timedelta(days=7), "ended_for": timedelta(days=30)}
MONTHS_LATER = NOW + timedelta(days=60)
ADA = "ada@example.org"


def hashes(address):
    return (f"newest:{address}", f"old:{address}")


def files_that_hold(url, words):
    """The files of an SQLite database, its lock apart, in which any of the words stands."""
    folder = Path(url.removeprefix("sqlite:///")).parent
    return sorted(
        path.name
        for path in folder.iterdir()
        if any(word.encode() in path.read_bytes() for word in words)
    )


@pytest.fixture
def crowd(sqlite_url):
    """Many readers in a shuffled order, so that pages split, each with mail that was tried."""
    database = Database(sqlite_url)
    seeded = random.Random(7)
    readers = [make_subscriber(f"{seeded.getrandbits(48):012x}.reader") for _ in range(400)]
    for start in range(0, len(readers), 40):
        part = readers[start : start + 40]
        store_subscribers(database, part)
        made = [
            make_delivery(
                make_digest(reader, []),
                kind=DeliveryKind.ACCESS,
                recipient=reader.email,
                digest_id=None,
            )
            for reader in part
        ]
        with database.write() as connection:
            insert_deliveries(connection, made)
            record_attempts(
                connection, [make_attempt(one, AttemptOutcome.DEFERRED) for one in made]
            )
    assert database.scrub()
    yield database, readers
    database.close()


def test_an_erased_address_stands_in_no_file_of_the_database(crowd, sqlite_url):
    database, readers = crowd
    gone = readers[::3]
    assert "digest.db" in files_that_hold(sqlite_url, [one.email for one in gone])

    with database.write() as connection:
        erase(connection, [one.id for one in gone])
    assert files_that_hold(sqlite_url, [one.email for one in gone]) != []

    assert database.scrub()
    assert files_that_hold(sqlite_url, [one.email for one in gone]) == []
    assert files_that_hold(sqlite_url, [readers[1].email]) == ["digest.db"]


def test_the_disk_is_scrubbed_later_if_somebody_reads(crowd, sqlite_url, monkeypatch):
    monkeypatch.setattr("digest.store.database.SCRUB_MILLISECONDS", 1)
    database, readers = crowd
    with database.read() as reading:
        find_subscriber(reading, readers[0].email)
        with database.write() as connection:
            erase(connection, [readers[0].id])
        assert not database.scrub()

    assert database.scrub()
    assert files_that_hold(sqlite_url, [readers[0].email]) == []
    with database.write() as connection:
        assert find_subscriber(connection, readers[1].email)


def forgotten(database, at=MONTHS_LATER, hashed=hashes):
    with database.write() as connection:
        return forget_old(connection, at, hashes=hashed, **SPANS)


def listed(database, *emails, now=LATER, hashed=hashes):
    """Start with these addresses in the settings file, and give those kept away."""
    given = [make_subscriber(email.partition("@")[0]) for email in emails]
    with database.write() as connection:
        return save_config_subscribers(connection, given, now, hashed)


def found(database, email=ADA):
    with database.read() as connection:
        return find_subscriber(connection, email)


def test_the_settings_files_own_readers_are_forgotten_and_do_not_come_back(database):
    listed(database, ADA)
    with database.write() as connection:
        leave(connection, find_subscriber(connection, ADA), hashes(ADA)[0], NOW)

    assert forgotten(database) == 1
    assert listed(database, ADA) == [ADA]
    assert found(database) is None
    assert forgotten(database) == 0


def test_whom_the_settings_file_alone_dropped_it_may_bring_back(database):
    listed(database, ADA)
    listed(database)

    assert forgotten(database) == 1
    assert listed(database, ADA) == []
    assert found(database).status is SubscriberStatus.CONFIRMED


def test_a_dead_address_is_forgotten_and_stays_away(database):
    listed(database, ADA)
    delivery = make_delivery(make_digest(found(database), []), digest_id=None)
    with database.write() as connection:
        insert_deliveries(connection, [delivery])
        record_attempts(
            connection, [make_attempt(delivery, AttemptOutcome.FAILED, bad_address=True)]
        )

    assert listed(database, ADA) == [ADA]
    assert forgotten(database) == 1
    assert listed(database, ADA) == [ADA]


def test_without_a_key_the_row_itself_remembers_who_left(database):
    listed(database, ADA, hashed=None)
    with database.write() as connection:
        leave(connection, find_subscriber(connection, ADA), "", NOW)

    assert forgotten(database, hashed=None) == 0
    assert listed(database, ADA, hashed=None) == [ADA]


def test_a_sign_up_that_somebody_typed_does_not_bring_back_who_left(database):
    """The form makes the row unconfirmed; only its own link may confirm it."""
    listed(database, ADA)
    with database.write() as connection:
        leave(connection, find_subscriber(connection, ADA), hashes(ADA)[0], NOW)
        typed = make_subscriber("ada", status=SubscriberStatus.UNCONFIRMED)
        add_subscriber(connection, typed, LATER)

    assert listed(database, ADA) == [ADA]
    assert found(database).status is SubscriberStatus.UNCONFIRMED
    with database.write() as connection:
        confirm(connection, found(database).id, LATER, hashes(ADA))
    assert listed(database, ADA) == []


def test_a_refusal_outlives_a_confirmation(database):
    listed(database, ADA)
    with database.write() as connection:
        suppress(connection, hashes(ADA)[1], SuppressionReason.COMPLAINED, NOW)
        confirm(connection, found(database).id, LATER, hashes(ADA))
        erase(connection, [found(database).id])

    assert listed(database, ADA) == [ADA]


def test_a_sign_up_anew_waits_anew_for_its_confirmation(database):
    unconfirmed = make_subscriber(status=SubscriberStatus.UNCONFIRMED)
    store_subscribers(database, [unconfirmed])
    with database.write() as connection:
        add_subscriber(connection, unconfirmed, NOW + timedelta(days=6))

    assert forgotten(database, NOW + timedelta(days=8)) == 0
    assert forgotten(database, NOW + timedelta(days=14)) == 1


@pytest.mark.parametrize(
    ("fields", "stays"),
    [
        pytest.param({}, False, id="reader of the form"),
        pytest.param({"config_owned": True}, True, id="reader of the settings file"),
        pytest.param({"status": SubscriberStatus.SUPPRESSED}, True, id="dead address"),
    ],
)
def test_of_an_erased_reader_a_hash_stays_where_the_address_would_come_back(
    database, fields, stays
):
    one = make_subscriber(**fields)
    store_subscribers(database, [one])

    with database.write() as connection:
        assert erase_one(connection, one, hashes, NOW) is stays
    assert bool(listed(database, ADA)) is stays
