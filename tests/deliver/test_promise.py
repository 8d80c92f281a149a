"""The promise as a whole, through every fault at random; one at a time: tests/sweep."""

import asyncio
from collections import Counter
from datetime import timedelta
from random import Random

from digest.deliver.send import send_all
from digest.deliver.smtp import Patience
from digest.errors import TransportError
from digest.model import AttemptOutcome
from tests.deliver.conftest import NOW, make_delivery, make_message
from tests.deliver.smtpd import DROP, TAKE_AND_DROP, FaultySmtp

AT_ONCE = Patience(last_answer=10.0, connect_again=0.0, set_aside=0.0)
GARBAGE = b"\x00\xff what?\r\n"

ACTS = [
    ("connect", "421 4.3.2 busy"),
    ("connect", DROP),
    ("connect", GARBAGE),
    ("EHLO", "421 4.3.2 busy"),
    *(
        (at, act)
        for at in ("MAIL", "RCPT", "DATA")
        for act in ("421 4.3.2 closing", "451 4.3.0 not now", DROP, GARBAGE)
    ),
    ("body", "451 4.3.0 not now"),
    ("body", "421 4.3.2 closing"),
    ("body", DROP),
    ("body", TAKE_AND_DROP),
]


class Outbox:
    """What the store does for the pipeline, in memory: due, claim, record, release."""

    def __init__(self, recipients):
        self.pending = {one: make_delivery(one, attempts=0) for one in recipients}
        self.outcomes = Counter()
        self.uncertain = 0
        self.failed = []
        self.bad_addresses = []

    async def run(self, transport, *, rounds=400):
        """Hand over until nothing is pending; a deferred delivery is due again at once."""
        for _ in range(rounds):
            if not self.pending:
                return
            batch = {
                one: delivery._replace(attempts=delivery.attempts + 1)
                for one, delivery in list(self.pending.items())[:200]
            }
            attempts = send_all(
                transport,
                [make_message(one) for one in batch],
                batch,
                give_up_after=timedelta(hours=24),
                clock=lambda: NOW,
                random=lambda: 0.0,
                stop=asyncio.Event(),
            )
            try:
                async for attempt in attempts:
                    self._record(attempt, batch)
            except TransportError:
                continue  # the rest of the batch is due again
        raise AssertionError(f"{len(self.pending)} deliveries never ended")

    def _record(self, attempt, batch):
        self.outcomes[attempt.outcome] += 1
        self.uncertain += attempt.reply.uncertain
        self.bad_addresses += [attempt.delivery_id] if attempt.bad_address else []
        if attempt.outcome is AttemptOutcome.DEFERRED:
            self.pending[attempt.delivery_id] = batch[attempt.delivery_id]
        else:
            self.pending.pop(attempt.delivery_id)
            self.failed += [attempt.delivery_id] if attempt.reply.code >= 500 else []


def readers(count):
    return [f"reader{number}@example.org" for number in range(count)]


async def test_two_thousand_deliveries_through_every_fault_at_random(connect):
    """Lost 0; doubled only where the answer was lost after acceptance; nobody suppressed."""
    random = Random(20261121)

    def chance(at):
        possible = [act for where, act in ACTS if where == at]
        return random.choice(possible) if possible and random.random() < 0.02 else None

    dead = set(readers(2000)[::100])
    async with FaultySmtp() as server:
        for recipient in dead:
            server.fault("RCPT", "550 5.1.1 no such user", times=None, about=f"<{recipient}>")
        server.chance = chance
        transport = connect(server, connections=16, per_connection=50, patience=AT_ONCE)
        outbox = Outbox(readers(2000))

        await outbox.run(transport)

    counted = Counter(server.recipients)
    assert set(counted) == set(readers(2000)) - dead
    assert sum(counted.values()) - len(counted) <= outbox.uncertain
    assert set(outbox.bad_addresses) == dead == set(outbox.failed)
