"""Every way in which a relay can misbehave, one at a time, over thousands of deliveries.

The whole way from the outbox to the relay and back runs in this process, on a clock of its own:
claims, rendering, transport, records, and who is given up.  Counted by Message-ID and recipient:

- lost: deliveries that neither reached the relay nor ended in a recorded failure;
- doubled: messages that the relay took again; promised: those whose answer it withheld;
- suppressed: readers who get no more mail; promised: those whose address it called dead.
"""

import asyncio
import re
import ssl
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

from digest.compose.message import MessageBuilder
from digest.config import DeliverSettings, MailSettings, SmtpSettings
from digest.deliver.smtp import Patience, SmtpTransport
from digest.errors import TransportError
from digest.model import DeliveryStatus, SubscriberStatus
from digest.pipeline.delivering import deliver_due
from digest.pipeline.returning import Suppressor
from digest.render import Templates
from digest.store import membership, outbox, subscribers
from digest.store.database import Database
from digest.store.digests import record_digests
from digest.store.subscriber_rows import insert_subscribers
from tests.deliver.certificates import Certificates
from tests.deliver.smtpd import DRIP, DROP, NO_HANDSHAKE, SILENCE, TAKE_AND_DROP, FaultySmtp
from tests.store.makers import (
    LATER,
    NOW,
    make_delivery,
    make_digest,
    make_item,
    make_subscriber,
    store_items,
)

MESSAGE_ID = re.compile(rb"^Message-ID: <([^>]+)>", re.MULTILINE)
MAIL = MailSettings(sender="Daily Digest <digest@example.org>")
GARBAGE = b"\x00\xff HTTP/1.1 400 Bad Request\r\n"
GREETING = b"220-so much to say\r\n" * 999 + b"220 faulty.test at last\r\n"
# A fault befalls a step at random, so often at most; one that only a time-out ends less often.
RATE, MOST, SLOWER = 0.05, 100, 10
SLOW = {SILENCE, DRIP}
# Seconds; a good answer that comes late after the dot would count as a double.
TIMEOUT, LAST_TIMEOUT, LONG = 0.3, 1.0, 30.0
ROUNDS = 300


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    Attributes:
        at, act: as `FaultySmtp.chance` has them; None = plain service.
        always: at every step, not at random ones.
        tls: what the relay shows: a wrong certificate is mended after a while.
        uncertain: the setting under which it runs.
        provoked: recipients are put off now and then, so that RSET is said.
    """

    at: str = ""
    act: object = None
    always: bool = False
    tls: str = ""
    uncertain: str = "retry"
    provoked: bool = False


FEW = {"connect", "EHLO", "STARTTLS", "AUTH", "RSET", "QUIT"}
COMMANDS = ("connect", "EHLO", "MAIL", "RCPT", "DATA")
FAULTS: Mapping[str, Fault] = {
    "nothing at all": Fault(),
    **{f"421 at {at}": Fault(at, "421 4.3.2 closing") for at in (*COMMANDS, "body")},
    **{f"451 at {at}": Fault(at, "451 4.3.0 not now") for at in (*COMMANDS, "body")},
    "452 4.2.2 at RCPT": Fault("RCPT", "452 4.2.2 mailbox full"),
    "552 at RCPT": Fault("RCPT", "552 too many recipients"),
    "554 at connect": Fault("connect", "554 5.3.2 no service"),
    "550 5.7.1 at MAIL": Fault("MAIL", "550 5.7.1 sender refused"),
    "550 5.1.1 at RCPT": Fault("RCPT", "550 5.1.1 no such user"),
    "550 5.7.1 at RCPT": Fault("RCPT", "550 5.7.1 refused by policy"),
    "554 5.3.0 at DATA": Fault("DATA", "554 5.3.0 no"),
    "554 5.7.1 after the dot": Fault("body", "554 5.7.1 looks like spam"),
    **{f"drops at {at}": Fault(at, DROP) for at in COMMANDS},
    "drops at the dot, not taken": Fault("body", DROP),
    "drops at the dot, taken": Fault("body", TAKE_AND_DROP),
    "the same, never again": Fault("body", TAKE_AND_DROP, uncertain="give up"),
    **{f"garbage at {at}": Fault(at, GARBAGE) for at in (*COMMANDS, "body")},
    **{f"slow drip at {at}": Fault(at, DRIP) for at in (*COMMANDS, "body")},
    **{f"silence at {at}": Fault(at, SILENCE) for at in ("MAIL", "body")},
    **{
        f"{name} at {at}": Fault(
            at, act, tls="right" if at == "AUTH" else "", provoked=at == "RSET"
        )
        for name, act in (("421", "421 4.3.2 closing"), ("drops", DROP), ("garbage", GARBAGE))
        for at in ("AUTH", "RSET", "QUIT")
    },
    "silence at QUIT": Fault("QUIT", SILENCE),
    "greeting of 1,000 lines": Fault("connect", GREETING, always=True),
    "TLS fails": Fault("STARTTLS", NO_HANDSHAKE, tls="right"),
    "421 at STARTTLS": Fault("STARTTLS", "421 4.7.0 not now", tls="right"),
    "certificate of another host": Fault(tls="of another host"),
}


@dataclass(slots=True, kw_only=True)
class Tally:
    """What one fault did.

    Attributes:
        played: how often it befell a step.
        failed: deliveries that ended in a recorded failure.
    """

    name: str
    deliveries: int
    played: int = 0
    taken: int = 0
    lost: int = 0
    doubled: int = 0
    doubles_promised: int = 0
    failed: int = 0
    suppressed: int = 0
    suppressed_promised: int = 0
    seconds: float = 0.0

    HEADINGS = (
        f"{'fault':<28} {'played':>6} {'taken':>6} {'failed':>6} {'lost':>5} "
        f"{'doubled':>8} {'promised':>8} {'suppressed':>10} {'promised':>8} {'s':>4}"
    )

    def __str__(self) -> str:
        return (
            f"{self.name:<28} {self.played:>6} {self.taken:>6} {self.failed:>6} {self.lost:>5} "
            f"{self.doubled:>8} {self.doubles_promised:>8} "
            f"{self.suppressed:>10} {self.suppressed_promised:>8} {self.seconds:>4.0f}"
        )

    @property
    def is_as_promised(self) -> bool:
        """True if nothing was lost, and nothing doubled or suppressed beyond the promise."""
        return (self.lost, self.doubled, self.suppressed) == (
            0,
            self.doubles_promised,
            self.suppressed_promised,
        )


@dataclass(slots=True)
class Chance:
    """Plays a fault at random steps, and counts."""

    fault: Fault
    most: int
    random: Random = field(default_factory=lambda: Random(20261121))
    played: int = 0

    def __call__(self, at: str) -> object:
        if at == "RCPT" and self.fault.provoked and self.random.random() < RATE:
            return "451 4.3.0 not now"
        is_due = self.fault.always or (self.played < self.most and self.random.random() < self.rate)
        if at != self.fault.at or not is_due:
            return None
        self.played += 1
        return self.fault.act

    @property
    def rate(self) -> float:
        """Connections are few: the first ones are hit for certain."""
        return 1.0 if self.fault.at in FEW else RATE


def prepare(path: Path, readers: int) -> None:
    """Store so many readers with a digest each, all due."""
    database = Database(f"sqlite:///{path}")
    if database.is_empty():
        database.upgrade()
    items = [make_item(number) for number in range(3)]
    store_items(database, items)
    everyone = [make_subscriber(f"reader{number}", created_at=NOW) for number in range(readers)]
    with database.write() as connection:
        insert_subscribers(connection, everyone)
        digests = [make_digest(reader, items) for reader in everyone]
        deliveries = {
            digest.id: make_delivery(digest, recipient=reader.email)
            for digest, reader in zip(digests, everyone, strict=True)
        }
        record_digests(connection, digests, deliveries, {one.id: LATER for one in everyone})
    database.close()


async def run_fault(
    name: str, path: Path, readers: int, certificates: Certificates, *, most: int = MOST
) -> Tally:
    """Deliver everything that *path* holds through a relay with one fault, and count."""
    fault, began = FAULTS[name], time.monotonic()
    is_slow = fault.act in SLOW
    chance = Chance(fault, max(1, most // SLOWER) if is_slow else most)

    def contexts(kind: str) -> ssl.SSLContext:
        return certificates.context("127.0.0.1" if kind == "right" else "other.test")

    database = Database(f"sqlite:///{path}")
    tally = Tally(name=name, deliveries=readers)
    login = ("ada", "secret") if fault.at == "AUTH" else None
    tls = contexts(fault.tls) if fault.tls else None
    async with FaultySmtp(tls=tls, login=login) as relay:
        relay.chance = chance
        transport = SmtpTransport(
            SmtpSettings(
                host="127.0.0.1",
                port=relay.port,
                security="starttls" if fault.tls else "none",
                username=login and login[0],
                password=login and login[1],
                per_connection=20,
                ca_file=certificates.ca_file,
                local_name="client.test",
                connections=8,
                timeout=timedelta(seconds=TIMEOUT if is_slow and fault.at != "body" else LONG),
            ),
            password=login and login[1],
            patience=Patience(
                last_answer=LAST_TIMEOUT if is_slow and fault.at == "body" else LONG,
                connect_again=0.0,
                set_aside=0.0,
                goodbye=1.0,
            ),
        )
        await _deliver(database, transport, relay, fault, contexts)
        await transport.close()
    _count(tally, database, relay, chance)
    database.close()
    tally.seconds = time.monotonic() - began
    return tally


async def _deliver(database, transport, relay, fault, contexts) -> None:
    """Run rounds, ten minutes apart, until nothing waits; what is wrong with TLS is mended."""
    builder = MessageBuilder(MAIL, Templates())
    suppressor = Suppressor(hashed=lambda address: f"hash of {address}", soft_limit=5)
    settings = DeliverSettings(uncertain=fault.uncertain)
    for number in range(ROUNDS):
        if number == 3 and fault.tls:
            assert relay.received == [] or fault.tls == "right"
            relay.tls = contexts("right")
        with suppress(TransportError):
            await deliver_due(
                *(database, builder, transport, settings),
                clock=partial(NOW.__add__, number * timedelta(minutes=10)),
                stop=asyncio.Event(),
                aftermath=suppressor.note,
                progress=lambda *_: None,
            )
        with database.read() as connection:
            if not outbox.outbox_counts(connection, NOW)["pending"]:
                return
    raise AssertionError("some deliveries never ended")


def _count(tally: Tally, database: Database, relay: FaultySmtp, chance: Chance) -> None:
    taken = Counter(
        (one.rcpt, MESSAGE_ID.search(one.content)[1].decode()) for one in relay.received
    )
    with database.read() as connection:
        everything = outbox.list_deliveries(connection, limit=tally.deliveries + 1)
        by_status = subscribers.count_by_status(connection)
        remembered = membership.list_suppressions(connection)
    failed = {one.message_id for one in everything if one.status is DeliveryStatus.FAILED}
    dead = chance.fault.act == "550 5.1.1 no such user"
    withheld = chance.fault.act is TAKE_AND_DROP and chance.fault.uncertain == "retry"
    tally.played, tally.taken, tally.failed = chance.played, len(taken), len(failed)
    tally.lost = sum(
        (one.recipient, one.message_id) not in taken and one.message_id not in failed
        for one in everything
    )
    tally.doubled = taken.total() - len(taken)
    tally.doubles_promised = chance.played if withheld else 0
    tally.suppressed = by_status[SubscriberStatus.SUPPRESSED]
    tally.suppressed_promised = chance.played if dead else 0
    assert len(remembered) == tally.suppressed
    assert len({recipient for recipient, _ in taken}) == len(taken), "a second Message-ID"
