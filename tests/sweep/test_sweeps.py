"""The sweeps in short; `make sweep` runs them at full length."""

import signal

import pytest

from tests.sweep.relay import Relay
from tests.sweep.sweeps import BOUND, World, stop_sweep, two_at_once

READERS = 150


@pytest.fixture
def make_world(tmp_path):
    with Relay(pause=0.01) as relay:
        yield lambda url: World(tmp_path, url, READERS, relay)


@pytest.mark.timeout(300)
def test_killed_process_loses_nothing_and_doubles_within_the_bound(make_world, sqlite_url):
    outcome = stop_sweep(make_world(sqlite_url), signal.SIGKILL, 2)

    assert outcome.lost == 0
    assert outcome.worst <= BOUND


@pytest.mark.timeout(300)
def test_process_told_to_stop_loses_and_doubles_nothing(make_world, sqlite_url):
    outcome = stop_sweep(make_world(sqlite_url), signal.SIGTERM, 1)

    assert (outcome.lost, outcome.doubled) == (0, 0)


@pytest.mark.timeout(300)
def test_two_services_on_one_database_send_each_message_once(make_world, database_url):
    outcome = two_at_once(make_world(database_url), database_url)

    assert (outcome.lost, outcome.doubled) == (0, 0)
