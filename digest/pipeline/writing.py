"""Claimed deliveries to finished messages: load what they say, build each."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from digest.compose.message import MessageBuilder
from digest.errors import RenderError
from digest.model import Delivery, Digest, Message, Subscriber
from digest.store import digests as digest_store
from digest.store import subscribers
from digest.store.database import Database
from digest.store.shelf import Shelf

logger = logging.getLogger(__name__)


class Loaded(NamedTuple):
    """A batch of deliveries with what their messages are made of, by id."""

    deliveries: Sequence[Delivery]
    digests: Mapping[str, Digest]
    readers: Mapping[str, Subscriber]


class Desk:
    """Writes messages, and keeps what those of one run share; used by one thread at a time."""

    def __init__(self, database: Database, builder: MessageBuilder) -> None:
        self._database = database
        self._builder = builder
        self._shelf = Shelf()

    def load(self, batch: Sequence[Delivery]) -> Loaded:
        """Read what a batch of deliveries is made of."""
        digest_ids = [one.digest_id for one in batch if one.digest_id]
        subscriber_ids = [one.subscriber_id for one in batch if one.subscriber_id]
        with self._database.read() as connection:
            digests = digest_store.load_digests(connection, digest_ids, self._shelf, in_full=False)
            readers = subscribers.get_subscribers(connection, subscriber_ids)
        return Loaded(batch, digests, readers)

    def write(self, loaded: Loaded) -> Iterator[Message]:
        """Build the messages of a batch one by one, as they are asked for.

        Left out is what cannot be rendered, and whoever was erased since the claim.
        """
        for delivery in loaded.deliveries:
            digest = loaded.digests.get(delivery.digest_id or "")
            reader = loaded.readers.get(delivery.subscriber_id or "")
            if reader is None:
                continue
            try:
                if digest:
                    yield self._builder.build(delivery, digest, reader)
                else:
                    yield self._builder.notice(delivery, reader)
            except RenderError:
                logger.exception("message not rendered: delivery=%s", delivery.id)
