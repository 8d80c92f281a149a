"""The mailbox that bounces come to: a Maildir, as every mail server can fill one."""

import os
from collections.abc import Generator
from pathlib import Path

from digest.deliver.bounces import LONGEST_MAIL_BYTES
from digest.errors import TransportError

READ_AT_ONCE = 500


class Maildir:
    """New mails of a Maildir; what was read is kept in `cur`, marked as seen.

    Args:
        folder: holds `new` and `cur`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def unread(self) -> Generator[tuple[str, bytes], None, None]:
        """Give up to `READ_AT_ONCE` new mails, oldest first: name and the bytes that count.

        Raises:
            TransportError: the folder cannot be read.
        """
        try:
            found = sorted((self._folder / "new").iterdir(), key=lambda path: path.name)
            for path in found[:READ_AT_ONCE]:
                # A link or a pipe is no mail; whoever fills the folder may not be ours.
                if path.is_file() and not path.is_symlink():
                    with path.open("rb") as mail:
                        yield path.name, mail.read(LONGEST_MAIL_BYTES)
        except OSError as error:
            raise TransportError(
                f"bounces: {self._folder}: {error.strerror or error}, check bounces.maildir",
                permanent=True,
            ) from error

    def check(self) -> str:
        """Look without touching a mail; say in one line what was found.

        Raises:
            TransportError: the folder cannot be read or written.
        """
        folders = [self._folder / name for name in ("new", "cur")]
        if not all(os.access(folder, os.R_OK | os.W_OK | os.X_OK) for folder in folders):
            raise TransportError(
                f"bounces: {self._folder}: no Maildir that we may read and write,"
                " check bounces.maildir",
                permanent=True,
            )
        return f"{self._folder}: {sum(1 for _ in folders[0].iterdir())} new"

    def mark_read(self, name: str) -> None:
        """Keep a mail as read; one that is gone already was read by somebody else."""
        try:
            (self._folder / "new" / name).rename(self._folder / "cur" / f"{name}:2,S")
        except FileNotFoundError:
            return
        except OSError as error:
            raise TransportError(
                f"bounces: {self._folder}: {error.strerror or error}, check bounces.maildir",
                permanent=True,
            ) from error
