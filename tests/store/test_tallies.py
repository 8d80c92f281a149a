"""What is counted of each day, and stays counted when rows go.  On every database."""

from datetime import date, timedelta

import pytest

from digest.model import AttemptOutcome, ListingOutcome, Reply, Verdict
from digest.overview import read_overview
from digest.store.embeddings import note_model
from digest.store.figures import RelayCounts
from digest.store.membership import erase, leave
from digest.store.outbox import insert_deliveries, record_attempts
from digest.store.sources import list_sources, record_check
from digest.store.subscribers import add_feedback
from digest.store.tallies import CAME_BACK, count_days, read_tally
from tests.store.makers import (
    NOW,
    make_attempt,
    make_delivery,
    make_digest,
    make_item,
    make_subscriber,
    store_items,
    store_subscribers,
)

DAY = timedelta(days=1)


def count(database, now):
    count_days(database, now)


def attempts(database, reader, now, *outcomes, **fields):
    """Record an attempt of a delivery each."""
    made = [
        make_delivery(make_digest(reader, []), digest_id=None, created_at=now) for _ in outcomes
    ]
    with database.write() as connection:
        insert_deliveries(connection, made)
        tried = [
            make_attempt(delivery, outcome, at=now, **fields)
            for delivery, outcome in zip(made, outcomes, strict=True)
        ]
        record_attempts(connection, tried)


@pytest.fixture
def ada(database):
    one = make_subscriber()
    store_subscribers(database, [one])
    return one


def tally(database, now, days=3):
    with database.read() as connection:
        return read_tally(connection, now, days)


def test_a_past_day_keeps_its_last_count_and_today_is_counted_anew(database, ada):
    count(database, NOW)
    store_subscribers(database, [make_subscriber("eve")])
    count(database, NOW + timedelta(hours=9))
    with database.write() as connection:
        leave(connection, ada, "hash", NOW)

    shown = tally(database, NOW + DAY)

    assert shown.days == (date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3))
    assert shown.subscribers["confirmed"] == (None, 2, 1)
    assert shown.subscribers["unsubscribed"] == (None, 0, 1)


def test_attempts_are_counted_by_how_they_ended(database, ada):
    sent, deferred, failed = AttemptOutcome
    attempts(database, ada, NOW, sent, sent, deferred, failed)
    for text in ("came back: hard", "came back: soft", "came back: complaint"):
        attempts(database, ada, NOW, failed, reply=Reply(code=550, text=text, relay=CAME_BACK))

    count(database, NOW)
    shown = tally(database, NOW, days=1).attempts

    assert {name: counts[0] for name, counts in shown.items()} == {
        "sent": 2,
        "deferred": 1,
        "failed": 1,
        "bounced": 2,
        "complained": 1,
    }


def test_days_that_nobody_counted_are_counted_later(database, ada):
    attempts(database, ada, NOW, AttemptOutcome.SENT)
    attempts(database, ada, NOW + DAY, AttemptOutcome.SENT, AttemptOutcome.SENT)

    count(database, NOW + 2 * DAY)

    shown = tally(database, NOW + 2 * DAY)
    assert shown.attempts["sent"] == (1, 2, 0)
    assert shown.subscribers["confirmed"] == (None, None, 1)


def test_what_was_sent_stays_counted_when_its_reader_is_erased(database, ada):
    attempts(database, ada, NOW, AttemptOutcome.SENT)
    count(database, NOW)
    with database.write() as connection:
        erase(connection, [ada.id])
    count(database, NOW)

    assert tally(database, NOW, days=1).attempts["sent"] == (1,)


def test_a_clock_that_stood_ahead_stops_no_count(database, ada):
    count(database, NOW + 9 * DAY)
    count(database, NOW)

    assert tally(database, NOW + DAY, days=2).subscribers["confirmed"] == (1, 1)


def overview(database, now=NOW, days=2):
    return read_overview(database, now, days)


def checked(database, now, new, outcome=ListingOutcome.NEW, **fields):
    with database.write() as connection:
        [state] = list_sources(connection)
        record_check(
            connection, state, outcome, at=now, next_check_at=now, items=30, new=new, **fields
        )


def test_new_items_of_a_source_are_counted_by_the_day_in_utc(database):
    store_items(database, [make_item()])
    for hours, new in ((-31, 3), (-7, 5), (0, 7), (1, 0), (17, 11)):
        checked(database, NOW + timedelta(hours=hours), new)

    [report] = overview(database, NOW + timedelta(hours=17)).sources

    assert report.new_items == (5, 18)


def test_feedback_is_counted_by_item_over_the_days_shown(database, ada):
    eve, liked, old = make_subscriber("eve"), make_item(1), make_item(2)
    store_subscribers(database, [eve])
    store_items(database, [liked, old])
    with database.write() as connection:
        add_feedback(connection, ada.id, liked.id, Verdict.MORE, NOW)
        add_feedback(connection, eve.id, liked.id, Verdict.LESS, NOW)
        add_feedback(connection, ada.id, old.id, Verdict.MORE, NOW - 9 * DAY)

    [judged] = overview(database).feedback

    assert (judged.title, judged.more, judged.less) == ("Item 1", 1, 1)


def test_all_well_raises_no_alarm(database, ada):
    store_items(database, [make_item()])
    checked(database, NOW, 1)
    attempts(database, ada, NOW, *[AttemptOutcome.SENT] * 30)
    count(database, NOW)

    seen = overview(database)

    assert seen.alarms == []
    assert seen.relays == [RelayCounts(relay="relay:25", sent=30, deferred=0, failed=0)]


def test_whatever_a_person_should_look_at_is_an_alarm(database, ada):
    store_items(database, [make_item()])
    for _ in range(2):
        checked(database, NOW, 0, ListingOutcome.FAILED, error="fetch papers: HTTP 500")
    attempts(database, ada, NOW, *[AttemptOutcome.SENT] * 20, *[AttemptOutcome.FAILED] * 30)
    spam = Reply(code=550, text="came back: complaint", relay=CAME_BACK)
    attempts(database, ada, NOW, AttemptOutcome.FAILED, reply=spam)
    with database.write() as connection:
        late = make_delivery(make_digest(ada, []), digest_id=None)
        insert_deliveries(connection, [late])
    count(database, NOW)

    told = overview(database, NOW + timedelta(minutes=40)).alarms
    stale = overview(database, NOW + 2 * DAY).alarms

    assert told == [
        "source papers: failed 2 times in a row: fetch papers: HTTP 500",
        "outbox: 1 messages are due, the oldest for 40 min",
        "relay relay:25: took 20 of the last 50 messages",
        "complained: 1 of 20 messages of these days, more than 0.1%",
    ]
    assert "figures: nothing was counted today or yesterday: does the service run?" in stale


def test_broken_template_of_the_operator_is_an_alarm(database):
    seen = read_overview(database, NOW, 7, {"mail/item.html": "'titel' is undefined"})

    assert "template mail/item.html: broken, ours is used: 'titel' is undefined" in seen.alarms


def test_embedding_model_that_failed_today_is_an_alarm(database):
    with database.write() as connection:
        note_model(connection, "minilm", "no such folder", NOW)

    today, later = overview(database, NOW + timedelta(hours=1)), overview(database, NOW + 2 * DAY)

    assert "the default ranker works alone since 2026-03-02 06:00Z: no such folder" in today.alarms
    assert not [alarm for alarm in later.alarms if "ranker" in alarm]
