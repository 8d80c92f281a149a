"""Saved listings: a file, or the newest of a folder, with its hash as validator.

No network here, and nothing is ever written.
"""

import hashlib
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from digest.errors import FetchError
from digest.model import Validators

FILE_LIMIT_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedListing:
    """A file as it was read.

    Attributes:
        content: None = the same bytes as when the validators were given.
        saved_at: the file's own time; the listing was captured then or before.
    """

    content: bytes | None
    validators: Validators
    saved_at: datetime


def is_file(url: str) -> bool:
    """Say whether a source's url is a path or a `file:` address, not one to connect to."""
    scheme = urlsplit(url).scheme
    # One letter is a drive, not a scheme.
    return scheme == "file" or len(scheme) <= 1 or not url[len(scheme) :].startswith("://")


def read(url: str, validators: Validators) -> SavedListing:
    """Read a saved listing; of a folder the file changed last (of equals the last by name).

    Args:
        url: path or `file:` address of a file or folder; `~` is the home folder.
        validators: of the last read.

    Raises:
        FetchError: there is nothing to read, or too much.
    """
    path = _path(url)
    try:
        if path.is_dir():
            path = _newest(path)
        content, saved_at = _read(path)
    except OSError as error:
        raise FetchError(f"{path}: {error.strerror or error}", permanent=True) from error
    given = Validators(etag=hashlib.sha256(content).hexdigest())
    return SavedListing(
        content=None if given == validators else content, validators=given, saved_at=saved_at
    )


def _path(url: str) -> Path:
    address = urlsplit(url)
    if address.scheme != "file":
        return Path(url).expanduser()
    if address.netloc not in ("", "localhost"):
        raise FetchError(
            f"{url}: a file address names no other host, write file:///path", permanent=True
        )
    return Path(url2pathname(address.path))


def _newest(folder: Path) -> Path:
    files = [
        (entry.stat().st_mtime_ns, entry.name)
        for entry in os.scandir(folder)
        if entry.is_file() and not entry.name.startswith(".")
    ]
    if not files:
        raise FetchError(f"{folder}: the folder holds no file", permanent=False)
    return folder / max(files)[1]


def _read(path: Path) -> tuple[bytes, datetime]:
    # Asked before opening: a pipe would wait for its writer, a device might never end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise FetchError(f"{path}: is not a regular file", permanent=True)
    with path.open("rb") as file:
        saved_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        content = file.read(FILE_LIMIT_BYTES + 1)
    if len(content) > FILE_LIMIT_BYTES:
        raise FetchError(f"{path}: is over {FILE_LIMIT_BYTES} bytes: refused", permanent=True)
    return content, saved_at
