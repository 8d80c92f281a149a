"""Text and headers as a mail carries them: quoted-printable, RFC 2047, folding, addresses.

Everything here gives ASCII with CRLF ends and lines of at most 76 columns, but for one long
address; the stdlib's parser judges it in the tests.
"""

import re
import textwrap
from binascii import a2b_qp, b2a_qp
from functools import lru_cache
from string import ascii_letters, digits

from digest.errors import RenderError

# RFC 5322 section 3.2.3: what needs no quotes in a name, and in an address without quirks.
PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.\[\]:-]{1,253}")
LINE = 76
DOTS = re.compile(rb"^\.+", re.MULTILINE)
BLANKS_AT_END = re.compile(r"[ \t]+(?=\n)")
WORD_BEGIN, WORD_END = "=?utf-8?q?", "?="
# RFC 2047 section 5 rule 3: what stands for itself even in a name.
PLAIN_SIGNS = frozenset(f"{ascii_letters}{digits}!*+-/")


def encoded(text: str) -> bytes:
    """Encode text as quoted-printable that can be joined: each piece ends with a line break.

    The break is a soft one where *text* ends in the middle of a line.  RFC 2045 section 6.7.
    No line begins with a dot, which SMTP would have to double: RFC 2049 section 3.  Line ends
    become CRLF, without blanks before them, and lone surrogates "?".
    """
    is_short = len(text) < LINE and text[:1] != "." and text[-1:] != " "
    if is_short and text.isascii() and text.isprintable() and "=" not in text:
        # Most personal parts are one short plain word: this is ten times as fast.
        return f"{text}=\r\n".encode("ascii")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if " \n" in text or "\t\n" in text:
        text = BLANKS_AT_END.sub("", text)
    wire = b2a_qp(text.encode("utf-8", "replace"), istext=True)
    if wire and not wire.endswith(b"\n"):
        # What the library makes of a blank at the very end may be longer than a line already.
        while len(wire) - wire.rfind(b"\n") - 1 >= LINE:
            # No room for the soft break: the last sign, plain or "=XX", goes to its own line.
            place = -3 if wire[-3:-2] == b"=" else -1
            wire = wire[:place] + b"=\n" + wire[place:]
        wire += b"=\n"
    if wire.startswith(b".") or b"\n." in wire:
        # On lines of their own, so that none becomes too long.
        wire = DOTS.sub(lambda dots: b"=2E=\n" * len(dots[0]), wire)
    return wire.replace(b"\n", b"\r\n")


def decoded(wire: bytes) -> str:
    """Give the text of joined pieces back."""
    return a2b_qp(wire).decode().replace("\r\n", "\n")


@lru_cache(maxsize=4096)
def unstructured(name: str, text: str) -> str:
    """Write a header of free text, such as Subject, folded; no line end."""
    room = LINE - len(name) - 2
    # An endless word cannot be folded but as an encoded-word.
    if not _is_plain(text) or max(map(len, text.split(" "))) > room:
        return f"{name}: {_encoded_words(text, len(name) + 2)}"
    if len(text) <= room:
        return f"{name}: {text}"
    lines = textwrap.wrap(f"{name}: {text}", LINE - 1, break_on_hyphens=False)
    return "\r\n ".join(lines)


def mailbox(name: str, display: str, address: str) -> str:
    """Write a header with one ASCII address, such as To, folded; no line end."""
    if not display:
        return f"{name}: {address}"
    if not _is_plain(display):
        phrase = _encoded_words(display, len(name) + 2)
    elif PLAIN_NAME.fullmatch(display):
        phrase = display
    else:
        quoted = display.replace("\\", "\\\\").replace('"', '\\"')
        phrase = f'"{quoted}"'
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


def _is_plain(text: str) -> bool:
    """Say whether text can stand in a header as it is, and be read as it is."""
    return text.isascii() and text.isprintable() and "=?" not in text


def _encoded_words(text: str, used: int) -> str:
    """Write text as RFC 2047 encoded-words, one a line; *used* columns are taken of the first.

    No word is longer than its line allows and none cuts a character (sections 2 and 5).
    """
    lines = [""]
    room = LINE - used - len(f"{WORD_BEGIN}{WORD_END}")
    for sign in text:
        code = sign if sign in PLAIN_SIGNS else "".join(f"={byte:02X}" for byte in sign.encode())
        if len(lines[-1]) + len(code) > room:
            lines.append("")
            room = LINE - len(f" {WORD_BEGIN}{WORD_END}")
        lines[-1] += "_" if sign == " " else code
    return "\r\n ".join(f"{WORD_BEGIN}{line}{WORD_END}" for line in lines)
