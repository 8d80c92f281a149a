"""The sweeps in short; `make sweep` runs them at full length."""

import shutil
import signal

import pytest

from tests.deliver.certificates import make_certificates
from tests.sweep.faults import FAULTS, prepare, run_fault
from tests.sweep.relay import Relay
from tests.sweep.sweeps import BOUND, World, stop_sweep, two_at_once

READERS = 150
FEW_READERS = 30


@pytest.fixture
def make_world(tmp_path):
    with Relay(pause=0.01) as relay:
        yield lambda url, senders=0: World(tmp_path, url, READERS, relay, senders)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("senders", [0, 2])
def test_killed_process_loses_nothing_and_doubles_within_the_bound(make_world, sqlite_url, senders):
    outcome = stop_sweep(signal.SIGKILL, 2, "run", make_world(sqlite_url, senders))

    assert outcome.lost == 0
    assert outcome.worst <= BOUND


@pytest.mark.timeout(300)
@pytest.mark.parametrize("senders", [0, 2])
def test_process_told_to_stop_loses_and_doubles_nothing(make_world, sqlite_url, senders):
    outcome = stop_sweep(signal.SIGTERM, 1, "serve", make_world(sqlite_url, senders))

    assert (outcome.lost, outcome.doubled) == (0, 0)


@pytest.mark.timeout(300)
def test_two_services_on_one_database_send_each_message_once(make_world, database_url):
    outcome = two_at_once(database_url, make_world(database_url))

    assert (outcome.lost, outcome.doubled) == (0, 0)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "ready.db"
    prepare(path, FEW_READERS)
    return path


@pytest.mark.parametrize("name", FAULTS)
async def test_relay_that_misbehaves_costs_what_was_promised(name, ready, tmp_path, certificates):
    path = tmp_path / "digest.db"
    shutil.copy(ready, path)

    tally = await run_fault(name, path, FEW_READERS, certificates, most=5)

    assert tally.is_as_promised, f"{tally.HEADINGS}\n{tally}"
