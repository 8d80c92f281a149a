"""Addresses below one mailbox that are signed, so that nobody else can make them.

A return path says which delivery came back: `bounces@example.org` becomes
`bounces+<token>@example.org`.  A leaving address says who unsubscribes by mail:
`bounces+u<token>@example.org`; a From line could be anybody's.  The token is base32, for
servers on the way may change the case of letters.
"""

import hmac
from base64 import b32decode, b32encode
from collections.abc import Sequence
from uuid import UUID

from digest.deliver.changing import ChangingTransport
from digest.model import Message
from digest.protocols import Transport

ID_BYTES = 16
# 40 bits: who guesses one may suppress one reader, and must send millions of mails for it.
SIGNATURE_BYTES = 5
# Without padding: 34 characters; "+u" before it leaves 28 of 64 (RFC 5321 section 4.5.3.1.1).
TOKEN_LENGTH = 34
RETURN, LEAVE = b"digest.return:", b"digest.leave:"


class ReturnPaths:
    """Makes signed addresses, and reads those of mails that came.

    Args:
        address: where bounces go; the part before "@" has at most 28 characters.
        keys: at least one; the first signs, all are believed.
    """

    def __init__(self, address: str, keys: Sequence[str]) -> None:
        self._local, _, self._domain = address.lower().rpartition("@")
        self._keys = [key.encode() for key in keys]

    def of(self, delivery_id: str) -> str:
        """Give the return path of a delivery."""
        return self._address("", RETURN, delivery_id)

    def leaving(self, subscriber_id: str) -> str:
        """Give the address that ends a subscription when a mail comes to it, for ever."""
        return self._address("u", LEAVE, subscriber_id)

    def read(self, address: str) -> str | None:
        """Give the id of the delivery that an address is the return path of; None if forged."""
        return self._read("", RETURN, address)

    def read_leaving(self, address: str) -> str | None:
        """Give the id of the subscriber who leaves by this address; None if it is forged."""
        return self._read("u", LEAVE, address)

    def _address(self, mark: str, purpose: bytes, own_id: str) -> str:
        own = UUID(own_id).bytes
        signed = own + _signature(self._keys[0], purpose, own)
        token = b32encode(signed).decode().rstrip("=").lower()
        return f"{self._local}+{mark}{token}@{self._domain}"

    def _read(self, mark: str, purpose: bytes, address: str) -> str | None:
        local, _, domain = address.lower().rpartition("@")
        base, _, marked = local.rpartition("+")
        token = marked.removeprefix(mark)
        whose = (base, domain, len(marked), len(token))
        if whose != (self._local, self._domain, TOKEN_LENGTH + len(mark), TOKEN_LENGTH):
            return None
        try:
            read = b32decode(token.upper() + "=" * (-TOKEN_LENGTH % 8))
        except ValueError:
            return None
        own, signature = read[:ID_BYTES], read[ID_BYTES:]
        known = any(
            hmac.compare_digest(signature, _signature(key, purpose, own)) for key in self._keys
        )
        return str(UUID(bytes=own)) if known else None


class ReturningTransport(ChangingTransport):
    """A transport that sends each message from its own return path."""

    def __init__(self, transport: Transport, paths: ReturnPaths) -> None:
        super().__init__(transport, self._returning)
        self._paths = paths

    def _returning(self, message: Message) -> Message:
        return message._replace(sender=self._paths.of(message.delivery_id))


def _signature(key: bytes, purpose: bytes, own: bytes) -> bytes:
    return hmac.digest(key, purpose + own, "sha256")[:SIGNATURE_BYTES]
