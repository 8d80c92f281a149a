"""Reads an SMTP server's replies out of the bytes that arrive.

Values only: bytes in, answers out.  What is too long or no reply at all is an error at once.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

LONGEST_LINE = 8192  # 16 times what RFC 5321 section 4.5.3.1.5 allows a server
LONGEST_REPLY = 32_768


class Answer(NamedTuple):
    """One reply as read: code, and the lines' texts joined by line feeds."""

    code: int
    text: bytes


class WireError(Exception):
    """The other side does not speak SMTP, or speaks it no longer."""


class Replies:
    """Cuts received bytes into replies, however they were split on the way."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._code = b""
        self._size_bytes = 0

    def feed(self, received: bytes) -> Iterator[Answer]:
        """Take received bytes and give the replies that they complete, one after another.

        Raises:
            WireError: a line is no reply line, or a line or reply is too long.  The replies
                before it were given.

        Source: RFC 5321 section 4.2.1.
        """
        *lines, self._rest = (self._rest + received).split(b"\n")
        for line in lines:
            if (answer := self._add(line)) is not None:
                yield answer
        if len(self._rest) > LONGEST_LINE:
            raise WireError("a reply line is too long")

    def _add(self, line: bytes) -> Answer | None:
        code, mark, text = _parts(line)
        if self._lines and code != self._code:
            raise WireError("the lines of a reply have different codes")
        self._size_bytes += len(line)
        if self._size_bytes > LONGEST_REPLY:
            raise WireError("a reply is too long")
        self._code = code
        self._lines.append(text)
        if mark == b"-":
            return None
        answer = Answer(int(code), b"\n".join(self._lines))
        self._lines = []
        self._size_bytes = 0
        return answer


@lru_cache(maxsize=64)
def _parts(line: bytes) -> tuple[bytes, bytes, bytes]:
    """Give a reply line's code, mark and text; a server says the same few again and again."""
    line = line.rstrip(b"\r ")
    code, mark, text = line[:3], line[3:4], line[4:]
    if not (code.isdigit() and len(code) == 3 and b"2" <= code < b"6" and mark in b"- "):
        raise WireError("a reply line does not begin with a code")
    return code, mark, text


def cleaned(text: bytes) -> str:
    """Give a reply's text on one line, without control characters, at most 500 characters."""
    decoded = text[:2000].decode("utf-8", "replace").replace("\n", " ")
    if decoded.isprintable():
        return decoded[:500]
    return "".join(filter(str.isprintable, decoded))[:500]
