"""The outbox: claimed with a lease, recorded after each attempt, never lost."""

from datetime import date, timedelta

import pytest

from digest.model import AttemptOutcome, DeliveryStatus, Reply, SubscriberStatus
from digest.store.outbox import (
    attempts_of,
    cancel_delivery,
    claim_due_deliveries,
    find_delivery,
    list_deliveries,
    outbox_counts,
    record_attempts,
    release_deliveries,
    retry_delivery,
)
from digest.store.subscribers import find_subscriber, remove_subscriber
from tests.store.makers import (
    LATER,
    LEASE,
    NOW,
    make_attempt,
    make_digest,
    make_item,
    make_subscriber,
    store_digest,
    store_items,
    store_subscribers,
)

SENT, DEFERRED, FAILED = AttemptOutcome.SENT, AttemptOutcome.DEFERRED, AttemptOutcome.FAILED


@pytest.fixture
def ada(database):
    ada = make_subscriber("ada")
    store_subscribers(database, [ada])
    return ada


@pytest.fixture
def deliveries(database, ada):
    """Two deliveries to Ada, due now, as they were composed; in the order of their ids."""
    items = [make_item(1), make_item(2)]
    store_items(database, items)
    composed = [
        store_digest(database, make_digest(ada, [item], edition=date(2026, 3, day)))
        for day, item in enumerate(items, start=1)
    ]
    return sorted(composed, key=lambda delivery: delivery.id)


def claim(database, now=NOW, limit=10, **fields):
    with database.write() as connection:
        return claim_due_deliveries(connection, now, LEASE, limit, **fields)


def record(database, *attempts):
    with database.write() as connection:
        record_attempts(connection, attempts)


def stored(database, delivery):
    with database.read() as connection:
        everything = list_deliveries(connection, limit=99)
    return next(one for one in everything if one.id == delivery.id)


def test_claim_counts_the_attempt_and_moves_the_due_time_on(database, deliveries):
    claimed = claim(database)

    assert claimed == [one._replace(attempts=1, next_attempt_at=NOW + LEASE) for one in deliveries]
    assert [stored(database, one) for one in deliveries] == claimed


def test_delivery_of_a_crashed_worker_is_due_again_after_the_lease(database, deliveries):
    claim(database)

    assert claim(database, NOW + LEASE - timedelta(microseconds=1)) == []
    assert [one.attempts for one in claim(database, NOW + LEASE)] == [2, 2]


def test_time_in_which_nobody_asked_does_not_count(database, deliveries):
    """The service was down for three days: as if the clock had stood still."""
    down = timedelta(days=3)

    claimed = claim(database, NOW + down)

    assert [one.counted_from for one in claimed] == [one.created_at + down for one in deliveries]
    assert [stored(database, one) for one in deliveries] == claimed


def test_taken_up_again_a_delivery_has_its_whole_time_and_stays_what_it_was(database, deliveries):
    claim(database)
    record(database, make_attempt(deliveries[0], FAILED))

    with database.write() as connection:
        assert retry_delivery(connection, deliveries[0].id, LATER)

    again = stored(database, deliveries[0])
    assert (again.counted_from, again.superseded_at) == (LATER, None)
    assert (again.created_at, again.message_id) == (
        deliveries[0].created_at,
        deliveries[0].message_id,
    )


def test_longest_due_is_claimed_first(database, deliveries):
    record(database, make_attempt(deliveries[0], DEFERRED, next_attempt_at=LATER))

    [first] = claim(database, LATER, limit=1)

    assert first.id == deliveries[1].id


def test_claim_may_be_of_one_subscriber(database, ada, deliveries):
    assert claim(database, subscriber_id="nobody") == []
    assert len(claim(database, subscriber_id=ada.id)) == 2


def test_released_delivery_is_due_at_once_and_counts_no_attempt(database, deliveries):
    claim(database)
    later = NOW + timedelta(seconds=1)

    with database.write() as connection:
        release_deliveries(connection, [deliveries[0].id], later)

    assert stored(database, deliveries[0]) == deliveries[0]._replace(next_attempt_at=later)
    assert [one.id for one in claim(database, later)] == [deliveries[0].id]


def test_finished_delivery_is_not_released(database, deliveries):
    record(database, make_attempt(deliveries[0], SENT))
    before = stored(database, deliveries[0])

    with database.write() as connection:
        release_deliveries(connection, [deliveries[0].id], LATER)

    assert stored(database, deliveries[0]) == before


@pytest.mark.parametrize(
    ("outcome", "next_attempt_at", "status"),
    [
        pytest.param(SENT, None, DeliveryStatus.SENT, id="sent"),
        pytest.param(FAILED, None, DeliveryStatus.FAILED, id="failed"),
        pytest.param(DEFERRED, LATER, DeliveryStatus.PENDING, id="deferred"),
    ],
)
def test_attempt_decides_what_becomes_of_the_delivery(
    database, deliveries, outcome, next_attempt_at, status
):
    [claimed, _] = claim(database)
    reply = Reply(code=250, text="queued as 7", relay="relay:25", uncertain=True)
    attempt = make_attempt(claimed, outcome, reply=reply, next_attempt_at=next_attempt_at)

    record(database, attempt)

    delivery = stored(database, claimed)
    assert (delivery.status, delivery.last_reply) == (status, "250 queued as 7")
    assert delivery.next_attempt_at == (next_attempt_at or claimed.next_attempt_at)
    with database.read() as connection:
        assert attempts_of(connection, claimed.id) == [attempt]


def test_finished_delivery_is_never_claimed_again(database, deliveries):
    record(database, make_attempt(deliveries[0], SENT), make_attempt(deliveries[1], FAILED))

    assert claim(database, LATER) == []


def test_attempts_are_kept_in_order(database, deliveries):
    attempts = [
        make_attempt(deliveries[0], DEFERRED, next_attempt_at=LATER),
        make_attempt(deliveries[0], SENT, at=LATER),
    ]

    record(database, *attempts)

    assert stored(database, deliveries[0]).status is DeliveryStatus.SENT
    with database.read() as connection:
        assert attempts_of(connection, deliveries[0].id) == attempts


def test_late_word_of_a_slow_worker_is_noted_and_changes_nothing(database, deliveries):
    """Two workers tried after a lease ran out: what is done stays done, the doubling shows."""
    record(database, make_attempt(deliveries[0], SENT))
    before = stored(database, deliveries[0])

    record(database, make_attempt(deliveries[0], DEFERRED, at=LATER, next_attempt_at=LATER))

    assert stored(database, deliveries[0]) == before
    with database.read() as connection:
        assert len(attempts_of(connection, deliveries[0].id)) == 2


def test_attempt_at_a_delivery_that_is_gone_is_ignored(database, deliveries):
    gone = deliveries[0]._replace(id="gone")

    record(
        database, make_attempt(gone, FAILED, bad_address=True), make_attempt(deliveries[1], SENT)
    )

    assert stored(database, deliveries[1]).status is DeliveryStatus.SENT
    with database.read() as connection:
        assert attempts_of(connection, "gone") == []


def test_nothing_to_record_is_fine(database):
    record(database)

    with database.read() as connection:
        assert list_deliveries(connection, limit=9) == []


def test_dead_address_gets_no_more(database, ada, deliveries):
    record(database, make_attempt(deliveries[0], FAILED, bad_address=True))

    with database.read() as connection:
        assert find_subscriber(connection, ada.email).status is SubscriberStatus.SUPPRESSED
    assert [stored(database, one).status for one in deliveries] == [
        DeliveryStatus.FAILED,
        DeliveryStatus.CANCELLED,
    ]
    assert claim(database, LATER) == []


def test_refusal_that_is_not_the_address_s_fault_suppresses_nobody(database, ada, deliveries):
    record(database, make_attempt(deliveries[0], FAILED))

    with database.read() as connection:
        assert find_subscriber(connection, ada.email).status is SubscriberStatus.CONFIRMED
    assert stored(database, deliveries[1]).status is DeliveryStatus.PENDING


def test_outbox_is_counted(database, ada, deliveries):
    with database.read() as connection:
        assert outbox_counts(connection, NOW - LEASE)["due"] == 0

    record(database, make_attempt(deliveries[0], SENT))

    with database.read() as connection:
        assert outbox_counts(connection, LATER) == {
            "pending": 1,
            "sent": 1,
            "failed": 0,
            "cancelled": 0,
            "due": 1,
            "oldest_due_at": NOW,
        }
    with database.write() as connection:
        remove_subscriber(connection, ada.email, NOW)
        assert outbox_counts(connection, LATER) == {
            "pending": 0,
            "sent": 1,
            "failed": 0,
            "cancelled": 1,
            "due": 0,
            "oldest_due_at": None,
        }


def test_deliveries_are_listed_newest_first(database, deliveries):
    older, newer = deliveries
    record(database, make_attempt(newer, SENT))

    with database.read() as connection:
        pending = list_deliveries(connection, status=DeliveryStatus.PENDING, limit=9)
        [newest] = list_deliveries(connection, limit=1)

    assert newest.id == newer.id
    assert pending == [older]


def test_failed_delivery_can_be_taken_up_again(database, deliveries):
    claim(database)
    record(database, make_attempt(deliveries[0], FAILED))

    with database.write() as connection:
        assert retry_delivery(connection, deliveries[0].id, LATER)

    assert deliveries[0].id in {one.id for one in claim(database, LATER)}


def test_delivery_under_way_is_neither_cancelled_nor_doubled(database, deliveries):
    claim(database, limit=1)

    with database.write() as connection:
        assert not retry_delivery(connection, deliveries[0].id, NOW)
        assert not cancel_delivery(connection, deliveries[0].id)


def test_delivery_to_somebody_who_left_is_not_taken_up_again(database, deliveries, ada):
    claim(database)
    record(database, make_attempt(deliveries[0], FAILED))
    with database.write() as connection:
        remove_subscriber(connection, ada.email, NOW)

        assert not retry_delivery(connection, deliveries[0].id, LATER)


def test_cancelled_delivery_never_goes_out(database, deliveries):
    with database.write() as connection:
        assert cancel_delivery(connection, deliveries[0].id)

    assert [one.id for one in claim(database)] == [deliveries[1].id]
    with database.read() as connection:
        assert find_delivery(connection, deliveries[0].id).status is DeliveryStatus.CANCELLED
        assert find_delivery(connection, "nothing") is None
