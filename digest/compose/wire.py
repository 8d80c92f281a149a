"""Text and headers as a mail carries them: quoted-printable, RFC 2047, folding, addresses.

Everything here gives ASCII with CRLF ends and lines of at most 76 columns, one long word of a
header excepted; the stdlib's EmailMessage judges it in the tests.
"""

import re
from binascii import b2a_qp
from email.header import Header
from functools import lru_cache

from digest.errors import RenderError

# RFC 5322 section 3.2.3: what needs no quotes in a name, and in an address without quirks.
PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.\[\]:-]{1,253}")
LINE = 76


def quoted_printable(text: str) -> bytes:
    """Encode text so that encoded pieces can be joined: each ends with a line break.

    The break is a soft one where *text* ends in the middle of a line.  RFC 2045 section 6.7.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    encoded = b2a_qp(text.encode("utf-8", "replace"), istext=True)
    if not encoded or encoded.endswith(b"\n"):
        return encoded.replace(b"\n", b"\r\n")
    start = encoded.rfind(b"\n") + 1
    if len(encoded) - start >= LINE:
        # No room for the soft break: the last sign, plain or "=XX", goes to a line of its own.
        place = -3 if encoded[-3:-2] == b"=" else -1
        encoded = encoded[:place] + b"=\n" + encoded[place:]
    if encoded.endswith((b" ", b"\t")):
        # A blank before a soft break is legal, but gateways that trim lines exist.
        encoded = encoded[:-1] + b"=%02X" % encoded[-1]
    return encoded.replace(b"\n", b"\r\n") + b"=\r\n"


@lru_cache(maxsize=4096)
def unstructured(name: str, text: str) -> str:
    """Write a header of free text, such as Subject, folded; no line end."""
    plain = text.isascii() and text.isprintable() and "=?" not in text
    if plain and len(name) + 2 + len(text) <= LINE:
        return f"{name}: {text}"
    return f"{name}: {_encoded(name, text, plain=plain)}"


def mailbox(name: str, display: str, address: str) -> str:
    """Write a header with one address, such as To, folded; no line end.

    Raises:
        RenderError: the address cannot be written in ASCII.
    """
    address = ascii_address(address)
    if not display:
        return f"{name}: {address}"
    if PLAIN_NAME.fullmatch(display) and "=?" not in display:
        phrase = display
    elif display.isascii() and display.isprintable() and "=?" not in display:
        quoted = display.replace("\\", "\\\\").replace('"', '\\"')
        phrase = f'"{quoted}"'
    else:
        phrase = _encoded(name, display, plain=False)
    one_line = f"{name}: {phrase} <{address}>"
    if len(one_line) <= LINE:
        return one_line
    return f"{name}: {phrase}\r\n <{address}>"


def ascii_address(address: str) -> str:
    """Give an address as SMTP without SMTPUTF8 carries it: its domain in ASCII.

    Raises:
        RenderError: the local part is not ASCII, or the address is none.
    """
    if PLAIN_ADDRESS.fullmatch(address):
        return address
    local, _, domain = address.rpartition("@")
    try:
        plain = f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        plain = ""
    if not PLAIN_ADDRESS.fullmatch(plain):
        raise RenderError("address: expected ASCII before the @ and a domain after it, correct it")
    return plain


def _encoded(name: str, text: str, *, plain: bool) -> str:
    """Fold text, in RFC 2047 encoded-words unless it is plain."""
    charset = "us-ascii" if plain else "utf-8"
    return Header(text, charset, maxlinelen=LINE - 1, header_name=name).encode(linesep="\r\n")
