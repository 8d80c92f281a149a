from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.fetch.next_check import LONGEST_WAIT, after_failure, after_success

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("fresh_for", "wait"),
    [
        pytest.param(None, HOUR, id="server says nothing"),
        pytest.param(timedelta(minutes=5), HOUR, id="server is fresh for less"),
        pytest.param(3 * HOUR, 3 * HOUR, id="server asks for more"),
        pytest.param(timedelta(days=365), LONGEST_WAIT, id="server claims a year"),
    ],
)
def test_longer_wish_decides_after_success(fresh_for, wait):
    assert after_success(NOW, HOUR, fresh_for) == NOW + wait


@pytest.mark.parametrize(
    ("failures", "retry_after", "wait"),
    [
        pytest.param(1, None, 2 * HOUR, id="first"),
        pytest.param(2, None, 4 * HOUR, id="second"),
        pytest.param(60, None, LONGEST_WAIT, id="after weeks"),
        pytest.param(1, 5 * HOUR, 5 * HOUR, id="server asks for more"),
        pytest.param(1, timedelta(days=90), LONGEST_WAIT, id="server asks for months"),
    ],
)
def test_patience_grows_with_failures(failures, retry_after, wait):
    assert after_failure(NOW, HOUR, failures, retry_after) == NOW + wait


@given(
    every=st.timedeltas(timedelta(minutes=1), timedelta(days=30)),
    failures=st.integers(1, 10_000),
    retry_after=st.none() | st.timedeltas(timedelta(0), timedelta(days=10_000)),
)
def test_source_is_never_asked_sooner_than_configured(every, failures, retry_after):
    assert after_failure(NOW, every, failures, retry_after) >= NOW + every
    assert after_success(NOW, every, retry_after) >= NOW + every
