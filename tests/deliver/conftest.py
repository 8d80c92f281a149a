import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from digest.config import SmtpSettings
from digest.deliver.smtp import Patience, SmtpTransport
from digest.model import Delivery, DeliveryKind, Message
from tests.deliver.smtpd import FaultySmtp

NOW = dt.datetime(2026, 11, 21, 7, 0, tzinfo=dt.UTC)
CONTENT = b"From: digest@example.org\r\nDate: Sat, 21 Nov 2026 07:00:00 +0000\r\n\r\nhello\r\n"


def make_delivery(recipient="ada@example.org", *, name=None, attempts=1, created_at=NOW):
    name = name or recipient
    return Delivery(
        id=name,
        kind=DeliveryKind.DIGEST,
        recipient=recipient,
        message_id=f"{name}@digest.test",
        attempts=attempts,
        created_at=created_at,
        next_attempt_at=created_at,
    )


def make_message(
    recipient="ada@example.org", *, name=None, content=CONTENT, sender="d@example.org"
):
    name = name or recipient
    return Message(
        delivery_id=name,
        message_id=f"{name}@digest.test",
        sender=sender,
        recipient=recipient,
        content=content,
    )


@pytest.fixture
async def smtp_server():
    async with FaultySmtp() as server:
        yield server
        assert server.violations == []


@pytest.fixture
async def connect():
    """Give a function that makes transports with short waits; they are closed at the end."""
    transports = []

    def make(server, *, password=None, timeout=5.0, patience=None, **settings):
        settings = {"host": "127.0.0.1", "security": "none", "local_name": "client.test"} | settings
        transport = SmtpTransport(
            SmtpSettings(
                port=server.port,
                timeout=dt.timedelta(seconds=timeout),
                password=password,
                **settings,
            ),
            password=password,
            patience=patience or Patience(last_answer=5.0, connect_again=0.0, set_aside=0.0),
        )
        transports.append(transport)
        return transport

    yield make
    for transport in transports:
        await transport.close()


@dataclass(frozen=True)
class Certificates:
    """A certificate authority of the tests and what it signs."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    ca: x509.Certificate

    @property
    def ca_file(self) -> Path:
        path = self.folder / "ca.pem"
        path.write_bytes(self.ca.public_bytes(serialization.Encoding.PEM))
        return path

    def context(self, *names: str, is_expired: bool = False) -> ssl.SSLContext:
        """Give a server's context with a certificate for these host names."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(
            names, key, issuer=self.ca.subject, issuer_key=self.key, is_expired=is_expired
        )
        path = self.folder / f"{'-'.join(names)}-{is_expired}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _certificate(names, key, *, issuer, issuer_key, is_expired=False, is_ca=False):
    now = dt.datetime.now(dt.UTC)
    alternatives = [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
        for name in names
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=20))
        .not_valid_after(now + dt.timedelta(days=-1 if is_expired else 1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca.test")])
    ca = _certificate(["ca.test"], key, issuer=issuer, issuer_key=key, is_ca=True)
    return Certificates(tmp_path_factory.mktemp("certificates"), key, ca)
