"""DKIM signatures, with dkimpy as the judge."""

import re

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.dkim import SignedTransport, Signer, is_aligned
from digest.errors import ConfigError
from tests.deliver.conftest import make_message

HEAD = (
    b"From: Daily Digest <digest@example.org>\r\n"
    b"To: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r\n"
    b"Subject: a title that is so long that it was folded\r\n onto a second  line \r\n"
    b"Date: Sat, 21 Nov 2026 07:00:00 +0000\r\n"
    b"Message-ID: <one@example.org>\r\n"
    b"List-Id: <digest.example.org>\r\n"
    b"List-Unsubscribe: <https://digest.example.org/u/abc>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
)
MESSAGE = HEAD + b"\r\nHello,\r\n\r\n.dots and  blanks \r\n"


def make_signer(key):
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Signer.from_pem(pem, domain="example.org", selector="s1")


RSA = make_signer(rsa.generate_private_key(65537, 2048))
ED25519 = make_signer(ed25519.Ed25519PrivateKey.generate())
signers = pytest.mark.parametrize("signer", [RSA, ED25519], ids=["rsa", "ed25519"])


def is_valid(message, signer, *, index=0):
    def find_record(name, timeout=5):
        return signer.dns_text.encode() if name.decode() == f"{signer.dns_name}." else None

    try:
        return dkim.DKIM(message).verify(idx=index, dnsfunc=find_record)
    except dkim.ValidationError:
        return False


@signers
def test_signature_is_valid(signer):
    assert is_valid(signer.sign(MESSAGE) + MESSAGE, signer)


@signers
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="no body"),
        pytest.param(b"\r\n", id="empty line"),
        pytest.param(b"text", id="no line end"),
        pytest.param(b"text\r\n\r\n\r\n", id="empty lines at the end"),
        pytest.param(b" \r\n\t\r\n", id="blanks alone"),
        pytest.param(b"\xff\x00\r\n", id="any bytes"),
    ],
)
def test_any_body_is_signed(signer, body):
    message = HEAD + b"\r\n" + body

    assert is_valid(signer.sign(message) + message, signer)


@signers
@pytest.mark.parametrize(
    ("written", "changed"),
    [
        pytest.param(b"Hello,", b"Hallo,", id="body"),
        pytest.param(b"<digest@example.org>", b"<other@example.org>", id="From"),
        pytest.param(b"/u/abc", b"/u/abd", id="List-Unsubscribe"),
        pytest.param(b"=One-Click", b"=One-click", id="List-Unsubscribe-Post"),
        pytest.param(b"List-Id: ", b"From: eve@example.org\r\nList-Id: ", id="a second From"),
        pytest.param(b"List-Id: ", b"Reply-To: eve@example.org\r\nList-Id: ", id="a Reply-To"),
    ],
)
def test_changed_message_is_found_out(signer, written, changed):
    signed = signer.sign(MESSAGE) + MESSAGE
    assert written in signed

    assert not is_valid(signed.replace(written, changed, 1), signer)


@signers
def test_rewrapped_headers_do_no_harm(signer):
    signed = signer.sign(MESSAGE) + MESSAGE
    rewrapped = signed.replace(b"Subject: a title", b"SUBJECT:  a\r\n\ttitle")

    assert is_valid(rewrapped, signer)


def test_same_message_gives_the_same_signature():
    """Every attempt at a delivery carries the same content."""
    assert RSA.sign(MESSAGE) == RSA.sign(MESSAGE)


@signers
def test_no_line_is_longer_than_78(signer):
    assert max(len(line) for line in signer.sign(MESSAGE).split(b"\r\n")) <= 78


def test_each_signed_header_is_named_once_too_often():
    signature = RSA.sign(MESSAGE)
    names = re.sub(rb"\s", b"", re.search(rb"\th=([^;]*);", signature)[1]).split(b":")

    assert names.count(b"from") == names.count(b"list-unsubscribe-post") == 2
    assert names.count(b"reply-to") == 1


texts = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=90)


@given(
    fields=st.lists(st.tuples(st.sampled_from(["Subject", "To", "X-Any"]), texts), max_size=6),
    body=st.lists(texts, max_size=6),
)
def test_whatever_headers_and_body_hold_the_signature_is_valid(fields, body):
    head = [f"{name}: {text}" for name, text in [("From", "d@example.org"), *fields]]
    message = "\r\n".join([*head, "", *body, ""]).encode()

    assert is_valid(RSA.sign(message) + message, RSA)


async def test_transport_puts_every_signature_in_front():
    sent = []

    class Inner:
        connections = 3

        async def send(self, message, following):
            sent.append(message)

        async def close(self):
            sent.append("closed")

    transport = SignedTransport(Inner(), [RSA, ED25519])
    await transport.send(make_message(content=MESSAGE))
    await transport.close()

    assert transport.connections == 3
    assert sent[0].content.endswith(MESSAGE)
    assert is_valid(sent[0].content, RSA, index=0)
    assert is_valid(sent[0].content, ED25519, index=1)
    assert sent[1] == "closed"


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        pytest.param(b"no key", "not a private key", id="garbage"),
        pytest.param(
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            "expected an RSA or Ed25519 key",
            id="another kind",
        ),
        pytest.param(
            rsa.generate_private_key(65537, 2048).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"secret"),
            ),
            "not a private key",
            id="encrypted",
        ),
    ],
)
def test_key_that_cannot_sign_is_an_error_that_names_it(pem, told):
    with pytest.raises(ConfigError, match=told) as caught:
        Signer.from_pem(pem, domain="example.org", selector="s1")

    assert "s1._domainkey.example.org" in str(caught.value)


@pytest.mark.parametrize(
    ("from_domain", "domain", "aligned"),
    [
        pytest.param("example.org", "example.org", True, id="same"),
        pytest.param("news.example.org", "Example.org", True, id="below"),
        pytest.param("example.org", "mail.example.org", True, id="above"),
        pytest.param("example.org", "badexample.org", False, id="ends alike"),
        pytest.param("example.org", "example.com", False, id="another"),
    ],
)
def test_alignment_of_the_signature_with_from(from_domain, domain, aligned):
    assert is_aligned(from_domain, domain) is aligned
