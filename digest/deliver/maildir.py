"""The mailbox that bounces come to: a Maildir, as every mail server can fill one."""

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
