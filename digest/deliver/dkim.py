"""Signs finished messages (DKIM), for relays that do not sign themselves.

Adds header lines in front and touches nothing else, so it must be the last to see a message.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from digest.deliver.changing import ChangingTransport
from digest.errors import ConfigError
from digest.model import Message
from digest.protocols import Transport

# RFC 6376 section 5.4.1, and for one-click unsubscription RFC 8058 section 4.  Each is listed
# once more than it stands there, so that none can be added (section 5.4.2).
SIGNED_HEADERS = (
    *(b"from", b"to", b"subject", b"date", b"message-id", b"reply-to"),
    *(b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"auto-submitted"),
    *(b"mime-version", b"content-type", b"content-transfer-encoding"),
)
SHORTEST_RSA_BITS = 1024  # RFC 8301 section 3.2: verifiers reject what is shorter
BLANKS = re.compile(rb"[ \t]+")
FOLDED = re.compile(rb"\r\n(?=[ \t])")


@dataclass(frozen=True, slots=True)
class Signer:
    """A key and the name that it is published under.

    Attributes:
        domain: what the signature speaks for (d=); for DMARC it goes with From's.
        selector: the key is published at `<selector>._domainkey.<domain>`.
    """

    domain: str
    selector: str
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

    @classmethod
    def from_pem(cls, pem: bytes, *, domain: str, selector: str) -> Self:
        """Read an RSA or Ed25519 private key.

        Raises:
            ConfigError: it is no such key, is encrypted, or too short to be believed.
        """
        name = f"dkim: {selector}._domainkey.{domain}"
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"{name}: not a private key in PEM form: {error}") from error
        if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
            raise ConfigError(f"{name}: expected an RSA or Ed25519 key, make one of 2048 bits RSA")
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size < SHORTEST_RSA_BITS:
            raise ConfigError(f"{name}: {key.key_size} bits are too short, make a key of 2048")
        return cls(domain, selector, key)

    @property
    def algorithm(self) -> str:
        """The signature's name for it: RFC 6376 section 3.3, RFC 8463 section 3."""
        return "rsa-sha256" if isinstance(self.key, rsa.RSAPrivateKey) else "ed25519-sha256"

    @property
    def dns_name(self) -> str:
        """Where the public key must be published, as a TXT record."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def dns_text(self) -> str:
        """What must be published there; RFC 6376 section 3.6.1, RFC 8463 section 4."""
        public = self.key.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            kind, form = "rsa", serialization.PublicFormat.SubjectPublicKeyInfo
            written = public.public_bytes(serialization.Encoding.DER, form)
        else:
            kind, written = "ed25519", public.public_bytes_raw()
        return f"v=DKIM1; k={kind}; p={base64.b64encode(written).decode()}"

    def sign(self, content: bytes) -> bytes:
        """Give the header line to put before a message; the same message gives the same line.

        Canonicalisation is relaxed/simple: the body's bytes are signed as they are, which costs
        a third of relaxing them.  Source: RFC 6376 sections 3.4, 3.5 and 3.7.

        Args:
            content: RFC 5322 bytes with CRLF line ends.
        """
        head, _, body = content.partition(b"\r\n\r\n")
        fields = _relaxed_fields(head)
        names: list[bytes] = []
        signed: list[bytes] = []
        for name in SIGNED_HEADERS:
            present = fields.get(name, [])
            # Of several the last counts first; the one name too many stands for "no more".
            signed += reversed(present)
            names += [name] * (len(present) + 1)
        body_hash = base64.b64encode(hashlib.sha256(_simple_body(body)).digest())
        unsigned = (
            f"DKIM-Signature: v=1; a={self.algorithm}; c=relaxed/simple; d={self.domain};\r\n"
            f"\ts={self.selector}; bh={body_hash.decode()};\r\n\th={_folded_names(names)};\r\n\tb="
        ).encode()
        _, itself = _relaxed(FOLDED.sub(b"", unsigned))
        signature = base64.b64encode(self._raw_signature(b"\r\n".join([*signed, itself])))
        chunks = [signature[at : at + 72] for at in range(0, len(signature), 72)]
        return unsigned + b"\r\n\t ".join(chunks) + b"\r\n"

    def _raw_signature(self, written: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(written, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(hashlib.sha256(written).digest())  # RFC 8463 section 3


class SignedTransport(ChangingTransport):
    """A transport that signs every message before it goes on.

    Args:
        signers: one, or an RSA and an Ed25519 one: RFC 8463 section 3 asks to go on with RSA.
    """

    def __init__(self, transport: Transport, signers: Sequence[Signer]) -> None:
        super().__init__(transport, self._signed)
        self._signers = tuple(signers)

    def _signed(self, message: Message) -> Message:
        signatures = b"".join(signer.sign(message.content) for signer in self._signers)
        return message._replace(content=signatures + message.content)


def is_aligned(from_domain: str, domain: str) -> bool:
    """True if DMARC may take a signature of *domain* for mail from *from_domain*.

    Without the list of public suffixes: one of the two is the other or lies below it.
    """
    one, other = from_domain.lower().rstrip("."), domain.lower().rstrip(".")
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _relaxed_fields(head: bytes) -> dict[bytes, list[bytes]]:
    """Give the header fields by name, in order, each as it is signed."""
    fields: dict[bytes, list[bytes]] = {}
    for line in FOLDED.sub(b"", head).split(b"\r\n"):
        name, written = _relaxed(line)
        fields.setdefault(name, []).append(written)
    return fields


def _relaxed(line: bytes) -> tuple[bytes, bytes]:
    """Give the name of an unfolded header field and the field as signed; section 3.4.2."""
    name, _, value = line.partition(b":")
    name = name.rstrip(b" \t").lower()
    return name, name + b":" + BLANKS.sub(b" ", value).strip(b" ")


def _simple_body(body: bytes) -> bytes:
    """Give a body as signed: one CRLF instead of all empty lines at its end; section 3.4.3."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


def _folded_names(names: Sequence[bytes]) -> str:
    """Join header names by colons, on lines of at most 76."""
    lines = [""]
    for name in (one.decode() for one in names):
        if len(lines[-1]) + len(name) > 70:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n\t ".join(lines).removesuffix(":")
