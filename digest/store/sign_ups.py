"""Sign-ups: how many were let through lately, for one address, one network and in all.

The rows hold keyed hashes alone and are gone after a day.  A sign-up beyond a limit leaves no
row: whoever knocks on does not prolong the silence.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, true

from digest.model import new_id
from digest.store.database import SIGN_UPS_LOCK, advisory_lock
from digest.store.schema import sign_ups

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# One mail an address in so long, and so many a day; then silence.
ADDRESS_PAUSE = timedelta(minutes=15)
ADDRESS_A_DAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many sign-ups an hour are let through from one network, and in all."""

    per_network: int
    per_hour: int


def admit(
    connection: Connection, address_hash: str, network_hash: str, limits: Limits, now: datetime
) -> bool:
    """Let a sign-up through if no limit is reached, and count it.

    Args:
        connection: of a transaction that writes.
    """
    advisory_lock(connection, SIGN_UPS_LOCK)
    connection.execute(delete(sign_ups).where(sign_ups.c.at < now - DAY))
    of_address = sign_ups.c.address_hash == address_hash
    of_network = sign_ups.c.network_hash == network_hash
    if (
        _count(connection, of_address, now - ADDRESS_PAUSE) >= 1
        or _count(connection, of_address, now - DAY) >= ADDRESS_A_DAY
        or _count(connection, of_network, now - HOUR) >= limits.per_network
        or _count(connection, true(), now - HOUR) >= limits.per_hour
    ):
        return False
    row = {"at": now, "address_hash": address_hash, "network_hash": network_hash}
    connection.execute(insert(sign_ups), row | {"id": new_id(now)})
    return True


def _count(connection: Connection, which: ColumnElement[bool], since: datetime) -> int:
    counted = select(func.count()).select_from(sign_ups).where(which, sign_ups.c.at > since)
    return connection.scalar(counted) or 0
