"""Signed, purpose-bound tokens, and the addresses that carry them.

A token names a subscriber by id, never by address, and is good for one purpose only.  The
keys can be rotated: the first one signs, all of them are believed.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from itsdangerous import BadSignature, Signer
from itsdangerous.signer import HMACAlgorithm

from digest.errors import LinkError

CONFIRM_WITHIN = timedelta(hours=48)
# 120 bits: out of reach for guessing, and short enough that an unsubscribe address stays
# below 76 characters.  RFC 2104 section 5 asks for at least half the hash or 80 bits.
SIGNATURE_BYTES = 15
# A token is two stretches of base64url and a dot; ours have at most 78 characters.
TOKEN_CHARS = 100


class Purpose(StrEnum):
    """What a token is good for; its value is the path that the token stands under."""

    CONFIRM = "c"
    PREFERENCES = "p"
    UNSUBSCRIBE = "u"
    DIGEST = "d"
    FEED = "f"
    FORM = "form"


# Subscriber, digest, epoch of the subscriber's links, second of issue: big-endian.
LAYOUTS = {
    Purpose.CONFIRM: struct.Struct(">16s0sHI"),
    Purpose.PREFERENCES: struct.Struct(">16s0sH0s"),
    Purpose.UNSUBSCRIBE: struct.Struct(">16s0s0s0s"),
    Purpose.DIGEST: struct.Struct(">16s16sH0s"),
    Purpose.FEED: struct.Struct(">16s0sH0s"),
    Purpose.FORM: struct.Struct(">0s0s0sI"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a token says, its signature good.

    Attributes:
        epoch: of the subscriber's links when it was made; the caller compares it.
        issued_at: known where the purpose expires.
    """

    subscriber_id: str = ""
    digest_id: str = ""
    epoch: int = 0
    issued_at: datetime | None = None


class _ShortHmac(HMACAlgorithm):
    def __init__(self) -> None:
        super().__init__(sha256)

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return super().get_signature(key, value)[:SIGNATURE_BYTES]


class Links:
    """Makes the addresses of readers' pages, and reads their tokens.

    Args:
        base_url: scheme and host, without a slash at the end.
        keys: at least one; the first signs.
    """

    def __init__(self, base_url: str, keys: Sequence[str]) -> None:
        self.base_url = base_url
        self._keys = tuple(keys)
        # itsdangerous signs with the last one and compares in constant time.
        self._signers = {
            purpose: Signer(
                list(reversed(self._keys)),
                salt=f"digest.{purpose.name}".encode(),
                key_derivation="hmac",
                algorithm=_ShortHmac(),
            )
            for purpose in Purpose
        }
        # Derived once: a run signs a few links for every reader.
        self._signing = {
            purpose: (signer.derive_key(), LAYOUTS[purpose])
            for purpose, signer in self._signers.items()
        }
        self._beginnings = {purpose: f"{base_url}/{purpose}/" for purpose in Purpose}

    def confirm(self, subscriber_id: str, epoch: int, now: datetime) -> str:
        """Give the address that confirms a subscription, for `CONFIRM_WITHIN`."""
        return self._address(Purpose.CONFIRM, _packed(subscriber_id), b"", epoch, _second(now))

    def preferences(self, subscriber_id: str, epoch: int) -> str:
        """Give the address of a subscriber's preferences."""
        return self._address(Purpose.PREFERENCES, _packed(subscriber_id), b"", epoch, b"")

    def unsubscribe(self, subscriber_id: str) -> str:
        """Give the address that ends a subscription; it works for ever."""
        return self._address(Purpose.UNSUBSCRIBE, _packed(subscriber_id), b"", b"", b"")

    def digest(self, subscriber_id: str, digest_id: str, epoch: int) -> str:
        """Give the address of a digest's web copy; feedback on its picks stands below it."""
        return self._address(Purpose.DIGEST, _packed(subscriber_id), _packed(digest_id), epoch, b"")

    def feed(self, subscriber_id: str, epoch: int) -> str:
        """Give the address of a subscriber's own feed; `/atom` or `/json` comes after it."""
        return self._address(Purpose.FEED, _packed(subscriber_id), b"", epoch, b"")

    def form_stamp(self, now: datetime) -> str:
        """Give a token that says when a form was shown."""
        return self._token(Purpose.FORM, b"", b"", b"", _second(now))

    def read(self, purpose: Purpose, token: str, now: datetime) -> Ticket:
        """Read a token that was made for this purpose.

        Raises:
            LinkError: forged, cut, made for another purpose or by a key that is gone, or
                expired.
        """
        try:
            if len(token) > TOKEN_CHARS:
                raise ValueError
            signed = self._signers[purpose].unsign(token.encode("ascii"))
            parts = LAYOUTS[purpose].unpack(urlsafe_b64decode(signed + b"=" * (-len(signed) % 4)))
        except (BadSignature, ValueError, struct.error) as error:
            raise LinkError("link: not one of ours, or no longer valid") from error
        subscriber, digest, epoch, second = parts
        issued_at = datetime.fromtimestamp(second, UTC) if second else None
        if purpose is Purpose.CONFIRM and issued_at and now - issued_at > CONFIRM_WITHIN:
            raise LinkError("link: expired: ask for a new confirmation mail")
        return Ticket(
            subscriber_id=_unpacked(subscriber),
            digest_id=_unpacked(digest),
            epoch=epoch or 0,
            issued_at=issued_at,
        )

    def hashes(self, text: str) -> tuple[str, ...]:
        """Give the keyed hash of an address or network under every key, the newest first."""
        return tuple(
            hmac.digest(key.encode(), b"digest.address:" + text.encode(), "sha256").hex()
            for key in self._keys
        )

    def _address(self, purpose: Purpose, *parts: object) -> str:
        return self._beginnings[purpose] + self._token(purpose, *parts)

    def _token(self, purpose: Purpose, *parts: object) -> str:
        key, layout = self._signing[purpose]
        payload = urlsafe_b64encode(layout.pack(*parts)).rstrip(b"=")
        # The form in which itsdangerous reads it; 15 bytes leave no "=" at the end.
        signed = urlsafe_b64encode(hmac.digest(key, payload, "sha256")[:SIGNATURE_BYTES])
        return f"{payload.decode('ascii')}.{signed.decode('ascii')}"


def _packed(own_id: str) -> bytes:
    # As UUID reads it, in a tenth of the time.
    return bytes.fromhex(own_id.replace("-", ""))


def _unpacked(packed: bytes) -> str:
    return str(UUID(bytes=packed)) if packed else ""


def _second(at: datetime) -> int:
    return int(at.timestamp())
