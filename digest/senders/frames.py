"""What we and a sender tell each other, and how it travels."""

import asyncio
import copyreg
import pickle
import struct
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Any, NamedTuple, TypeAlias

from digest.errors import DigestError
from digest.model import Attempt, Delivery, Reply

FRAME = struct.Struct("!Q")


class Begin(NamedTuple):
    """Begin a run: so many attempts, and one a connection, may be begun and not recorded."""

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
    written = BytesIO()
    _Pickler(written, pickle.HIGHEST_PROTOCOL).dump(value)
    return FRAME.pack(written.tell()) + written.getbuffer()


class Frames:
    """Cuts received bytes into values, however they were split on the way."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, received: bytes) -> Iterator[Any]:
        """Take received bytes and give the values that they complete, one after another."""
        rest = self._rest
        rest += received
        while len(rest) >= FRAME.size:
            end = FRAME.size + FRAME.unpack_from(rest)[0]
            if len(rest) < end:
                return
            value = pickle.loads(rest[FRAME.size : end])  # noqa: S301 our own process's frame
            del rest[:end]
            yield value


async def get(reader: asyncio.StreamReader) -> Any:  # noqa: ANN401 - whatever was put in
    """Give the next value.

    Raises:
        EOFError, OSError: the other side is gone.
    """
    (length,) = FRAME.unpack(await reader.readexactly(FRAME.size))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 our own process's frame


def _reducer(kind: type) -> Callable[[tuple[object, ...]], tuple[Any, ...]]:
    return lambda value: (kind, tuple(value))


class _Pickler(pickle.Pickler):
    """Writes what travels most at a half of what pickle takes for it."""

    dispatch_table = copyreg.dispatch_table | {
        kind: _reducer(kind) for kind in (Attempt, Delivery, Reply)
    }
