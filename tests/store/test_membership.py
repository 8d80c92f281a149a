"""Joining, leaving, being forgotten, and how often one may knock.  On every database."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from digest.model import DeliveryStatus, SubscriberStatus, Verdict
from digest.store.archive import latest_news_at, read_stretch
from digest.store.database import Database
from digest.store.membership import (
    SuppressionReason,
    confirm,
    erase,
    forget_old,
    is_refused,
    leave,
    save_wishes,
    suppress,
)
from digest.store.outbox import list_deliveries
from digest.store.schema import metadata, subscribers, suppressions
from digest.store.sign_ups import ADDRESS_A_DAY, ADDRESS_PAUSE, Limits, admit
from digest.store.subscribers import (
    add_feedback,
    add_subscriber,
    feedback_of,
    get_subscribers,
    remove_feedback,
)
from tests.store.makers import (
    LATER,
    NOW,
    make_digest,
    make_item,
    make_subscriber,
    store_digest,
    store_items,
    store_subscribers,
)

MINUTE = timedelta(minutes=1)
PLENTY = Limits(per_network=1000, per_hour=1000)


@pytest.fixture
def ada(database):
    """A reader with wishes, a digest, a delivery and a verdict."""
    one, item = make_subscriber(), make_item()
    store_items(database, [item])
    store_subscribers(database, [one])
    store_digest(database, make_digest(one, [item]))
    with database.write() as connection:
        add_feedback(connection, one.id, item.id, Verdict.MORE, NOW)
    return one


def stored(database, subscriber):
    with database.read() as connection:
        return get_subscribers(connection, [subscriber.id]).get(subscriber.id)


def test_confirming_makes_a_sign_up_count(database):
    one = make_subscriber(status=SubscriberStatus.UNCONFIRMED, next_digest_at=None)
    store_subscribers(database, [one])

    with database.write() as connection:
        confirm(connection, one.id, LATER)

    assert stored(database, one).status is SubscriberStatus.CONFIRMED
    assert stored(database, one).next_digest_at == LATER


def test_confirming_revives_no_suppressed_address(database):
    one = make_subscriber(status=SubscriberStatus.SUPPRESSED)
    store_subscribers(database, [one])

    with database.write() as connection:
        confirm(connection, one.id, LATER)

    assert stored(database, one).status is SubscriberStatus.SUPPRESSED


def test_leaving_cancels_mail_and_voids_links(database, ada):
    with database.write() as connection:
        assert leave(connection, ada, "hash", NOW)

    left = stored(database, ada)
    assert (left.status, left.link_epoch) == (SubscriberStatus.UNSUBSCRIBED, 1)
    with database.read() as connection:
        [delivery] = list_deliveries(connection, limit=9)
        assert delivery.status is DeliveryStatus.CANCELLED
        assert not leave(connection, left, "hash", NOW)


def test_links_stay_void_when_somebody_comes_back(database, ada):
    with database.write() as connection:
        leave(connection, ada, "hash", NOW)

        assert add_subscriber(connection, make_subscriber(), LATER).link_epoch == 1


def test_wishes_of_somebody_who_left_are_not_changed(database, ada):
    with database.write() as connection:
        leave(connection, ada, "hash", NOW)
        save_wishes(connection, ada)

    assert stored(database, ada).status is SubscriberStatus.UNSUBSCRIBED


def test_erasing_leaves_no_row_behind(database, ada):
    with database.write() as connection:
        erase(connection, [ada.id])

    with database.read() as connection:
        for table in metadata.sorted_tables:
            if "subscriber_id" in table.c:
                assert connection.execute(select(table)).all() == [], table.name
        assert connection.execute(select(subscribers)).all() == []


def test_old_sign_ups_and_leavers_are_forgotten(database, ada):
    eve = make_subscriber("eve", status=SubscriberStatus.UNCONFIRMED)
    store_subscribers(database, [eve])
    with database.write() as connection:
        leave(connection, ada, "ada's", NOW)
    spans = {"unconfirmed_for": timedelta(days=7), "ended_for": timedelta(days=30)}

    def forgotten_after(days):
        with database.write() as connection:
            return forget_old(
                connection, NOW + timedelta(days=days), hashes=lambda key: (f"h:{key}",), **spans
            )

    assert [forgotten_after(days) for days in (6, 8, 29, 31)] == [0, 1, 0, 1]
    with database.read() as connection:
        kept = set(connection.scalars(select(suppressions.c.address_hash)))
    assert "h:ada@example.org" in kept


def test_a_refusal_is_never_weakened(database):
    with database.write() as connection:
        suppress(connection, "a", SuppressionReason.UNSUBSCRIBED, NOW)
        assert not is_refused(connection, ["a"])
        suppress(connection, "a", SuppressionReason.REFUSED, NOW)
        suppress(connection, "a", SuppressionReason.UNSUBSCRIBED, LATER)

        assert is_refused(connection, ["newer", "a"])


def test_a_verdict_can_be_taken_back(database, ada):
    with database.write() as connection:
        [verdict] = feedback_of(connection, [ada.id])[ada.id]
        remove_feedback(connection, ada.id, verdict.item.id)

        assert feedback_of(connection, [ada.id]) == {}


def test_one_address_gets_one_mail_in_a_while_and_few_a_day(database):
    with database.write() as connection:
        assert admit(connection, "ada", "home", PLENTY, NOW)
        assert not admit(connection, "ada", "home", PLENTY, NOW + ADDRESS_PAUSE - MINUTE)
        assert admit(connection, "bob", "home", PLENTY, NOW)
        later = [NOW + ADDRESS_PAUSE * times for times in range(1, ADDRESS_A_DAY + 1)]
        let_through = [admit(connection, "ada", "home", PLENTY, at) for at in later]

        assert let_through == [True] * (ADDRESS_A_DAY - 1) + [False]
        assert admit(connection, "ada", "home", PLENTY, LATER + ADDRESS_PAUSE)


@pytest.mark.parametrize(
    ("limits", "networks"),
    [
        pytest.param(Limits(per_network=3, per_hour=99), "aaaa", id="one network"),
        pytest.param(Limits(per_network=99, per_hour=3), "abcd", id="over all"),
    ],
)
def test_many_addresses_meet_the_other_limits(database, limits, networks):
    with database.write() as connection:
        let_through = [
            admit(connection, f"address {place}", network, limits, NOW)
            for place, network in enumerate(networks)
        ]
        assert let_through == [True, True, True, False]
        assert admit(connection, "another", "a", limits, NOW + timedelta(hours=1))


def test_limits_survive_a_restart(database_url):

    for expected in (True, False):
        again = Database(database_url)
        with again.write() as connection:
            assert admit(connection, "ada", "home", PLENTY, NOW) is expected
        again.close()


def test_a_day_is_listed_most_voted_first_with_its_neighbours(database):
    day = timedelta(days=1)
    made = [
        make_item(1, upvotes=3),
        make_item(2, upvotes=30),
        make_item(3),
        make_item(4, eligible_at=NOW - 2 * day),
        make_item(5, eligible_at=NOW + 3 * day),
        make_item(6, withdrawn=True),
        make_item(7, eligible_at=None),
    ]
    store_items(database, made)

    with database.read() as connection:
        stretch = read_stretch(connection, NOW, NOW + day, limit=2)
        rest = read_stretch(connection, NOW, NOW + day, limit=2, skip=2)
        assert latest_news_at(connection) == NOW + 3 * day

    assert [item.title for item in stretch.items] == ["Item 2", "Item 1"]
    assert [item.title for item in rest.items] == ["Item 3"]
    assert (stretch.count, stretch.before, stretch.after) == (3, NOW - 2 * day, NOW + 3 * day)
