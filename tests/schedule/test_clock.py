from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Schedule
from digest.schedule.clock import edition_on, first_digest_at, next_digest_at

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2035, 12, 31, tzinfo=UTC)

zones = st.sampled_from(sorted(available_timezones()))
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
some_weekdays = st.frozensets(st.integers(0, 6), min_size=1)


@cache
def clock_changes(timezone: str) -> list[datetime]:
    """Every instant at which the zone's offset changes, until the last slot of the longest test."""
    zone = ZoneInfo(timezone)
    days = [FIRST + DAY * count for count in range((LAST - FIRST).days + 16 * 7)]
    changes = []
    for low, high in pairwise(days):
        if low.astimezone(zone).utcoffset() == high.astimezone(zone).utcoffset():
            continue
        before = low.astimezone(zone).utcoffset()
        while high - low > SECOND:
            middle = low + (high - low) // 2 // SECOND * SECOND
            if middle.astimezone(zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        changes.append(high)
    return changes


@st.composite
def schedules_and_instants(draw):
    """Any schedule at any instant, in half of the draws beside a change of the zone's clock."""
    timezone = draw(zones)
    after, at = FIRST + draw(st.timedeltas(timedelta(0), LAST - FIRST)), draw(times)
    changes = clock_changes(timezone)
    if changes and draw(st.booleans()):
        change = draw(st.sampled_from(changes))
        after = change - timedelta(minutes=draw(st.integers(-180, 3 * 1440)))
        beside = change + timedelta(minutes=draw(st.integers(-150, 150)))
        at = beside.astimezone(ZoneInfo(timezone)).time().replace(second=0, fold=0)
    return Schedule(timezone=timezone, at=at, weekdays=draw(some_weekdays)), after


def slots(schedule, after, count):
    found = []
    for _ in range(count):
        after = next_digest_at(schedule, after)
        found.append(after)
    return found


@pytest.mark.parametrize(
    ("timezone", "at", "after", "slot", "edition"),
    [
        pytest.param(
            "Europe/Berlin", time(2, 30), "2026-03-28T12:00", "2026-03-29T03:00+02:00",
            date(2026, 3, 29), id="spring: 02:30 does not exist, so 03:00",
        ),
        pytest.param(
            "Europe/Berlin", time(2, 30), "2026-10-24T12:00", "2026-10-25T02:30+02:00",
            date(2026, 10, 25), id="autumn: 02:30 exists twice, so the first",
        ),
        pytest.param(
            "Europe/Berlin", time(2, 30), "2026-10-25T00:30", "2026-10-26T02:30+01:00",
            date(2026, 10, 26), id="autumn: the second 02:30 is no slot",
        ),
        pytest.param(
            "Australia/Lord_Howe", time(2, 10), "2026-10-03T06:00", "2026-10-04T02:30+11:00",
            date(2026, 10, 4), id="a gap of half an hour",
        ),
        pytest.param(
            "Africa/Cairo", time(0, 0), "2026-04-23T12:00", "2026-04-24T01:00+03:00",
            date(2026, 4, 24), id="no midnight",
        ),
        pytest.param(
            "America/Nuuk", time(23, 30), "2026-03-28T12:00", "2026-03-29T00:00-01:00",
            date(2026, 3, 28), id="a gap up to midnight: Saturday's edition as Sunday begins",
        ),
        pytest.param(
            "Pacific/Apia", time(7, 0), "2011-12-29T18:00", "2011-12-31T07:00+14:00",
            date(2011, 12, 31), id="Samoa had no 30 December 2011",
        ),
        pytest.param(
            "Pacific/Kwajalein", time(7, 0), "1993-08-20T20:00", "1993-08-22T07:00+12:00",
            date(1993, 8, 22), id="Kwajalein had no 21 August 1993",
        ),
        pytest.param(
            "UTC", time(7, 0), "2026-01-01T07:00", "2026-01-02T07:00+00:00",
            date(2026, 1, 2), id="strictly after",
        ),
    ],
)  # fmt: skip
def test_slot_follows_the_local_clock(timezone, at, after, slot, edition):
    schedule = Schedule(timezone=timezone, at=at)

    found = next_digest_at(schedule, datetime.fromisoformat(after).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(slot)
    assert found.utcoffset() == timedelta(0)
    assert edition_on(schedule, found) == edition


def test_weekly_slot_on_a_day_that_the_zone_skipped_is_the_week_after():
    """30 December 2011 would have been a Friday in Samoa."""
    fridays = Schedule(timezone="Pacific/Apia", weekdays=frozenset({4}))

    slot = next_digest_at(fridays, datetime(2011, 12, 23, 20, tzinfo=UTC))

    assert slot.astimezone(ZoneInfo("Pacific/Apia")).date() == date(2012, 1, 6)
    assert edition_on(fridays, slot - SECOND) == date(2011, 12, 23)


def test_edition_lasts_until_the_next_slot():
    weekly = Schedule(timezone="Asia/Tokyo", at=time(6, 0), weekdays=frozenset({0}))

    slot = next_digest_at(weekly, datetime(2026, 5, 1, tzinfo=UTC))

    assert edition_on(weekly, slot) == date(2026, 5, 4)
    assert edition_on(weekly, slot + 7 * DAY - SECOND) == date(2026, 5, 4)
    assert edition_on(weekly, slot + 7 * DAY) == date(2026, 5, 11)


def test_edition_stays_today_when_the_clock_goes_back_over_midnight():
    """St. John's set its clock back from 00:01 to 23:01 until 2011: yesterday came twice."""
    schedule = Schedule(timezone="America/St_Johns", at=time(0, 0))
    zone = ZoneInfo("America/St_Johns")
    again = datetime(2010, 11, 6, 23, 30, tzinfo=zone, fold=1)

    assert edition_on(schedule, again) == date(2010, 11, 7)
    assert next_digest_at(schedule, again).astimezone(zone).date() == date(2010, 11, 8)


@given(schedules_and_instants())
def test_slots_increase_and_each_listed_day_has_exactly_one(drawn):
    schedule, after = drawn

    found = slots(schedule, after, 15)
    editions = [edition_on(schedule, slot) for slot in found]

    assert all(earlier < later for earlier, later in pairwise([after, *found]))
    days = [editions[0] + DAY * count for count in range((editions[-1] - editions[0]).days + 1)]
    assert editions == [day for day in days if day.weekday() in schedule.weekdays]


@given(schedules_and_instants())
def test_slot_is_the_first_instant_that_reaches_the_wanted_time(drawn):
    """One second earlier the local clock stood before it; it shows it, or a gap swallowed it."""
    schedule, after = drawn
    zone = ZoneInfo(schedule.timezone)

    for slot in slots(schedule, after, 4):
        wanted = datetime.combine(edition_on(schedule, slot), schedule.at)
        shown = slot.astimezone(zone)

        assert (slot - SECOND).astimezone(zone).replace(tzinfo=None) < wanted
        assert shown.fold == 0
        if shown.replace(tzinfo=None) != wanted:
            assert slot in clock_changes(schedule.timezone)
            assert shown.replace(tzinfo=None) > wanted


@given(schedules_and_instants())
def test_next_slot_is_the_same_from_anywhere_between_two_slots(drawn):
    schedule, after = drawn

    slot = next_digest_at(schedule, after)

    assert next_digest_at(schedule, slot - SECOND) == slot
    assert edition_on(schedule, slot - SECOND) == edition_on(
        schedule, max(after, slot - 2 * SECOND)
    )
    assert edition_on(schedule, slot - SECOND) < edition_on(schedule, slot)


@given(
    schedules_and_instants(),
    st.lists(
        st.one_of(
            st.timedeltas(timedelta(seconds=1), timedelta(hours=30)),
            st.timedeltas(timedelta(days=-40), timedelta(days=40)),
        ),
        max_size=60,
    ),
)
def test_no_edition_comes_twice_whatever_the_cadence_and_the_clock_do(drawn, moves):
    """Due, claim, record, with ticks at any distance and a clock that jumps both ways."""
    schedule, now = drawn
    due_at, editions = next_digest_at(schedule, now), []

    for move in moves:
        now += move
        if due_at <= now:
            due_at = next_digest_at(schedule, now)
            editions.append(edition_on(schedule, now))

    assert all(earlier < later for earlier, later in pairwise(editions))


@settings(max_examples=40)
@given(schedules_and_instants(), st.timedeltas(timedelta(minutes=7), timedelta(hours=6)))
def test_no_edition_is_missed_while_the_clock_runs(drawn, cadence):
    schedule, start = drawn
    now, end = start, start + 8 * DAY
    due_at, editions = next_digest_at(schedule, now), []

    while now < end:
        now += cadence
        if due_at <= now:
            due_at = next_digest_at(schedule, now)
            editions.append(edition_on(schedule, now))

    expected = [edition_on(schedule, slot) for slot in slots(schedule, start, 10) if slot <= now]
    assert editions == expected


@pytest.mark.parametrize(
    ("at", "weekdays", "expected"),
    [
        pytest.param(
            time(7), range(7), datetime(2026, 11, 21, 6, tzinfo=UTC), id="hour has passed"
        ),
        pytest.param(time(21), range(7), datetime(2026, 11, 21, 20, tzinfo=UTC), id="hour to come"),
        pytest.param(time(7), [0], datetime(2026, 11, 23, 6, tzinfo=UTC), id="not on Saturdays"),
    ],
)
def test_new_subscriber_gets_the_digest_of_the_day(at, weekdays, expected):
    schedule = Schedule(timezone="Europe/Berlin", at=at, weekdays=frozenset(weekdays))

    assert first_digest_at(schedule, datetime(2026, 11, 21, 12, tzinfo=UTC)) == expected
