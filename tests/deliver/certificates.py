"""A certificate authority of the tests, and servers' certificates of every kind."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


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


def make_certificates(folder: Path) -> Certificates:
    """Make an authority of its own, whose files are kept in a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca.test")])
    ca = _certificate(["ca.test"], key, issuer=issuer, issuer_key=key, is_ca=True)
    return Certificates(folder, key, ca)
