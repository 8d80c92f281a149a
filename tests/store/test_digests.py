"""The ledger: what was sent to whom, once, and what it looked like."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from digest.model import DigestState, Mention, MentionKind, SubscriberStatus
from digest.store.digests import digests_of, load_digests, record_digests, sent_item_ids
from digest.store.items import save_changes
from digest.store.mentions import revised_since
from digest.store.outbox import list_deliveries
from digest.store.subscribers import find_subscriber, remove_subscriber
from tests.store.makers import (
    LATER,
    NOW,
    make_change,
    make_delivery,
    make_digest,
    make_item,
    make_subscriber,
    revise,
    store_digest,
    store_items,
    store_source,
    store_subscribers,
)

DAY = timedelta(days=1)


@pytest.fixture
def ada(database):
    ada = make_subscriber("ada")
    store_subscribers(database, [ada])
    return ada


def test_digest_comes_back_as_it_was_composed(database, ada):
    items = [make_item(1, upvotes=3), make_item(2, comments=4, authors=("Gödel, K.",))]
    store_items(database, items)
    digest = make_digest(ada, items)

    store_digest(database, digest)

    with database.read() as connection:
        assert load_digests(connection, [digest.id]) == {digest.id: digest}


def test_digest_delivery_and_next_due_time_are_stored_together(database, ada):
    item = make_item()
    store_items(database, [item])
    digest = make_digest(ada, [item])

    delivery = store_digest(database, digest)

    with database.read() as connection:
        subscriber = find_subscriber(connection, ada.email)
        assert list_deliveries(connection, limit=9) == [delivery]
        assert sent_item_ids(connection, [ada.id], NOW) == {ada.id: {item.id}}
    assert subscriber.next_digest_at == LATER
    assert subscriber.last_digest_at == digest.composed_at


def test_ledger_is_told_from_the_given_instant_on(database, ada):
    old, new = make_item(1, eligible_at=NOW - timedelta(days=9)), make_item(2)
    store_items(database, [old, new])
    store_digest(database, make_digest(ada, [old, new]))

    with database.read() as connection:
        sent = sent_item_ids(connection, [ada.id, "nobody"], NOW)

    assert sent == {ada.id: {new.id}, "nobody": set()}


def test_second_digest_of_an_edition_is_dropped_whole(database, ada):
    first, second = make_item(1), make_item(2)
    store_items(database, [first, second])
    kept = make_digest(ada, [first])
    store_digest(database, kept)

    store_digest(database, make_digest(ada, [second]))

    with database.read() as connection:
        assert digests_of(connection, ada.id, 9) == [kept]
        assert len(list_deliveries(connection, limit=9)) == 1
        assert sent_item_ids(connection, [ada.id], NOW) == {ada.id: {first.id}}


def test_pick_that_was_sent_meanwhile_is_dropped_and_the_others_move_up(database, ada):
    sent, unsent = make_item(1), make_item(2)
    store_items(database, [sent, unsent])
    store_digest(database, make_digest(ada, [sent]))
    tomorrow = make_digest(ada, [sent, unsent], edition=date(2026, 3, 3))

    store_digest(database, tomorrow)

    with database.read() as connection:
        [pick] = load_digests(connection, [tomorrow.id])[tomorrow.id].picks
    assert (pick.place, pick.item) == (1, unsent)


def test_digest_that_loses_all_its_picks_is_held_without_a_delivery(database, ada):
    item = make_item()
    store_items(database, [item])
    store_digest(database, make_digest(ada, [item]))
    tomorrow = make_digest(ada, [item], edition=date(2026, 3, 3), composed_at=LATER)

    store_digest(database, tomorrow)

    with database.read() as connection:
        stored = load_digests(connection, [tomorrow.id])[tomorrow.id]
        assert (stored.state, stored.picks) == (DigestState.HELD, ())
        assert len(list_deliveries(connection, limit=9)) == 1
        assert find_subscriber(connection, ada.email).last_digest_at == NOW


def test_held_digest_leaves_its_items_for_the_next_one(database, ada):
    held = make_digest(ada, [], state=DigestState.HELD)

    store_digest(database, held)

    with database.read() as connection:
        assert digests_of(connection, ada.id, 9) == [held]
        assert list_deliveries(connection, limit=9) == []
        subscriber = find_subscriber(connection, ada.email)
    assert (subscriber.last_digest_at, subscriber.next_digest_at) == (None, LATER)


def test_whoever_left_while_the_digest_was_composed_gets_none(database, ada):
    item = make_item()
    store_items(database, [item])
    digest = make_digest(ada, [item])
    with database.write() as connection:
        remove_subscriber(connection, ada.email, NOW)

    store_digest(database, digest)

    with database.read() as connection:
        assert digests_of(connection, ada.id, 9) == []
        assert find_subscriber(connection, ada.email).status is SubscriberStatus.UNSUBSCRIBED


def test_batch_is_stored_whole_or_not_at_all(database, ada):
    item = make_item()
    store_items(database, [item])
    bob = make_subscriber("bob")
    store_subscribers(database, [bob])
    digests = [make_digest(ada, [item]), make_digest(bob, [item])]
    deliveries = {digests[0].id: make_delivery(digests[0])}

    with pytest.raises(KeyError), database.write() as connection:
        record_digests(connection, digests, deliveries, {ada.id: LATER, bob.id: LATER})

    with database.read() as connection:
        assert load_digests(connection, [digest.id for digest in digests]) == {}
        assert find_subscriber(connection, ada.email).next_digest_at == NOW


def test_digest_looks_the_same_after_its_items_were_revised(database, ada):
    item = make_item(upvotes=1)
    source_id = store_items(database, [item])
    digest = make_digest(ada, [item])
    store_digest(database, digest)

    for title, upvotes in [("Revised", 2), ("Revised again", 3)]:
        revise(database, source_id, item, title=title, upvotes=upvotes)

    with database.read() as connection:
        assert load_digests(connection, [digest.id]) == {digest.id: digest}


def test_digests_of_two_days_show_an_item_as_it_stood_on_each(database, ada):
    bob = make_subscriber("bob")
    store_subscribers(database, [bob])
    item = make_item()
    source_id = store_items(database, [item])
    early = make_digest(ada, [item])
    store_digest(database, early)
    revised = revise(database, source_id, item, title="Revised")
    late = make_digest(bob, [revised])

    store_digest(database, late)

    with database.read() as connection:
        loaded = load_digests(connection, [early.id, late.id])
    assert loaded == {early.id: early, late.id: late}


def merge(database, source_id, survivor, merged):
    with database.write() as connection:
        joined = replace(survivor, keys=survivor.keys + merged.keys)
        change = make_change(joined, survivor, merged_ids=(merged.id,))
        save_changes(connection, source_id, [change], LATER)


def test_merged_item_counts_as_sent_and_its_digest_looks_the_same(database, ada):
    merged, survivor = make_item(1), make_item(2)
    source_id = store_items(database, [merged, survivor])
    digest = make_digest(ada, [merged])
    store_digest(database, digest)

    merge(database, source_id, survivor, merged)

    with database.read() as connection:
        assert sent_item_ids(connection, [ada.id], NOW) == {ada.id: {survivor.id}}
        assert load_digests(connection, [digest.id]) == {digest.id: digest}


def test_digest_that_showed_both_merged_items_keeps_both(database, ada):
    merged, survivor = make_item(1), make_item(2)
    source_id = store_items(database, [merged, survivor])
    digest = make_digest(ada, [merged, survivor])
    store_digest(database, digest)

    merge(database, source_id, survivor, merged)

    with database.read() as connection:
        assert survivor.id in sent_item_ids(connection, [ada.id], NOW)[ada.id]
        assert load_digests(connection, [digest.id]) == {digest.id: digest}


def test_pick_of_an_item_merged_while_composing_is_recorded_for_its_survivor(database, ada):
    merged, survivor = make_item(1), make_item(2)
    source_id = store_items(database, [merged, survivor])
    digest = make_digest(ada, [merged, survivor])
    merge(database, source_id, survivor, merged)

    store_digest(database, digest)

    with database.read() as connection:
        [pick] = load_digests(connection, [digest.id])[digest.id].picks
        assert sent_item_ids(connection, [ada.id], NOW) == {ada.id: {survivor.id}}
    assert pick.item.id == survivor.id


def test_history_is_listed_newest_first(database, ada):
    digests = [
        make_digest(ada, [], state=DigestState.HELD, edition=date(2026, 3, day))
        for day in (1, 2, 3)
    ]
    for digest in digests:
        store_digest(database, digest)

    with database.read() as connection:
        assert digests_of(connection, ada.id, 2) == [digests[2], digests[1]]


def test_nothing_composed_still_moves_the_due_time_on(database, ada):
    with database.write() as connection:
        store_source(connection)
        stored = record_digests(connection, [], {}, {ada.id: LATER})

    with database.read() as connection:
        assert find_subscriber(connection, ada.email).next_digest_at == LATER
    assert stored == 0


def test_votes_by_day_of_a_pick_end_with_the_digest(database, ada):
    """A digest rendered days later shows the rise as it was when it was composed."""
    item = make_item(1, upvotes=5)
    with database.write() as connection:
        source_id = store_source(connection)
        save_changes(connection, source_id, [make_change(item, upvotes=5)], NOW - DAY)
        save_changes(connection, source_id, [make_change(item, item, upvotes=9)], NOW)
    digest = make_digest(ada, [replace(item, upvotes=9)])
    store_digest(database, digest)
    with database.write() as connection:
        for hours, upvotes in ((3, 40), (30, 80)):
            at = NOW + timedelta(hours=hours)
            save_changes(connection, source_id, [make_change(item, item, upvotes=upvotes)], at)

    with database.read() as connection:
        [pick] = load_digests(connection, [digest.id])[digest.id].picks

    assert pick.item.votes_by_day == ((NOW.date() - DAY, 5), (NOW.date(), 9))


def test_title_lines_come_back_as_they_were_and_are_not_sent(database, ada):
    items = [make_item(1), make_item(2, upvotes=9, comments=4), make_item(3)]
    source_id = store_items(database, items)
    mentions = (
        Mention.of(MentionKind.MOST_VOTED, items[1]),
        Mention.of(MentionKind.REVISED, items[2], date(2026, 2, 27)),
    )
    digest = make_digest(ada, items[:1], mentions=mentions)

    store_digest(database, digest)
    revise(database, source_id, items[1], title="Another title")

    with database.read() as connection:
        assert load_digests(connection, [digest.id]) == {digest.id: digest}
        assert sent_item_ids(connection, [ada.id], NOW) == {ada.id: {items[0].id}}


def test_pick_is_not_named_once_more_where_two_items_prove_to_be_one(database, ada):
    one, other = make_item(1), make_item(2)
    source_id = store_items(database, [one, other])
    digest = make_digest(ada, [one], mentions=(Mention.of(MentionKind.ALSO_NEW, other),))
    with database.write() as connection:
        change = make_change(one, one, merged_ids=(other.id,))
        save_changes(connection, source_id, [change], NOW)

    store_digest(database, digest)

    with database.read() as connection:
        assert load_digests(connection, [digest.id])[digest.id].mentions == ()


def test_newer_versions_of_what_was_sent_are_found_for_whoever_had_them(database, ada):
    bob = make_subscriber("bob")
    store_subscribers(database, [bob])
    items = [make_item(1, version=1), make_item(2, version=1), make_item(3, version=1)]
    source_id = store_items(database, items)
    store_digest(database, make_digest(ada, items[:2]))
    store_digest(database, make_digest(bob, items[2:]))
    newer = revise(database, source_id, items[0], version=2, revised_at=LATER)
    revise(database, source_id, items[1], title="A word corrected", revised_at=LATER)

    with database.read() as connection:
        found = revised_since(connection, {ada.id: NOW, bob.id: NOW}, limit=10)
        later = revised_since(connection, {ada.id: LATER + DAY}, limit=10)

    assert found == {ada.id: [Mention.of(MentionKind.REVISED, newer, date(2026, 3, 2))]}
    assert later == {}
