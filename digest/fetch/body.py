"""The body of an HTTP answer, decoded while it arrives and never beyond its bounds.

No network here: it is fed with chunks and says when a body has gone too far.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli
from backports import zstd

from digest.errors import FetchError

# What a body may come in; a second encoding around the first is refused.
ACCEPTED_ENCODINGS = "gzip, deflate, br, zstd"
# Text seldom packs below a fiftieth; deflate reaches 1:1030 and brotli far more.
RATIO_LIMIT = 200
# A short body of blanks may pack any way it likes.
RATIO_FREE_BYTES = 1024 * 1024
# RFC 9659: a zstd window of 8 MB is the most that HTTP allows.
ZSTD_WINDOW_LOG = 23
# Decoding pauses for the limits after so many bytes.
STEP_BYTES = 64 * 1024


class Body:
    """A body under construction: feed it every chunk, then take `content`.

    Args:
        encoding: the Content-Encoding header, "" where there is none.
        limit_bytes: most bytes after decoding.

    Raises:
        FetchError: the encoding is unknown or nested.
    """

    def __init__(self, encoding: str, limit_bytes: int) -> None:
        self._decoder = _decoder(encoding)
        self._limit_bytes = limit_bytes
        self._received_bytes = 0
        self._decoded = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take what arrived.

        Raises:
            FetchError: the body is too long, blown up, or not encoded as it says.
        """
        self._received_bytes += len(chunk)
        try:
            for piece in self._decoder.pieces(chunk):
                self._decoded += piece
                self._check_bounds()
        except (zlib.error, brotli.error, zstd.ZstdError) as error:
            raise FetchError(f"body is not encoded as its header says: {error}") from error

    def content(self) -> bytes:
        """Give the whole decoded body, once everything was fed.

        Raises:
            FetchError: an encoded body was cut off.
        """
        if self._received_bytes and not self._decoder.is_finished():
            raise FetchError("body was cut off: its compressed form has no end")
        return bytes(self._decoded)

    def _check_bounds(self) -> None:
        decoded_bytes = len(self._decoded)
        if decoded_bytes > self._limit_bytes:
            raise FetchError(f"body is over {self._limit_bytes} bytes: refused", permanent=True)
        if decoded_bytes > max(RATIO_FREE_BYTES, RATIO_LIMIT * self._received_bytes):
            raise FetchError(
                f"body unpacks to over {RATIO_LIMIT} times its size: refused", permanent=True
            )


class _Decoder(Protocol):
    def pieces(self, chunk: bytes) -> Iterator[bytes]: ...

    def is_finished(self) -> bool: ...


class _Plain:
    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk

    def is_finished(self) -> bool:
        return True


class _Zlib:
    """gzip, and deflate in both forms: RFC 9110 section 8.4.1.2 means zlib, some send it raw."""

    def __init__(self, wbits: int | None = None) -> None:
        self._inflate = zlib.decompressobj(wbits) if wbits else None

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        if not chunk:
            return
        if self._inflate is None:
            # RFC 1950 section 2.2: the low half of a zlib header's first byte is always 8.
            is_zlib = chunk[0] & 0x0F == 8
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        while chunk:
            yield self._inflate.decompress(chunk, STEP_BYTES)
            if self._inflate.unused_data:
                raise FetchError("body goes on after its compressed form ended: refused")
            chunk = self._inflate.unconsumed_tail

    def is_finished(self) -> bool:
        return self._inflate is not None and self._inflate.eof


class _Brotli:
    def __init__(self) -> None:
        self._inflate = brotli.Decompressor()

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        # `can_accept_more_data` speaks of input alone; output may still be waiting.
        while piece := self._inflate.process(chunk, output_buffer_limit=STEP_BYTES):
            yield piece
            chunk = b""

    def is_finished(self) -> bool:
        return bool(self._inflate.is_finished())


class _Zstd:
    def __init__(self) -> None:
        self._inflate = zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
        )

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        if not chunk:
            return
        if self._inflate.eof:
            raise FetchError("body goes on after its compressed form ended: refused")
        yield self._inflate.decompress(chunk, STEP_BYTES)
        while not self._inflate.needs_input and not self._inflate.eof:
            yield self._inflate.decompress(b"", STEP_BYTES)
        if self._inflate.unused_data:
            raise FetchError("body goes on after its compressed form ended: refused")

    def is_finished(self) -> bool:
        return self._inflate.eof


def _decoder(encoding: str) -> _Decoder:
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return _Zlib(zlib.MAX_WBITS | 16)
        case "deflate":
            return _Zlib()
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
        case other:
            # A list of encodings ends here too: nested bombs pass any ratio limit.
            raise FetchError(f'content encoding "{other[:60]}" is not supported', permanent=True)
