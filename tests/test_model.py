"""Ids of our own: RFC 9562's uuid7, in the order in which they were made."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from digest.model import new_id

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)


def test_ids_of_one_instant_sort_as_they_were_made():
    made = [new_id(NOW) for _ in range(2_000)]

    assert made == sorted(set(made))


def test_ids_sort_by_their_time_and_show_it():
    made = [new_id(NOW + timedelta(milliseconds=passed)) for passed in (0, 1, 70_000)]

    assert made == sorted(made)
    assert [UUID(one).version for one in made] == [7, 7, 7]
    assert UUID(made[0]).int >> 80 == int(NOW.timestamp() * 1000)


def test_the_next_id_is_not_to_be_guessed():
    first, second, third = [UUID(new_id(NOW)).int & (2**62 - 1) for _ in range(3)]

    assert second - first != third - second
