"""Sources: configured, claimed when due, and remembered by their checks."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from digest.model import Announce, ListingOutcome, Source, Validators
from digest.store.schema import listings
from digest.store.sources import (
    claim_due_sources,
    follow_count,
    list_sources,
    quiet_source_names,
    recent_checks,
    record_check,
    save_sources,
)
from tests.store.makers import LATER, LEASE, NOW, store_source

PAPERS = Source(
    name="papers",
    url="https://papers.example.org",
    kind="huggingface",
    every=timedelta(minutes=90),
    backlog=None,
    announce=(Announce.NEW,),
    private_network=True,
    options={"page": 2, "name": "Gödel"},
)
POSTS = Source(name="posts", url="https://posts.example.org")


def save(database, *sources, now=NOW):
    with database.write() as connection:
        save_sources(connection, sources, now)


def state_of(database, name="papers"):
    with database.read() as connection:
        return next(one for one in list_sources(connection) if one.source.name == name)


def check(database, outcome, **fields):
    """Record one check of the source "papers", and give its state after it."""
    ordinary = {"at": NOW, "next_check_at": LATER}
    with database.write() as connection:
        record_check(connection, state_of(database), outcome, **ordinary | fields)
    return state_of(database)


def claim(database, now=NOW, limit=10, **fields):
    with database.write() as connection:
        states = claim_due_sources(connection, now, LEASE, limit, **fields)
    return [state.source.name for state in states]


# --- configured -------------------------------------------------------------------------


def test_new_source_is_due_at_once_and_comes_back_as_given(database):
    save(database, PAPERS)

    state = state_of(database)

    assert (state.source, state.next_check_at) == (PAPERS, NOW)
    assert (state.listed, state.enabled, state.failures) == (False, True, 0)


def test_source_no_longer_given_is_disabled_and_returns_with_its_history(database):
    save(database, PAPERS, POSTS)
    known = check(database, ListingOutcome.NEW, items=3)

    save(database, POSTS)
    gone = state_of(database)
    save(database, POSTS, PAPERS)

    assert (gone.enabled, gone.id) == (False, known.id)
    assert state_of(database) == known


def test_unchanged_source_keeps_what_was_learned(database):
    save(database, PAPERS)
    known = check(database, ListingOutcome.NEW, validators=Validators(etag="e"), items=3)

    save(database, PAPERS, now=LATER)

    assert state_of(database) == known


@pytest.mark.parametrize("change", [{"url": "https://new.example.org"}, {"kind": "feed"}])
def test_changed_address_or_kind_forgets_what_was_learned_and_is_due_at_once(database, change):
    save(database, PAPERS)
    check(database, ListingOutcome.NEW, validators=Validators(etag="e"), items=3)
    check(database, ListingOutcome.FAILED, error="gone")

    save(database, replace(PAPERS, **change), now=LATER)

    state = state_of(database)
    assert state.source == replace(PAPERS, **change)
    assert (state.validators, state.usual_count) == (Validators(), None)
    assert (state.failures, state.last_error, state.next_check_at) == (0, None, LATER)
    assert state.listed, "what it shows is no baseline: the items are known by now"


def test_shorter_interval_counts_from_now(database):
    save(database, PAPERS)
    check(database, ListingOutcome.NEW, next_check_at=NOW + timedelta(days=7))

    save(database, replace(PAPERS, every=timedelta(minutes=10)))

    assert state_of(database).next_check_at == NOW + timedelta(minutes=10)


def test_sources_are_listed_by_name(database):
    save(database, POSTS, PAPERS)

    with database.read() as connection:
        assert [one.source.name for one in list_sources(connection)] == ["papers", "posts"]


# --- claimed ----------------------------------------------------------------------------


def test_claimed_source_is_due_again_only_after_its_lease(database):
    save(database, PAPERS)

    assert claim(database) == ["papers"]
    assert claim(database) == []
    assert claim(database, NOW + LEASE) == ["papers"]


def test_longest_due_sources_are_claimed_first(database):
    save(database, POSTS)
    save(database, POSTS, PAPERS, now=NOW - LEASE)

    assert claim(database, limit=1) == ["papers"]
    assert claim(database, limit=1) == ["posts"]


def test_named_source_is_claimed_though_it_is_not_due(database):
    save(database, PAPERS, POSTS)
    claim(database)

    assert claim(database, names=["posts"]) == ["posts"]


def test_disabled_source_is_never_claimed(database):
    save(database, PAPERS)
    save(database)

    assert claim(database) == claim(database, names=["papers"]) == []


# --- remembered -------------------------------------------------------------------------


def test_success_is_remembered(database):
    save(database, PAPERS)
    check(database, ListingOutcome.FAILED, error="HTTP 503")
    validators = Validators(etag='"e"', last_modified="Mon, 02 Mar 2026 06:00:00 GMT")

    state = check(database, ListingOutcome.NEW, validators=validators, items=50)

    assert (state.failures, state.last_error, state.last_ok_at) == (0, None, NOW)
    assert (state.validators, state.usual_count, state.listed) == (validators, 50, True)
    assert state.next_check_at == LATER


def test_failures_in_a_row_are_counted_and_validators_kept(database):
    save(database, PAPERS)
    before = check(database, ListingOutcome.NEW, validators=Validators(etag="e"), items=3)

    for _ in range(2):
        state = check(database, ListingOutcome.FAILED, error="HTTP 503", at=LATER)

    assert (state.failures, state.last_error) == (2, "HTTP 503")
    assert (state.validators, state.last_ok_at) == (before.validators, NOW)


def test_unchanged_answer_keeps_the_validators_that_it_did_not_repeat(database):
    save(database, PAPERS)
    check(database, ListingOutcome.NEW, validators=Validators(etag="e", last_modified="m"))

    state = check(database, ListingOutcome.UNCHANGED, validators=Validators(etag="f"))

    assert state.validators == Validators(etag="f", last_modified="m")


def test_new_answer_without_validators_drops_the_old_ones(database):
    save(database, PAPERS)
    check(database, ListingOutcome.NEW, validators=Validators(etag="e"))

    assert check(database, ListingOutcome.EMPTY).validators == Validators()


def test_empty_listing_is_no_baseline_and_does_not_change_the_usual_count(database):
    save(database, PAPERS)

    state = check(database, ListingOutcome.EMPTY)

    assert (state.listed, state.usual_count, state.last_ok_at) == (False, None, NOW)


def test_moved_source_is_read_at_its_new_address_until_that_fails(database):
    save(database, PAPERS)

    moved = check(database, ListingOutcome.NEW, moved_to="https://new.example.org")
    still = check(database, ListingOutcome.UNCHANGED)
    save(database, PAPERS)
    saved = state_of(database)
    back = check(database, ListingOutcome.FAILED, error="HTTP 404")

    assert moved.source.url == still.source.url == saved.source.url == "https://new.example.org"
    assert back.source == PAPERS


def test_checks_are_listed_newest_first(database):
    save(database, PAPERS)
    shown_on = date(2026, 3, 2)
    check(database, ListingOutcome.NEW, items=3, shown_on=shown_on)
    check(database, ListingOutcome.FAILED, error="HTTP 503", at=LATER)
    source_id = state_of(database).id

    with database.read() as connection:
        checks = recent_checks(connection, source_id, 9)
        [last] = recent_checks(connection, source_id, 1)

    assert [(one.outcome, one.at, one.items, one.shown_on, one.error) for one in checks] == [
        (ListingOutcome.FAILED, LATER, 0, None, "HTTP 503"),
        (ListingOutcome.NEW, NOW, 3, shown_on, None),
    ]
    assert last == checks[0]


@pytest.mark.parametrize(
    ("usual", "items", "expected"),
    [
        pytest.param(None, 50, 50, id="the first listing is usual"),
        pytest.param(50, 52, 52, id="a near count is taken over"),
        pytest.param(50, 500, 55, id="a tenth up at most"),
        pytest.param(50, 1, 45, id="a tenth down at most"),
        pytest.param(3, 9, 4, id="one at least"),
    ],
)
def test_usual_count_follows_by_a_tenth(usual, items, expected):
    assert follow_count(usual, items) == expected


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_usual_count_reaches_a_steady_count(usual, items):
    for _ in range(1000):
        usual = follow_count(usual, items)

    assert usual == items


@pytest.mark.parametrize(
    ("outcomes", "quiet"),
    [
        pytest.param([ListingOutcome.EMPTY], {"papers"}, id="empty"),
        pytest.param(
            [ListingOutcome.EMPTY, ListingOutcome.UNCHANGED], {"papers"}, id="empty, asked again"
        ),
        pytest.param([ListingOutcome.EMPTY, ListingOutcome.NEW], set(), id="no longer"),
        pytest.param([], set(), id="never read"),
    ],
)
def test_source_is_quiet_while_its_last_listing_is_empty(database, outcomes, quiet):
    with database.write() as connection:
        source_id = store_source(connection)
        for number, outcome in enumerate(outcomes):
            row = {"id": str(number), "source_id": source_id, "outcome": outcome, "items": 0}
            at = NOW + timedelta(hours=number)
            connection.execute(insert(listings), [row | {"at": at}])

        assert quiet_source_names(connection) == quiet
