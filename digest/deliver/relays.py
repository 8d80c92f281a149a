"""Several relays behind one seam: mail is shared out by weight and flows round what is broken.

Knows transports only; how one speaks to its relay is its own affair.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from digest.errors import TransportError
from digest.model import Message, Reply
from digest.protocols import Transport

logger = logging.getLogger(__name__)

ASIDE = timedelta(minutes=2)


@dataclass(slots=True)
class Relay:
    """One relay and its share.

    Attributes:
        weight: shares of the mail, relative to the others; 0 = only while no other can.
        credit: what smooth round robin owes it (the others owe it back when it is negative).
        under_way: messages that it has now.
        aside_until: it is not asked before this instant, in the clock's seconds.
    """

    transport: Transport
    weight: int = 1
    credit: int = 0
    under_way: int = 0
    aside_until: float = 0.0

    @property
    def has_room(self) -> bool:
        """True if a message would not have to wait for one of its connections."""
        return self.under_way < self.transport.connections


class Relays:
    """Hands each message to one of several relays.

    A relay that refuses connections or answers 421 is set aside for a while, and the message
    goes to the next.  A message whose fate is uncertain is never given to another relay.

    Args:
        shares: (transport, weight) in order of preference; at least one weight above 0.
        clock: seconds that never run backwards.
        set_aside: a failing relay is not asked again for so long.
    """

    def __init__(
        self,
        shares: Sequence[tuple[Transport, int]],
        *,
        clock: Callable[[], float],
        set_aside: timedelta = ASIDE,
    ) -> None:
        self._relays = [Relay(transport, weight) for transport, weight in shares]
        self._clock = clock
        self._seconds_aside = set_aside.total_seconds()
        self.connections = sum(one.transport.connections for one in self._relays if one.weight)

    async def send(self, message: Message, _following: Message | None = None, /) -> Reply:
        """Hand one message over to the first relay that takes it or refuses it for good reason.

        None is told of the following one: it may be another's turn.

        Raises:
            TransportError: no relay is usable; the message was not taken.  It is the last
                relay's, permanent only if every relay's was.
        """
        failures = []
        reply = None
        for relay in self._in_turn():
            relay.under_way += 1
            try:
                reply = await relay.transport.send(message)
            except TransportError as error:
                failures.append(error)
                self._set_aside(relay, error)
                continue
            finally:
                relay.under_way -= 1
            if reply.uncertain or reply.code not in {0, 421}:
                return reply
            if reply.code == 421:
                self._set_aside(relay, TransportError(f"{reply.relay}: 421 at a message"))
        if reply is not None:
            return reply
        if not failures:
            raise TransportError("smtp: every relay is set aside for a while")
        raise TransportError(
            str(failures[-1]), permanent=all(failure.permanent for failure in failures)
        )

    def withdraw(self, message: Message) -> None:
        """Do nothing: no relay was told of it."""

    async def close(self) -> None:
        """End the connections to every relay."""
        for relay in self._relays:
            await relay.transport.close()

    def _in_turn(self) -> Iterator[Relay]:
        """Give the relays to try for one message, the one whose turn it is first."""
        untried = [relay for relay in self._relays if relay.aside_until <= self._clock()]
        while untried:
            weighted = [relay for relay in untried if relay.weight]
            ready = [relay for relay in weighted if relay.has_room]
            chosen = _whose_turn(ready or weighted) if weighted else untried[0]
            untried.remove(chosen)
            yield chosen

    def _set_aside(self, relay: Relay, error: TransportError) -> None:
        relay.aside_until = self._clock() + self._seconds_aside
        level = logging.ERROR if error.permanent else logging.WARNING
        logger.log(level, "relay set aside: seconds=%g cause=%s", self._seconds_aside, error)


def _whose_turn(relays: Sequence[Relay]) -> Relay:
    """Choose by smooth weighted round robin: shares are kept, and well mixed."""
    for relay in relays:
        relay.credit += relay.weight
    chosen = max(relays, key=lambda relay: relay.credit)
    chosen.credit -= sum(relay.weight for relay in relays)
    return chosen
