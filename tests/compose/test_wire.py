"""Text and headers on the wire, judged by the stdlib's own parser."""

import quopri
import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default as DEFAULT  # noqa: N812 - a constant of ours
from email.policy import strict

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.compose.wire import ascii_address, decoded, encoded, mailbox, unstructured
from digest.errors import RenderError
from digest.text import one_line

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
clean_lines = texts.map(one_line)


def tame(text: str) -> str:
    """Give the line ends of a mail, without blanks before them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[ \t]+\n", "\n", text)


@given(st.lists(texts, max_size=6))
@example(["x" * 75, "y"])
@example(["x" * 76, "y"])
@example(["x" * 74 + " ", " y"])
@example(["x" * 75 + " ", "y"])
@example(["é" * 13, "."])
@example(["a\n", ".\n", "From b"])
@example(["." * 80, "...\n", "x" * 75 + "."])
def test_encoded_pieces_can_be_joined(pieces):
    wire = b"".join(encoded(piece) for piece in pieces)

    assert quopri.decodestring(wire).decode().replace("\r\n", "\n") == "".join(map(tame, pieces))
    assert len(wire) >= len(quopri.decodestring(wire).replace(b"\r\n", b"\n"))
    assert wire.isascii()
    assert all(len(line) <= 76 for line in wire.split(b"\r\n"))
    assert not any(line.startswith(b".") for line in wire.split(b"\r\n"))
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert b"\r" not in wire.replace(b"\r\n", b"")
    assert not wire or wire.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        pytest.param("a\r\nb\rc", "a\nb\nc", id="line ends"),
        pytest.param("a \t\nb ", "a\nb ", id="blanks before a line end"),
        pytest.param("a\udc80b", "a?b", id="lone surrogate"),
    ],
)
def test_text_is_made_such_as_a_mail_can_carry(text, carried):
    assert decoded(encoded(text)) == carried


def parse(header: str, name: str):
    lines = header.encode("ascii").split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    assert all(line.startswith(b" ") for line in lines[1:])
    message = message_from_bytes(header.encode("ascii") + b"\r\n\r\n", policy=strict + DEFAULT)
    assert not message.defects
    assert not message[name].defects
    return message[name]


@given(clean_lines)
@example("=?utf-8?q?forged?=")
@example(("Sat 21 Nov · " + "vectors " * 12).strip())
@example(("plain words " * 20).strip())
@example("x" * 300)
@example("模型" * 60)
def test_subject_is_read_back_as_it_was(text):
    header = unstructured("Subject", text)

    assert str(parse(header, "Subject")) == text
    words = [line for line in header.split("\r\n") if "=?" in line]
    assert all(len(line) <= 76 for line in words)


@given(clean_lines.map(lambda text: text[:80].strip()))
@example('Quote " and \\ slash')
@example("Doe, Jane (she)")
@example("Ada Løvelace")
@example("a@b.example, c")
@example("=?utf-8?q?x?=")
def test_display_name_is_read_back_as_it_was(name):
    header = mailbox("To", name, "ada@example.org")

    parsed = parse(header, "To")
    assert [address.addr_spec for address in parsed.addresses] == ["ada@example.org"]
    if header.count("=?utf-8") > 1:
        # Python 3.11's own parser puts a blank between the encoded-words of a name, against
        # RFC 2047 section 6.2; its older decoder does not.
        raw = header.removeprefix("To: ").removesuffix(" <ada@example.org>").rstrip()
        assert str(make_header(decode_header(raw))) == name
    else:
        assert parsed.addresses[0].display_name == name


def test_domain_travels_in_ascii():
    assert ascii_address("ada@bücher.example") == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("adá@example.org", id="local part needs SMTPUTF8"),
        pytest.param("ada@example.org\r\nBcc: eve@example.org", id="header injection"),
        pytest.param("no address", id="none"),
        pytest.param("", id="empty"),
        pytest.param("a b@example.org", id="blank"),
        pytest.param("<ada@example.org>", id="brackets"),
    ],
)
def test_address_that_cannot_be_written_is_refused(address):
    with pytest.raises(RenderError):
        ascii_address(address)
