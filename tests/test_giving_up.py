"""Who gets no more mail after what the relay said, from the wire to the store."""

import pytest

from digest.deliver.retry import FEWEST_TRIES
from digest.model import Reply, SubscriberStatus
from digest.pipeline.returning import Suppressor
from digest.store import membership, subscribers
from tests.test_pipeline import DAY, World, paper


@pytest.fixture
def world(database, tmp_path):
    return World(database, tmp_path)


def give_up(world, reply, *, days=1):
    """Compose a digest a day and let every try end alike, with a limit of two soft bounces."""
    world.suppressor = Suppressor(hashed=lambda address: f"hash of {address}", soft_limit=2)
    world.add_source()
    reader = world.add_subscriber()
    world.reply = reply
    for number in range(days):
        world.listing = [paper(number)]
        world.check()
        world.compose()
        world.deliver()
        for _ in range(FEWEST_TRIES):
            world.now += DAY / FEWEST_TRIES
            world.deliver()
    with world.database.read() as connection:
        remembered = [tuple(one[:2]) for one in membership.list_suppressions(connection)]
        status = subscribers.get_subscribers(connection, [reader.id])[reader.id].status
    return status, remembered


BOUNCED = (SubscriberStatus.SUPPRESSED, [("hash of ada@example.org", "bounced")])


def test_dead_address_is_suppressed_by_its_hash_at_the_relays_word(world):
    assert give_up(world, Reply(code=550, text="5.1.1 no such user")) == BOUNCED


def test_full_mailbox_is_given_up_after_so_many_in_a_row(world):
    full = Reply(code=452, text="4.2.2 full")

    assert give_up(world, full, days=3) == BOUNCED


def test_full_mailbox_is_forgiven_once(world):
    full = Reply(code=452, text="4.2.2 full")

    assert give_up(world, full, days=1) == (SubscriberStatus.CONFIRMED, [])


@pytest.mark.parametrize("text", ["5.7.1 not from you", "blocked for spam"])
def test_refusal_of_ourselves_suppresses_nobody(world, text):
    """Thousands of readers would be gone for one broken DNS record."""
    refused = Reply(code=550, text=text)

    assert give_up(world, refused, days=4) == (SubscriberStatus.CONFIRMED, [])
