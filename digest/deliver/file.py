"""Writes messages into a folder, one `.eml` file each: for previews, the demo and archives."""

import asyncio
import os
import re
import tempfile
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from pathlib import Path

from digest.errors import TransportError
from digest.model import Message, Reply

UNCLEAN = re.compile(r"[^A-Za-z0-9@._+-]+")


class FileTransport:
    """A folder that messages are put into, readable by this user alone.

    A message always gets the same file name, so handing it over twice leaves one file.

    Args:
        folder: made when the first message comes.
    """

    connections = 1

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: Message, _following: Message | None = None, /) -> Reply:
        """Write one message and say where it lies.

        Raises:
            TransportError: the folder cannot be written, or the disk is full.
        """
        path = self._folder / file_name(message)
        try:
            await asyncio.to_thread(_write, path, message.content)
        except OSError as error:
            raise TransportError(
                f"folder: {self._folder}: {error.strerror or error}, check deliver.folder"
            ) from error
        return Reply(code=250, text=f"written as {path.name}", relay=str(self._folder))

    def withdraw(self, message: Message) -> None:
        """Do nothing: nobody was told of it."""

    async def close(self) -> None:
        """Do nothing: every file is whole already."""


def file_name(message: Message) -> str:
    """Name a message's file: its day, its recipient, its delivery.

    Only letters, digits and `@._+-` are left of what came from outside, and no more than 150
    characters, so no recipient can lead out of the folder.
    """
    header = BytesHeaderParser().parsebytes(message.content, headersonly=True)
    try:
        day = parsedate_to_datetime(str(header["Date"])).strftime("%Y-%m-%d")
    except ValueError:
        day = "undated"
    recipient = UNCLEAN.sub("_", message.recipient)[:64]
    return f"{day}-{recipient}-{UNCLEAN.sub('_', message.delivery_id)[:64]}.eml"


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; durable when this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes the file 0600, under a name that nobody else has.
    number, unfinished = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
