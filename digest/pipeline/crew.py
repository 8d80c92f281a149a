"""Deliver by several processes: claimed here, written and sent there, recorded here again.

One process alone claims and records, as one writer to SQLite is the rule.  What the others may
have sent and not yet seen recorded is bounded, so a kill doubles no more than it does with one.

All of it is one thread's work: senders wait until what they report is recorded, and a way through
an event loop would make them wait longer.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from selectors import EVENT_READ, DefaultSelector
from typing import NamedTuple, Protocol

from digest.errors import DigestError, TransportError
from digest.model import Attempt, Delivery

POLL_SECONDS = 0.1
"""So often is seen whether to stop, where no sender has anything to say."""


class SenderDiedError(TransportError):
    """A sender's process ended; nobody knows what it sent after its last report."""


class Report(NamedTuple):
    """What a sender did since its last report.

    Attributes:
        left_out: deliveries whose message cannot be written, or not in time; they stay claimed.
    """

    attempts: Sequence[Attempt]
    left_out: Collection[str] = ()


class Sender(Protocol):
    """One process that writes messages and hands them over.

    Attributes:
        has_ended: it was told to finish and did, or could not go on.
        failure: why it could not go on; its reports hold all that it sent.
    """

    has_ended: bool
    failure: DigestError | None

    def fileno(self) -> int:
        """Give what becomes readable when there is something to receive."""

    def give(self, deliveries: Sequence[Delivery], begin_within: timedelta) -> None:
        """Give it deliveries; it begins none of them later than so long from now."""

    def receive(self) -> Sequence[Report]:
        """Give the reports that have come since; it waits where nothing has.

        Raises:
            SenderDiedError: its process ended.
        """

    def acknowledge(self, attempts: int) -> None:
        """Tell that so many more of its attempts are recorded."""

    def finish(self, *, at_once: bool) -> None:
        """Tell it to end when it has sent what it was given; or, *at_once*, to begin no more."""


Crew = Callable[[int], AbstractContextManager[Sequence[Sender]]]
"""Puts senders to work: so many attempts, and one a connection, may be begun and not recorded."""

Claim = Callable[[int], Sequence[Delivery]]
"""Claims at most so many deliveries."""

Record = Callable[[Sequence[Attempt], Callable[[], None]], None]
"""Records attempts, or raises StoreError where it cannot; calls the other while it waits."""


class Shift:
    """One run by several senders.

    Args:
        claim: gives what else is due; nothing once it is all.
        share: deliveries given to a sender at a time.
        begin_within: from its claim a delivery may wait so long for its turn.
        is_stopping: nothing new is begun any more; what is in flight is finished.
        is_cut: we leave at once, whatever senders do.
    """

    def __init__(
        self,
        senders: Sequence[Sender],
        claim: Claim,
        record: Record,
        *,
        share: int,
        begin_within: timedelta,
        is_stopping: Callable[[], bool],
        is_cut: Callable[[], bool],
    ) -> None:
        self.untried: set[str] = set()
        self._held: dict[Sender, set[str]] = {sender: set() for sender in senders}
        self._unsupplied: set[Sender] = set(senders)
        self._waiting: list[Sequence[Delivery]] = []
        self._claim = claim
        self._record = record
        self._share = share
        self._begin_within = begin_within
        self._failure: DigestError | None = None
        self._is_stopping = is_stopping
        self._is_cut = is_cut
        self._is_told = False

    def deliver(self, first: Sequence[Delivery]) -> None:
        """Deliver what is claimed already, then what else is due.

        Afterwards `untried` holds what was claimed and not begun.

        Raises:
            DigestError: the relay is unusable, or a sender died; what could be recorded is.
            StoreError: attempts could not be recorded.
        """
        self._waiting = [first[at : at + self._share] for at in range(0, len(first), self._share)]
        try:
            with DefaultSelector() as selector:
                for sender in self._held:
                    selector.register(sender.fileno(), EVENT_READ, sender)
                self._look()
                for sender in self._held:
                    if sender in self._unsupplied and not self._is_cut():
                        self._supply(sender)
                while selector.get_map() and not self._is_cut():
                    self._look()
                    # One after the other: recorded together, they would all wait at once, and
                    # would go on to report at once.
                    for key, _ in selector.select(POLL_SECONDS):
                        self._hear(key.data)
                        if key.data not in self._held:
                            selector.unregister(key.fd)
        finally:
            self.untried |= {one.id for share in self._waiting for one in share}
        if self._failure:
            raise self._failure

    def _hear(self, sender: Sender) -> None:
        """Record what a sender reports, and let it go on; whoever has ended holds nothing more."""
        try:
            reports = sender.receive()
        except SenderDiedError as error:
            # What it held it may have sent: that comes back when its lease ends.
            del self._held[sender]
            self._fail(error)
            return
        held = self._held[sender]
        if attempts := [one for report in reports for one in report.attempts]:
            self._record(attempts, self._look)
            sender.acknowledge(len(attempts))
            held.difference_update([one.delivery_id for one in attempts])
        for report in reports:
            held.difference_update(report.left_out)
        if sender.has_ended:
            self.untried |= self._held.pop(sender)
            if sender.failure:
                self._fail(sender.failure)
        elif sender in self._unsupplied and len(held) <= self._share // 2:
            self._supply(sender)

    def _supply(self, sender: Sender) -> None:
        """Give a sender its next share, or tell it that there is no more.

        Where nothing more can be claimed, what it holds is sent and recorded all the same.
        """
        share: Sequence[Delivery] = ()
        try:
            if not self._failure:
                share = self._next_share()
        except DigestError as error:
            self._failure = error
        if share:
            self._held[sender].update([one.id for one in share])
            sender.give(share, self._begin_within)
        else:
            # Once told it takes no more, so nothing is to be claimed for it.
            self._unsupplied.discard(sender)
            sender.finish(at_once=False)

    def _next_share(self) -> Sequence[Delivery]:
        """Give what is claimed next, but for what a sender holds still.

        That took longer than its lease: claimed anew it is ours for another, and in one hand.
        """
        while claimed := self._waiting.pop(0) if self._waiting else self._claim(self._share):
            held = set().union(*self._held.values())
            if share := [one for one in claimed if one.id not in held]:
                return share
        return ()

    def _fail(self, error: DigestError) -> None:
        """Remember a failure, to raise it when everybody has ended."""
        self._failure = self._failure or error
        self._finish_all()

    def _look(self) -> None:
        """See whether to stop, and tell the senders once."""
        if self._is_stopping() and not self._is_told:
            self._is_told = True
            self._finish_all()

    def _finish_all(self) -> None:
        self._unsupplied.clear()
        for sender in self._held:
            sender.finish(at_once=True)
