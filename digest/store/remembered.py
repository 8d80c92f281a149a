"""Which addresses are remembered by a keyed hash, though nothing else of them is kept."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from digest.store.database import chunks
from digest.store.schema import subscribers, suppressions
from digest.store.subscriber_rows import address_key

Hashes = Callable[[str], tuple[str, ...]]
"""Gives the hash of an address under every key, the newest key's first."""


class Memory(NamedTuple):
    """Why an address is remembered, and since when if that is known."""

    reason: str
    since: datetime | None


class KeptAway(NamedTuple):
    """An address that the settings file lists and that gets no mail, why, and since when."""

    address: str
    reason: str
    since: datetime | None


def remembered(
    connection: Connection, addresses: Collection[str], hashes: Hashes
) -> dict[str, Memory]:
    """Give those of some addresses whose reader left, bounced, complained or refused."""
    address_by_hash = {one: address for address in addresses for one in hashes(address)}
    found: dict[str, Memory] = {}
    for chunk in chunks(address_by_hash):
        rows = connection.execute(
            select(suppressions).where(suppressions.c.address_hash.in_(chunk))
        )
        for row in rows:
            found[address_by_hash[row.address_hash]] = Memory(row.reason, row.since)
    return found


def why_away(
    connection: Connection, addresses: Collection[str], hashes: Hashes | None
) -> list[KeptAway]:
    """Say why addresses of the settings file are kept away: by their hash, else by their row."""
    memories = remembered(connection, addresses, hashes) if hashes else {}
    address_by_key = {address_key(one): one for one in addresses}
    for chunk in chunks(address_by_key):
        rows = connection.execute(
            select(subscribers.c.email_key, subscribers.c.status, subscribers.c.ended_at).where(
                subscribers.c.email_key.in_(chunk)
            )
        )
        for row in rows:
            memory = Memory(str(row.status), row.ended_at)
            memories.setdefault(address_by_key[row.email_key], memory)
    return [KeptAway(one, *memories[one]) for one in addresses if one in memories]
