"""Letters: what a mail is made of comes back as it was when its digest was composed."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from digest.model import Form, Frequency, Interest, Mention, MentionKind, Schedule
from digest.store.digests import load_digests, record_digests
from digest.store.items import save_changes
from digest.store.letters import Letters
from digest.store.membership import erase
from digest.store.subscriber_rows import rewrite_subscribers
from digest.store.subscribers import get_subscribers
from tests.store.makers import (
    LATER,
    NOW,
    make_change,
    make_delivery,
    make_digest,
    make_item,
    make_subscriber,
    store_items,
    store_source,
    store_subscribers,
)

DAY = timedelta(days=1)
WISHES = {
    "name": "Ada Löve, 爱达",
    "language": "de",
    "form": Form.SHORT,
    "thumbnails": True,
    "revisions": True,
    "interests": (Interest(name="graphs"), Interest(name='"quoted" \\ and\nbroken')),
    "schedule": Schedule(
        timezone="Asia/Tokyo",
        at=time(6, 30),
        weekdays=frozenset({0, 4}),
        frequency=Frequency.WEEKLY,
    ),
}


@pytest.fixture
def ada(database):
    ada = make_subscriber("ada", **WISHES)
    store_subscribers(database, [ada])
    return ada


def record(database, reader, digest):
    delivery = make_delivery(digest)
    with database.write() as connection:
        due = {reader.id: LATER}
        record_digests(connection, [digest], {digest.id: delivery}, due, {reader.id: reader})


def read(database, *digests):
    with database.read() as connection:
        return Letters().read(connection, [one.id for one in digests])


def test_letter_holds_the_digest_and_its_reader(database, ada):
    items = [
        make_item(1, upvotes=3, comments=4),
        make_item(2, authors=("Gödel, K.",)),
        make_item(3),
    ]
    store_items(database, items)
    mentions = (
        Mention.of(MentionKind.MOST_VOTED, items[2]),
        Mention.of(MentionKind.REVISED, items[2], date(2026, 2, 27)),
    )
    plain = make_digest(ada, items[:2], mentions=mentions)
    first, second = plain.picks
    said = (("keyword", 'a "word"'), ("topic", "图"))
    first = first._replace(said=said, sentences=(0, 2), interest=None)
    second = second._replace(said=(), sentences=None)
    digest = replace(plain, picks=(first, second))

    record(database, ada, digest)

    [letter] = read(database, digest).values()
    without_reasons = tuple(pick._replace(reasons=()) for pick in digest.picks)
    assert letter.digest == replace(digest, picks=without_reasons)
    for name in (*letter.reader._fields, "interest_names"):
        assert getattr(letter.reader, name) == getattr(ada, name), name
    with database.read() as connection:
        assert load_digests(connection, [digest.id]) == {digest.id: digest}


def test_wishes_that_change_count_from_the_next_digest_on_but_links_at_once(database, ada):
    item = make_item()
    store_items(database, [item])
    digest = make_digest(ada, [item])
    record(database, ada, digest)
    with database.write() as connection:
        stored = get_subscribers(connection, [ada.id])[ada.id]
        changed = replace(stored, language="fr", interests=(Interest(name="cells"),), link_epoch=1)
        rewrite_subscribers(connection, [changed])

    [letter] = read(database, digest).values()
    assert (letter.reader.language, letter.reader.link_epoch) == ("de", 1)
    assert letter.reader.interest_names == ada.interest_names


def test_digest_without_a_letter_or_without_its_reader_is_left_out(database, ada):
    bob = make_subscriber("bob")
    store_subscribers(database, [bob])
    items = [make_item()]
    store_items(database, items)
    plain, erased = make_digest(ada, items), make_digest(bob, items)
    record(database, bob, erased)
    with database.write() as connection:
        record_digests(connection, [plain], {plain.id: make_delivery(plain)}, {ada.id: LATER})
        erase(connection, [bob.id])

    assert read(database, plain, erased) == {}
    with database.read() as connection:
        assert list(get_subscribers(connection, [ada.id, bob.id])) == [ada.id]
        assert load_digests(connection, [plain.id]) == {plain.id: plain}


def test_letter_keeps_votes_by_day_of_an_item_that_was_merged(database, ada):
    one, other = make_item(1, upvotes=5), make_item(2)
    with database.write() as connection:
        source_id = store_source(connection)
        save_changes(connection, source_id, [make_change(one, upvotes=5)], NOW - DAY)
        save_changes(connection, source_id, [make_change(other)], NOW - DAY)
        save_changes(connection, source_id, [make_change(one, one, upvotes=9)], NOW)
    digest = make_digest(ada, [replace(one, upvotes=9)])
    record(database, ada, digest)
    [before] = read(database, digest).values()

    with database.write() as connection:
        change = make_change(other, other, merged_ids=(one.id,))
        save_changes(connection, source_id, [change], NOW)

    [after] = read(database, digest).values()
    [pick] = after.digest.picks
    assert pick.item.votes_by_day == ((NOW.date() - DAY, 5), (NOW.date(), 9))
    assert after == before


def test_letters_of_many_days_and_readers_are_read_by_one_reader_of_letters(database):
    everyone = [make_subscriber(f"reader-{n}", schedule=Schedule(at=time(n))) for n in range(20)]
    store_subscribers(database, everyone)
    items = [make_item(n) for n in range(20)]
    store_items(database, items)
    digests = [
        make_digest(reader, [item], edition=date(2026, 3, 1 + n), composed_at=NOW + n * DAY)
        for n, (reader, item) in enumerate(zip(everyone, items, strict=True))
    ]
    for reader, digest in zip(everyone, digests, strict=True):
        record(database, reader, digest)
    letters = Letters()

    with database.read() as connection:
        some = letters.read(connection, [one.id for one in digests[:12]])
        all_of_them = letters.read(connection, [one.id for one in digests])

    assert [all_of_them[one.id].digest.composed_at for one in digests] == [
        NOW + n * DAY for n in range(20)
    ]
    assert [all_of_them[one.id].reader.schedule.at.hour for one in digests] == [*range(20)]
    assert some.items() <= all_of_them.items()
