"""Return paths that say which delivery came back, signed so that nobody else can say it.

`bounces@example.org` becomes `bounces+<token>@example.org`; the token is base32, for servers
on the way may change the case of letters.
"""

import hmac
from base64 import b32decode, b32encode
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from digest.model import Message, Reply
from digest.protocols import Transport

ID_BYTES = 16
# 40 bits: who guesses one may suppress one reader, and must send millions of mails for it.
SIGNATURE_BYTES = 5
# Without padding: 34 characters, which leaves 29 of the 64 (RFC 5321 section 4.5.3.1.1).
TOKEN_LENGTH = 34


class ReturnPaths:
    """Makes return paths, and reads those of mails that came back.

    Args:
        address: where bounces go; the part before "@" has at most 29 characters.
        keys: at least one; the first signs, all are believed.
    """

    def __init__(self, address: str, keys: Sequence[str]) -> None:
        self._local, _, self._domain = address.lower().rpartition("@")
        self._keys = [key.encode() for key in keys]

    def of(self, delivery_id: str) -> str:
        """Give the return path of a delivery."""
        own = UUID(delivery_id).bytes
        token = b32encode(own + _signature(self._keys[0], own)).decode().rstrip("=").lower()
        return f"{self._local}+{token}@{self._domain}"

    def read(self, address: str) -> str | None:
        """Give the id of the delivery that an address is the return path of; None if forged."""
        local, _, domain = address.lower().rpartition("@")
        base, _, token = local.rpartition("+")
        if (base, domain, len(token)) != (self._local, self._domain, TOKEN_LENGTH):
            return None
        try:
            read = b32decode(token.upper() + "=" * (-TOKEN_LENGTH % 8))
        except ValueError:
            return None
        own, signature = read[:ID_BYTES], read[ID_BYTES:]
        known = any(hmac.compare_digest(signature, _signature(key, own)) for key in self._keys)
        return str(UUID(bytes=own)) if known else None


class ReturningTransport:
    """A transport that sends each message from its own return path."""

    def __init__(self, transport: Transport, paths: ReturnPaths) -> None:
        self.connections = transport.connections
        self._transport = transport
        self._paths = paths

    async def send(self, message: Message) -> Reply:
        """Hand one message over under its return path.

        Raises:
            TransportError: as the transport's own.
        """
        sender = self._paths.of(message.delivery_id)
        return await self._transport.send(replace(message, sender=sender))

    async def close(self) -> None:
        """End the transport's connections."""
        await self._transport.close()


def _signature(key: bytes, own: bytes) -> bytes:
    return hmac.digest(key, b"digest.return:" + own, "sha256")[:SIGNATURE_BYTES]
