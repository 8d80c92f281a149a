"""The seams of the program on one page: what may be exchanged, and what it must do."""

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from digest.model import Fetched, Item, Message, Ranked, Reader, Reply, Source, Validators

Clock = Callable[[], datetime]
"""Gives the present instant, aware UTC."""


class Progress(Protocol):
    """Watches long work: a bar on a terminal, a watchdog in the service, nothing in a test."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Learn that *done* of *total* (None = not known beforehand) are through."""


class Fetcher(Protocol):
    """Reads a source: one polite, guarded GET (or a local file), then the right parser."""

    async def fetch(self, source: Source, validators: Validators) -> Fetched:
        """Read a source's listing.

        Raises:
            FetchError: it could not be read; ParseError: it is not what its kind promises.
        """


class Ranker(Protocol):
    """Scores items for readers.  Deterministic, and the same alone or in a batch."""

    def scores(self, readers: Sequence[Reader], items: Sequence[Item]) -> NDArray[np.float64]:
        """Score n items for m readers: [m, n], higher is better; muted items are -inf."""

    def rank(
        self,
        readers: Sequence[Reader],
        items: Sequence[Item],
        eligible: NDArray[np.bool_],
        limit: int,
    ) -> list[list[Ranked]]:
        """Give each reader's best items with reasons, best first, at most *limit*.

        Args:
            readers: m of them.
            items: n of them; equal scores keep this order.
            eligible: [m, n]; False keeps an item from a reader (sent before, too old).
            limit: at least 1; of a reader who wants fewer picks, the best of what had no
                place follow them, without reasons.
        """


class Mailbox(Protocol):
    """Where mail comes back to: a Maildir, or an account of an IMAP server."""

    def unread(self) -> Generator[tuple[str, bytes], None, None]:
        """Give some new mails, oldest first: a name for `mark_read`, and the bytes that count.

        Raises:
            TransportError: it cannot be read.
        """

    def check(self) -> str:
        """Try it without touching a mail, and say in one line what was found.

        Raises:
            TransportError: any of it failed.
        """

    def mark_read(self, name: str) -> None:
        """Keep a mail as read, while `unread` goes on; one that is gone does no harm.

        Raises:
            TransportError: it cannot be marked.
        """


class EmbeddingModel(Protocol):
    """Turns texts into vectors of meaning; safe to share between threads.

    Attributes:
        name: tells models apart; vectors of two names are never compared.
    """

    name: str

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give n texts as rows of unit length: [n, d].

        Raises:
            EmbeddingError: the model is out of reach or answered nonsense.
        """


class VectorShelf(Protocol):
    """Keeps what a model made, by the name of the text's content: 16-bit numbers, packed."""

    def load(self, model: str, contents: Sequence[str]) -> Mapping[str, bytes]:
        """Give the vectors that are known."""

    def save(self, model: str, vectors: Mapping[str, bytes]) -> None:
        """Keep vectors."""

    def note(self, model: str, error: str | None) -> None:
        """Note how the model just did, for the operator: None = it answered."""


class ProfileShelf(Protocol):
    """Keeps what is costly of readers' profiles, for one version of ranking's statistics."""

    def load(self, readers: Sequence[str]) -> Mapping[str, bytes]:
        """Give what is kept of readers, by their ids."""

    def save(self, borrowed: Mapping[str, bytes]) -> None:
        """Keep it, in place of what was kept of the same readers."""


class Transport(Protocol):
    """Takes messages over: an SMTP relay, or a folder of files."""

    connections: int

    async def send(self, message: Message, following: Message | None = None, /) -> Reply:
        """Hand one message over and say what the other side answered.

        Args:
            following: what the caller hands over next, or else withdraws; a relay may be told
                of it with the end of this one.

        Raises:
            TransportError: the relay as a whole is unusable; the message was not taken.
        """

    def withdraw(self, message: Message) -> None:
        """Take back a following message that is not handed over after all."""

    async def close(self) -> None:
        """End all connections in good order."""
