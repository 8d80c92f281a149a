"""What we and a sender tell each other, and how it travels."""

import asyncio
import pickle
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from digest.errors import DigestError
from digest.model import Delivery

FRAME = struct.Struct("!Q")


class Begin(NamedTuple):
    """Begin a run in which so many attempts may wait for being recorded."""

    unrecorded: int


class Give(NamedTuple):
    """Send these, each begun within so many seconds from now."""

    deliveries: Sequence[Delivery]
    seconds: float


class Recorded(NamedTuple):
    """So many more attempts are recorded."""

    attempts: int


class Finish(NamedTuple):
    """End the run when all is sent; or, at once, when what is in flight has ended."""

    at_once: bool


class Ended(NamedTuple):
    """The run has ended, early where there is an error."""

    error: DigestError | None = None


Order: TypeAlias = Begin | Give | Recorded | Finish


def frame(value: object) -> bytes:
    """Give a value as it travels."""
    content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return FRAME.pack(len(content)) + content


async def get(reader: asyncio.StreamReader) -> Any:  # noqa: ANN401 - whatever was put in
    """Give the next value.

    Raises:
        EOFError, OSError: the other side is gone.
    """
    (length,) = FRAME.unpack(await reader.readexactly(FRAME.size))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 our own process's frame
