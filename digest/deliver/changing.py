"""A transport that changes every message before it goes on: signs it, gives it a return path."""

from collections.abc import Callable

from digest.model import Message, Reply
from digest.protocols import Transport


class ChangingTransport:
    """Changes each message once, also where it is told of before its turn.

    Args:
        change: gives what is sent instead, of the same delivery.
    """

    def __init__(self, transport: Transport, change: Callable[[Message], Message]) -> None:
        self.connections = transport.connections
        self._transport = transport
        self._change = change
        self._following: dict[str, Message] = {}

    async def send(self, message: Message, following: Message | None = None, /) -> Reply:
        """Change one message and hand it over.

        Raises:
            TransportError: as the transport's own.
        """
        changed = self._following.pop(message.delivery_id, None) or self._change(message)
        if following:
            following = self._following[following.delivery_id] = self._change(following)
        return await self._transport.send(changed, following)

    def withdraw(self, message: Message) -> None:
        """Take back a following message."""
        self._following.pop(message.delivery_id, None)
        self._transport.withdraw(message)

    async def close(self) -> None:
        """End the transport's connections."""
        await self._transport.close()
