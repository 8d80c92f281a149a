"""Saved listings: a file, the files of a folder or the mails of a Maildir, newest first.

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
# Of a folder so many files are read, and so much of them in all.
MAX_FILES = 200
FOLDER_LIMIT_BYTES = 64 * 1024 * 1024
# What makes a folder a Maildir: mails wait in "new", and stand in "cur" once they were seen.
MAILDIR = ("new", "cur")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file as it was read.

    Attributes:
        saved_at: the file's own time; the listing was captured then or before.
    """

    name: str
    content: bytes
    saved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a path held.

    Attributes:
        documents: newest first; None = the same as when the validators were given.
    """

    documents: tuple[Document, ...] | None
    validators: Validators


def is_file(url: str) -> bool:
    """Say whether a source's url is a path or a `file:` address, not one to connect to."""
    scheme = urlsplit(url).scheme
    # One letter is a drive, not a scheme.
    return scheme == "file" or len(scheme) <= 1 or not url[len(scheme) :].startswith("://")


def read(url: str, validators: Validators) -> Saved:
    """Read a saved listing, or those of a folder, the one changed last first.

    Args:
        url: path or `file:` address of a file, folder or Maildir; `~` is the home folder.
        validators: of the last read.

    Raises:
        FetchError: there is nothing to read, or too much.
    """
    path = _path(url)
    try:
        documents = _read_folder(path) if path.is_dir() else (_read(path),)
    except OSError as error:
        raise FetchError(f"{path}: {error.strerror or error}", permanent=True) from error
    hashed = hashlib.sha256()
    for document in documents:
        hashed.update(hashlib.sha256(document.content).digest())
    given = Validators(etag=hashed.hexdigest())
    return Saved(documents=None if given == validators else documents, validators=given)


def _path(url: str) -> Path:
    address = urlsplit(url)
    if address.scheme != "file":
        return Path(url).expanduser()
    if address.netloc not in ("", "localhost"):
        raise FetchError(
            f"{url}: a file address names no other host, write file:///path", permanent=True
        )
    return Path(url2pathname(address.path))


def _read_folder(folder: Path) -> tuple[Document, ...]:
    """Read a folder's newest files (of equals the last by name first), within the limits."""
    mailboxes = [folder / name for name in MAILDIR if (folder / name).is_dir()]
    files = sorted(
        (entry.stat().st_mtime_ns, entry.name, entry.path)
        for place in (mailboxes if len(mailboxes) == len(MAILDIR) else [folder])
        for entry in os.scandir(place)
        if entry.is_file() and not entry.name.startswith(".")
    )
    if not files:
        raise FetchError(f"{folder}: the folder holds no file", permanent=False)
    documents: list[Document] = []
    left_bytes = FOLDER_LIMIT_BYTES
    for *_, path in files[: -MAX_FILES - 1 : -1]:
        document = _read(Path(path))
        left_bytes -= len(document.content)
        if left_bytes < 0:
            break
        documents.append(document)
    return tuple(documents)


def _read(path: Path) -> Document:
    # Asked before opening: a pipe would wait for its writer, a device might never end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise FetchError(f"{path}: is not a regular file", permanent=True)
    with path.open("rb") as file:
        saved_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        content = file.read(FILE_LIMIT_BYTES + 1)
    if len(content) > FILE_LIMIT_BYTES:
        raise FetchError(f"{path}: is over {FILE_LIMIT_BYTES} bytes: refused", permanent=True)
    return Document(name=path.name, content=content, saved_at=saved_at)
