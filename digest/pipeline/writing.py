"""Claimed deliveries to finished messages: load what they say, build each."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from digest.compose.message import MessageBuilder
from digest.errors import RenderError
from digest.model import Addressee, Delivery, Message
from digest.store import digests as digest_store
from digest.store import subscribers
from digest.store.database import Database
from digest.store.letters import Letter, Letters

logger = logging.getLogger(__name__)


class Loaded(NamedTuple):
    """A batch of deliveries with what their messages are made of.

    Attributes:
        letters: by digest id.
        readers: of notices, by subscriber id.
    """

    deliveries: Sequence[Delivery]
    letters: Mapping[str, Letter]
    readers: Mapping[str, Addressee]


class Desk:
    """Writes messages, and keeps what those of one run share; used by one thread at a time."""

    def __init__(self, database: Database, builder: MessageBuilder) -> None:
        self._database = database
        self._builder = builder
        self._letters = Letters()

    def load(self, batch: Sequence[Delivery]) -> Loaded:
        """Read what a batch of deliveries is made of."""
        digest_ids = {one.digest_id for one in batch if one.digest_id}
        with self._database.read() as connection:
            letters = self._letters.read(connection, digest_ids)
            others = {
                one.subscriber_id
                for one in batch
                if one.subscriber_id and one.digest_id not in letters
            }
            readers = subscribers.get_subscribers(connection, others)
            # What another version of the program composed has no letter.
            older = digest_store.load_digests(connection, digest_ids - letters.keys())
        letters |= {
            one.id: Letter(one, readers[one.subscriber_id])
            for one in older.values()
            if one.subscriber_id in readers
        }
        return Loaded(batch, letters, readers)

    def write(self, loaded: Loaded) -> Iterator[Message]:
        """Build the messages of a batch one by one, as they are asked for.

        Left out is what cannot be rendered, and whoever was erased since the claim.
        """
        for delivery in loaded.deliveries:
            letter = loaded.letters.get(delivery.digest_id or "")
            reader = loaded.readers.get(delivery.subscriber_id or "")
            try:
                if letter:
                    yield self._builder.build(delivery, *letter)
                elif reader and delivery.digest_id is None:
                    yield self._builder.notice(delivery, reader)
            except RenderError:
                logger.exception("message not rendered: delivery=%s", delivery.id)
