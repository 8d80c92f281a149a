"""Items: found by any of their keys, revised with history, merged when two prove one."""

from dataclasses import fields, replace
from datetime import date, datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from digest.model import Announce, Links, Verdict
from digest.store.items import (
    candidates,
    count_items,
    find_by_keys,
    find_item,
    recent_items,
    save_changes,
    votes_by_day,
    with_votes,
)
from digest.store.merging import survivors
from digest.store.schema import announcements, item_history
from digest.store.subscribers import add_feedback, feedback_of
from tests.store.makers import (
    LATER,
    NOW,
    make_change,
    make_item,
    make_subscriber,
    revise,
    store_items,
    store_source,
    store_subscribers,
)

FULL = make_item(
    7,
    keys=("arxiv:2603.00007", "doi:10.1/x", "link:https://example.org/Ä"),
    title="Poincaré ResNet 微分",
    summary="First paragraph.\n\nSecond, with \\ and ' and \" and %s :name.",
    authors=("Gödel, K.", "Ada"),
    author_count=671,
    organisation="Institute",
    categories=("cs.LG",),
    keywords=("graphs",),
    links=Links(page="https://example.org/7", code="https://example.org/code"),
    thumbnail="https://example.org/7.png",
    published_on=date(2026, 3, 1),
    published_on_inferred=True,
    version=2,
    upvotes=65,
    comments=3,
    ai_summary="Short.",
    language="en",
    eligible_at=NOW + timedelta(microseconds=1),
    revised_at=LATER,
    withdrawn=True,
)


def found(database, *keys):
    with database.read() as connection:
        return find_by_keys(connection, keys)


def save(database, source_id, *changes, at=LATER):
    with database.write() as connection:
        save_changes(connection, source_id, changes, at)


def rows_of(database, table):
    with database.read() as connection:
        return connection.execute(select(table)).all()


# --- found ------------------------------------------------------------------------------


def test_item_comes_back_whole_under_each_of_its_keys(database):
    store_items(database, [FULL])

    assert found(database, *FULL.keys, "arxiv:2603.99999") == dict.fromkeys(FULL.keys, FULL)
    assert all(
        getattr(FULL, one.name) not in (None, "", (), False)
        for one in fields(FULL)
        if one.name != "votes_by_day"
    ), "every field is put to the test"


def test_item_of_which_little_is_known_comes_back_as_it_was(database):
    item = make_item(eligible_at=None)
    store_items(database, [item])

    assert found(database, item.keys[0]) == {item.keys[0]: item}


def test_instant_of_another_zone_is_the_same_instant(database):
    zone = timezone(timedelta(hours=5, minutes=30))
    store_items(database, [make_item(eligible_at=NOW.astimezone(zone))])

    with database.read() as connection:
        [item] = candidates(connection, NOW.astimezone(zone))

    assert (item.eligible_at, item.eligible_at.utcoffset()) == (NOW, timedelta())


def test_naive_instant_is_refused(database):
    with pytest.raises(Exception, match="expected an aware instant"), database.read() as connection:
        candidates(connection, datetime(2026, 3, 2))  # noqa: DTZ001 - the very mistake


def test_thousands_of_keys_are_found_in_a_handful_of_statements(database, recorded):
    items = [make_item(number) for number in range(4000)]
    store_items(database, items)
    keys = [key for item in items for key in item.keys]

    with recorded() as statements, database.read() as connection:
        assert len(find_by_keys(connection, keys)) == 8000

    assert len([one for one, _ in statements if one.startswith("SELECT")]) <= 4


def test_item_is_found_by_id_or_key(database):
    item = make_item()
    store_items(database, [item])

    with database.read() as connection:
        assert find_item(connection, item.id) == item
        assert find_item(connection, item.keys[1]) == item
        assert find_item(connection, "nothing") is None


def test_candidates_are_eligible_since_then_and_not_withdrawn_oldest_first(database):
    minute = timedelta(minutes=1)
    old = make_item(1, eligible_at=NOW - minute)
    never = make_item(2, eligible_at=None)
    withdrawn = make_item(3, withdrawn=True)
    late = make_item(4, eligible_at=NOW + minute)
    first, second = sorted([make_item(5), make_item(6)], key=lambda item: item.id)
    store_items(database, [old, never, withdrawn, late, second, first])

    with database.read() as connection:
        assert candidates(connection, NOW) == [first, second, late]


def test_recent_items_come_newest_first(database):
    items = [
        make_item(1),
        make_item(2, first_seen_at=LATER, eligible_at=None),
        make_item(3, first_seen_at=LATER + timedelta(days=1)),
    ]
    store_items(database, items)

    with database.read() as connection:
        assert recent_items(connection, 2) == [items[2], items[1]]
        assert recent_items(connection, 2, eligible_only=True) == [items[2], items[0]]
        assert count_items(connection) == 3


# --- revised ----------------------------------------------------------------------------


def test_revised_item_replaces_what_was_known_and_the_old_goes_to_the_history(database):
    item = make_item()
    source_id = store_items(database, [item])

    revised = revise(
        database, source_id, item, title="Revised", keys=(*item.keys, "doi:10.1/x"), version=2
    )

    assert found(database, item.keys[0], "doi:10.1/x") == {
        item.keys[0]: revised,
        "doi:10.1/x": revised,
    }
    assert [(row.title, row.keys) for row in rows_of(database, item_history)] == [
        (item.title, item.keys)
    ]


def test_votes_alone_leave_no_history(database):
    item = make_item(upvotes=1)
    source_id = store_items(database, [item])

    revised = revise(database, source_id, item, upvotes=2, comments=1)

    assert found(database, item.keys[0]) == {item.keys[0]: revised}
    assert rows_of(database, item_history) == []


def test_item_seen_again_unchanged_is_not_written(database, recorded):
    item = make_item()
    source_id = store_items(database, [item])

    with recorded() as statements:
        save(database, source_id, make_change(item, item))

    assert not [one for one, _ in statements if one.startswith("UPDATE items")]


def test_item_of_two_sources_names_both_the_first_one_first(database):
    item = make_item()
    store_items(database, [item])
    with database.write() as connection:
        other_id = store_source(connection, "posts")

    save(database, other_id, make_change(item, item))

    assert found(database, item.keys[0])[item.keys[0]].sources == ("papers", "posts")


def test_key_stays_with_the_item_that_had_it_first(database):
    first = make_item(1)
    source_id = store_items(database, [first])
    second = make_item(2, keys=("arxiv:2603.00002", first.keys[1]))

    save(database, source_id, make_change(second))

    assert found(database, first.keys[1]) == {first.keys[1]: first}
    assert found(database, second.keys[0]) == {second.keys[0]: second}


def test_empty_listing_changes_nothing(database):
    source_id = store_items(database, [])

    save(database, source_id)

    with database.read() as connection:
        assert count_items(connection) == 0


def test_listing_of_thousands_is_stored_in_a_handful_of_statements(database, recorded):
    items = [make_item(number) for number in range(2000)]
    source_id = store_items(database, [])

    with recorded() as statements:
        save(database, source_id, *map(make_change, items))
        save(
            database,
            source_id,
            *(make_change(replace(item, title="Revised"), item) for item in items),
        )

    assert len(statements) <= 24


# --- announced --------------------------------------------------------------------------


def test_announcement_is_noted_with_its_place(database):
    first, second = make_item(1), make_item(2)
    source_id = store_items(database, [])
    day = date(2026, 3, 2)

    save(
        database,
        source_id,
        make_change(first, announced_on=day, upvotes=5, comments=1),
        make_change(second, announce=Announce.CROSS_LIST),
    )

    rows = {row.item_id: row for row in rows_of(database, announcements)}
    assert [rows[item.id].place for item in (first, second)] == [1, 2]
    assert rows[first.id][2:] == (day, Announce.NEW, 1, 5, 1, LATER)
    assert rows[second.id].kind is Announce.CROSS_LIST


@pytest.mark.parametrize("day", [date(2026, 3, 2), None])
def test_later_listing_of_the_same_day_replaces_the_announcement(database, day):
    item = make_item()
    source_id = store_items(database, [])

    save(database, source_id, make_change(item, announced_on=day, upvotes=5))
    save(database, source_id, make_change(item, item, announced_on=day, upvotes=9))

    assert [row.upvotes for row in rows_of(database, announcements)] == [9]


def test_item_shown_twice_in_one_listing_keeps_its_first_place(database):
    item = make_item()
    source_id = store_items(database, [item])

    save(database, source_id, make_change(item, item), make_change(item, item))

    assert [row.place for row in rows_of(database, announcements)] == [1]


# --- merged -----------------------------------------------------------------------------


def merge(database, source_id, survivor, *merged):
    keys = tuple(key for item in (survivor, *merged) for key in item.keys)
    joined = replace(survivor, keys=keys)
    merged_ids = tuple(item.id for item in merged)
    save(database, source_id, make_change(joined, survivor, merged_ids=merged_ids))
    return joined


def test_merged_items_are_one_under_all_their_keys(database):
    one, two, survivor = make_item(1), make_item(2), make_item(3)
    source_id = store_items(database, [one, two, survivor])

    joined = merge(database, source_id, survivor, one, two)

    assert found(database, *joined.keys) == dict.fromkeys(joined.keys, joined)
    with database.read() as connection:
        assert candidates(connection, NOW) == recent_items(connection, 9) == [joined]
        assert count_items(connection) == 1


def test_id_of_a_merged_item_leads_to_the_survivor_however_often_it_merges(database):
    one, two, three = make_item(1), make_item(2), make_item(3)
    source_id = store_items(database, [one, two, three])

    joined = merge(database, source_id, two, one)
    last = merge(database, source_id, three, joined)

    with database.read() as connection:
        assert find_item(connection, one.id) == find_item(connection, two.id) == last


def test_announcements_of_merged_items_become_the_survivors(database):
    merged, survivor = make_item(1), make_item(2)
    source_id = store_items(database, [])
    early, late = date(2026, 3, 1), date(2026, 3, 2)
    save(database, source_id, make_change(merged, announced_on=early))
    save(database, source_id, make_change(survivor, announced_on=late))
    save(database, source_id, make_change(merged, merged, announced_on=late))

    merge(database, source_id, survivor, merged)

    rows = rows_of(database, announcements)
    assert {row.item_id for row in rows} == {survivor.id}
    assert {early, late} < {row.day for row in rows}


@pytest.mark.parametrize(
    ("merged_at", "kept"),
    [
        pytest.param(NOW - timedelta(days=1), Verdict.MORE, id="survivor judged later"),
        pytest.param(NOW + timedelta(days=1), Verdict.LESS, id="merged item judged later"),
    ],
)
def test_later_verdict_counts_when_both_merged_items_were_judged(database, merged_at, kept):
    merged, survivor = make_item(1), make_item(2)
    source_id = store_items(database, [merged, survivor])
    ada, bob = make_subscriber("ada"), make_subscriber("bob")
    store_subscribers(database, [ada, bob])
    with database.write() as connection:
        add_feedback(connection, ada.id, merged.id, Verdict.LESS, merged_at)
        add_feedback(connection, ada.id, survivor.id, Verdict.MORE, NOW)
        add_feedback(connection, bob.id, merged.id, Verdict.LESS, NOW)

    joined = merge(database, source_id, survivor, merged)

    with database.read() as connection:
        verdicts = feedback_of(connection, [ada.id, bob.id])
    assert [(one.item, one.verdict) for one in verdicts[ada.id]] == [(joined, kept)]
    assert [(one.item, one.verdict) for one in verdicts[bob.id]] == [(joined, Verdict.LESS)]


def test_merges_of_one_listing_may_follow_each_other(database):
    one, two, three = make_item(1), make_item(2), make_item(3)
    source_id = store_items(database, [one, two, three])

    save(
        database,
        source_id,
        make_change(three, three, merged_ids=(two.id,)),
        make_change(two, two, merged_ids=(one.id,)),
    )

    with database.read() as connection:
        assert {find_item(connection, item.id).id for item in (one, two, three)} == {three.id}


def test_items_that_claim_to_merge_each_other_end_as_one():
    one, two = make_item(1), make_item(2)

    targets = survivors(
        [
            make_change(one, one, merged_ids=(two.id,)),
            make_change(two, two, merged_ids=(one.id,)),
        ]
    )

    assert targets == {two.id: one.id}


# --- votes by day -----------------------------------------------------------------------


def show(database, source_id, item, upvotes, at):
    """A source shows a known item again, with so many votes."""
    with database.write() as connection:
        previous = find_by_keys(connection, item.keys[:1])[item.keys[0]]
        now = replace(previous, upvotes=upvotes if upvotes is not None else previous.upvotes)
        save_changes(connection, source_id, [make_change(now, previous, upvotes=upvotes)], at)


def votes_of(database, item, since=date.min):
    with database.read() as connection:
        return votes_by_day(connection, [item.id], since).get(item.id, ())


def test_last_count_of_each_day_is_kept(database):
    item = make_item()
    source_id = store_items(database, [item])
    for hours, upvotes in ((1, 3), (9, 8), (25, 11), (49, None), (73, 30)):
        show(database, source_id, item, upvotes, NOW + timedelta(hours=hours))

    days = [NOW.date() + timedelta(days=n) for n in (0, 1, 3)]
    assert votes_of(database, item) == tuple(zip(days, (8, 11, 30), strict=True))
    assert votes_of(database, item, days[1]) == ((days[1], 11), (days[2], 30))


def test_source_that_shows_fewer_votes_does_not_hide_the_other(database):
    item = make_item()
    source_id = store_items(database, [item])
    with database.write() as connection:
        other_id = store_source(connection, "other")
    show(database, source_id, item, 40, NOW)
    show(database, other_id, item, 2, NOW + timedelta(hours=1))

    assert votes_of(database, item) == ((NOW.date(), 40),)


def test_votes_of_merged_items_become_the_survivors(database):
    first, second = make_item(1), make_item(2)
    source_id = store_items(database, [first, second])
    show(database, source_id, first, 5, NOW)
    show(database, source_id, second, 7, NOW)
    show(database, source_id, second, 9, LATER)
    with database.write() as connection:
        previous = find_by_keys(connection, first.keys[:1])[first.keys[0]]
        change = make_change(previous, previous, merged_ids=(second.id,))
        save_changes(connection, source_id, [change], LATER)

    assert votes_of(database, first) == ((NOW.date(), 7), (LATER.date(), 9))
    assert votes_of(database, second) == ()


def test_votes_of_thousands_of_items_are_read_in_one_query(database, recorded):
    store_items(database, [make_item(n) for n in range(3000)])
    with database.read() as connection:
        stored = candidates(connection, NOW)
        with recorded() as statements:
            with_votes(connection, stored, NOW.date())

    assert len(statements) == 1
