"""Subscribers: from the settings file or by their own will, claimed when due, and heard."""

from dataclasses import fields, replace
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from digest.model import (
    DeliveryStatus,
    Frequency,
    Interest,
    Schedule,
    SubscriberStatus,
    Verdict,
)
from digest.store.outbox import list_deliveries
from digest.store.schema import Leaver, subscribers
from digest.store.subscribers import (
    add_feedback,
    add_subscriber,
    claim_due_subscribers,
    count_by_status,
    end_subscriptions,
    feedback_of,
    find_subscriber,
    get_subscribers,
    list_subscribers,
    next_due_at,
    remove_subscriber,
    save_config_subscribers,
)
from tests.store.makers import (
    LATER,
    LEASE,
    NOW,
    make_digest,
    make_item,
    make_subscriber,
    store_digest,
    store_items,
    store_subscribers,
)

CONFIRMED, UNSUBSCRIBED, SUPPRESSED = (
    SubscriberStatus.CONFIRMED,
    SubscriberStatus.UNSUBSCRIBED,
    SubscriberStatus.SUPPRESSED,
)
INTEREST = Interest(
    name="graphs",
    text="learning on graphs",
    keywords=("graph*", "GNN"),
    authors=("Ada",),
    organisations=("Institute",),
    categories=("cs.LG",),
    examples=("arxiv:2401.01234",),
    muted_words=("survey",),
    muted_authors=("Bob",),
    less_of=("benchmark",),
    weight=2.5,
)
FULL = make_subscriber(
    "Ada.Lovelace",
    name="Ada Ö.",
    schedule=Schedule(
        timezone="Asia/Kathmandu",
        at=time(6, 45),
        weekdays=frozenset({0, 4}),
        frequency=Frequency.WEEKLY,
    ),
    interests=(INTEREST, Interest(name="all else")),
    max_items=7,
    at_least=2,
    minimum_score=0.15,
    popularity=0.1,
    language="de",
    paused_until=NOW,
)


def save_config(database, *subscribers, now=NOW):
    with database.write() as connection:
        save_config_subscribers(connection, subscribers, now)


def stored(database, email="ada@example.org"):
    with database.read() as connection:
        return find_subscriber(connection, email)


def claim(database, now=NOW, limit=10):
    with database.write() as connection:
        return claim_due_subscribers(connection, now, LEASE, limit)


def suppress(database, subscriber):
    with database.write() as connection:
        end_subscriptions(connection, [subscriber.id], SUPPRESSED, NOW)


# --- stored -----------------------------------------------------------------------------


def test_subscriber_comes_back_whole(database):
    with database.write() as connection:
        added = add_subscriber(connection, FULL, NOW)

    assert added == replace(FULL, created_at=NOW)
    assert stored(database, FULL.email) == added
    assert all(getattr(INTEREST, one.name) not in ("", ()) for one in fields(INTEREST)), (
        "every field is put to the test"
    )


@pytest.mark.parametrize("spelling", ["ADA@example.org", "ada@EXAMPLE.org", " ada@example.org "])
def test_address_is_one_whatever_its_letter_case(database, spelling):
    store_subscribers(database, [make_subscriber("ada")])
    store_subscribers(database, [make_subscriber(email=spelling)])

    with database.read() as connection:
        [subscriber] = list_subscribers(connection)

    assert subscriber.email == spelling
    assert stored(database, spelling) == stored(database) == subscriber


def test_unknown_address_is_nobody(database):
    assert stored(database, "nobody@example.org") is None


def test_subscribers_are_got_by_id(database):
    ada, bob = make_subscriber("ada"), make_subscriber("bob", interests=(INTEREST,))
    store_subscribers(database, [ada, bob])

    with database.read() as connection:
        found = get_subscribers(connection, [bob.id, "nobody"])

    assert found == {bob.id: replace(bob, created_at=NOW)}


def test_subscribers_are_listed_and_counted_by_status(database):
    ada, bob = make_subscriber("ada"), make_subscriber("bob")
    store_subscribers(database, [ada, bob])
    suppress(database, bob)

    with database.read() as connection:
        everyone = list_subscribers(connection)
        confirmed = list_subscribers(connection, status=CONFIRMED)
        counts = count_by_status(connection)

    assert [one.id for one in everyone] == sorted([ada.id, bob.id])
    assert [one.id for one in confirmed] == [ada.id]
    assert {status: count for status, count in counts.items() if count} == {
        CONFIRMED: 1,
        SUPPRESSED: 1,
    }


# --- by their own will ------------------------------------------------------------------


def test_whoever_comes_back_has_the_old_id_and_the_new_wishes(database):
    ada = make_subscriber("ada")
    store_subscribers(database, [ada])
    with database.write() as connection:
        remove_subscriber(connection, ada.email, NOW)

    again = make_subscriber("ada", interests=(INTEREST,), next_digest_at=LATER)
    store_subscribers(database, [again])

    assert stored(database) == replace(again, id=ada.id, created_at=NOW)


def test_suppressed_address_is_not_revived(database):
    ada = make_subscriber("ada")
    store_subscribers(database, [ada])
    suppress(database, ada)

    with database.write() as connection:
        again = add_subscriber(connection, make_subscriber("ada"), LATER)

    assert again.status is stored(database).status is SUPPRESSED


def test_whoever_leaves_gets_nothing_that_still_waits(database):
    ada = make_subscriber("ada")
    store_subscribers(database, [ada])
    item = make_item()
    store_items(database, [item])
    store_digest(database, make_digest(ada, [item]))

    with database.write() as connection:
        assert remove_subscriber(connection, "ADA@example.org", NOW)

    assert stored(database).status is UNSUBSCRIBED
    with database.read() as connection:
        [delivery] = list_deliveries(connection, limit=9)
    assert delivery.status is DeliveryStatus.CANCELLED


def test_when_and_by_whom_a_subscription_ended_is_kept_until_it_begins_again(database):
    store_subscribers(database, [make_subscriber("ada")])
    ended = select(subscribers.c.unsubscribed_by, subscribers.c.ended_at)
    with database.write() as connection:
        remove_subscriber(connection, "ada@example.org", LATER)
        left = connection.execute(ended).one()

    store_subscribers(database, [make_subscriber("ada")])

    assert left == (Leaver.READER, LATER)
    with database.read() as connection:
        assert connection.execute(ended).one() == (None, None)


@pytest.mark.parametrize("status", [UNSUBSCRIBED, SUPPRESSED])
def test_whoever_gets_no_mail_cannot_leave(database, status):
    store_subscribers(database, [make_subscriber("ada", status=status)])

    with database.write() as connection:
        assert not remove_subscriber(connection, "ada@example.org", NOW)
        assert not remove_subscriber(connection, "nobody@example.org", NOW)

    assert stored(database).status is status


# --- from the settings file -------------------------------------------------------------


def test_subscriber_of_the_settings_file_is_marked(database):
    save_config(database, FULL)

    assert stored(database, FULL.email) == replace(FULL, config_owned=True, created_at=NOW)


def test_same_settings_change_nothing(database, recorded):
    save_config(database, FULL)
    before = stored(database, FULL.email)

    with recorded() as statements:
        save_config(database, replace(FULL, id="other", next_digest_at=LATER), now=LATER)

    assert stored(database, FULL.email) == before
    assert not [one for one, _ in statements if one.startswith(("UPDATE", "DELETE", "INSERT"))]


def test_changed_wishes_keep_the_due_time(database):
    ada = make_subscriber("ada")
    save_config(database, ada)

    save_config(database, make_subscriber("ada", interests=(INTEREST,), next_digest_at=LATER))

    subscriber = stored(database)
    assert (subscriber.id, subscriber.interests) == (ada.id, (INTEREST,))
    assert subscriber.next_digest_at == NOW


def test_changed_schedule_brings_its_own_due_time(database):
    save_config(database, make_subscriber("ada"))

    schedule = Schedule(timezone="Europe/Berlin")
    save_config(database, make_subscriber("ada", schedule=schedule, next_digest_at=LATER))

    assert stored(database).next_digest_at == LATER


def test_missing_due_time_is_filled_in(database):
    save_config(database, make_subscriber("ada", next_digest_at=None))

    save_config(database, make_subscriber("ada"))

    assert stored(database).next_digest_at == NOW


def test_whoever_was_a_subscriber_before_keeps_id_and_history(database):
    ada = make_subscriber("ada")
    store_subscribers(database, [ada])
    store_items(database, [item := make_item()])
    store_digest(database, make_digest(ada, [item]))

    save_config(database, make_subscriber("ADA"))

    subscriber = stored(database)
    assert (subscriber.id, subscriber.email) == (ada.id, "ADA@example.org")
    assert (subscriber.config_owned, subscriber.last_digest_at) == (True, NOW)


def test_whoever_leaves_the_settings_file_gets_no_mail_and_may_return(database):
    ada, bob = make_subscriber("ada"), make_subscriber("bob")
    save_config(database, ada, bob)

    save_config(database, bob)
    gone = stored(database)
    save_config(database, bob)
    save_config(database, make_subscriber("ada", next_digest_at=LATER), bob)

    back = stored(database)
    assert (gone.id, gone.status) == (ada.id, UNSUBSCRIBED)
    assert (back.id, back.status, back.next_digest_at) == (ada.id, CONFIRMED, LATER)


def test_whoever_unsubscribed_stays_so_while_the_settings_file_names_them(database):
    ada = make_subscriber("ada")
    save_config(database, ada)
    with database.write() as connection:
        remove_subscriber(connection, ada.email, NOW)

    for given in ([ada], [], [ada]):
        save_config(database, *given)

    assert stored(database).status is UNSUBSCRIBED


def test_whoever_left_the_file_after_coming_back_may_return_again(database):
    """The reason of an earlier leave does not outlive it."""
    ada = make_subscriber("ada")
    save_config(database, ada)
    with database.write() as connection:
        remove_subscriber(connection, ada.email, NOW)
        add_subscriber(connection, ada, NOW)

    for given in ([ada], [], [ada]):
        save_config(database, *given)

    assert stored(database).status is CONFIRMED


def test_suppressed_address_stays_so_in_the_settings_file(database):
    ada = make_subscriber("ada")
    save_config(database, ada)
    suppress(database, ada)

    for given in ([ada], [], [ada]):
        save_config(database, *given)

    assert stored(database).status is SUPPRESSED


def test_others_are_no_business_of_the_settings_file(database):
    store_subscribers(database, [make_subscriber("ada")])

    save_config(database, make_subscriber("bob"))

    assert stored(database).status is CONFIRMED
    assert not stored(database).config_owned


# --- due --------------------------------------------------------------------------------


def test_claim_gives_the_due_time_as_it_was_and_moves_it_on(database):
    ada = make_subscriber("ada", interests=(INTEREST,))
    store_subscribers(database, [ada])

    assert claim(database) == [replace(ada, created_at=NOW)]
    assert stored(database).next_digest_at == NOW + LEASE


def test_claimed_subscriber_is_due_again_only_after_the_lease(database):
    store_subscribers(database, [make_subscriber("ada")])
    claim(database)

    assert claim(database, NOW + LEASE - timedelta(microseconds=1)) == []
    assert len(claim(database, NOW + LEASE)) == 1


def test_longest_due_are_claimed_first(database):
    minute = timedelta(minutes=1)
    store_subscribers(
        database,
        [
            make_subscriber("bob", next_digest_at=NOW - minute),
            make_subscriber("ada", next_digest_at=NOW - 2 * minute),
            make_subscriber("cleo"),
        ],
    )

    claimed = claim(database, limit=2)

    assert [one.email[:3] for one in claimed] == ["ada", "bob"]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"next_digest_at": NOW + timedelta(microseconds=1)}, id="not due"),
        pytest.param({"next_digest_at": None}, id="never due"),
        pytest.param({"paused_until": LATER}, id="paused"),
        pytest.param({"status": SubscriberStatus.UNCONFIRMED}, id="unconfirmed"),
        pytest.param({"status": UNSUBSCRIBED}, id="unsubscribed"),
        pytest.param({"status": SUPPRESSED}, id="suppressed"),
    ],
)
def test_nobody_else_is_claimed(database, fields):
    store_subscribers(database, [make_subscriber("ada", **fields)])

    assert claim(database) == []


def test_next_due_time_is_that_of_the_confirmed(database):
    with database.read() as connection:
        assert next_due_at(connection) is None

    store_subscribers(
        database,
        [
            make_subscriber("ada", next_digest_at=LATER),
            make_subscriber("bob", status=UNSUBSCRIBED),
        ],
    )

    with database.read() as connection:
        assert next_due_at(connection) == LATER


# --- heard ------------------------------------------------------------------------------


def test_verdicts_come_back_with_their_items_oldest_first(database):
    ada, bob = make_subscriber("ada"), make_subscriber("bob")
    store_subscribers(database, [ada, bob])
    first, second = make_item(1), make_item(2)
    store_items(database, [first, second])
    with database.write() as connection:
        add_feedback(connection, ada.id, first.id, Verdict.LESS, LATER)
        add_feedback(connection, ada.id, second.id, Verdict.MORE, NOW)

    with database.read() as connection:
        heard = feedback_of(connection, [ada.id, bob.id])

    assert [(one.item, one.verdict, one.at) for one in heard[ada.id]] == [
        (second, Verdict.MORE, NOW),
        (first, Verdict.LESS, LATER),
    ]
    assert bob.id not in heard


def test_second_verdict_replaces_the_first(database):
    ada, item = make_subscriber("ada"), make_item()
    store_subscribers(database, [ada])
    store_items(database, [item])
    with database.write() as connection:
        add_feedback(connection, ada.id, item.id, Verdict.LESS, NOW)
        add_feedback(connection, ada.id, item.id, Verdict.MORE, LATER)

    with database.read() as connection:
        [verdict] = feedback_of(connection, [ada.id])[ada.id]

    assert (verdict.verdict, verdict.at) == (Verdict.MORE, LATER)


def test_verdict_names_the_interest_under_which_the_item_was_picked(database):
    ada = make_subscriber()
    picked, other = make_item(1), make_item(2)
    store_subscribers(database, [ada])
    store_items(database, [picked, other])
    store_digest(database, make_digest(ada, [picked]))
    with database.write() as connection:
        add_feedback(connection, ada.id, picked.id, Verdict.SAVE, NOW)
        add_feedback(connection, ada.id, other.id, Verdict.MORE, LATER)

        given = feedback_of(connection, [ada.id])[ada.id]

    assert [(one.verdict, one.interest) for one in given] == [
        (Verdict.SAVE, "graphs"),
        (Verdict.MORE, None),
    ]
