"""Which items ranking learned its statistics from, so that every process learns the same."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from digest.store.database import upsert
from digest.store.schema import fits, profiles

KEPT = 2
"""Processes still at the version before the newest one may look it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One choice of items.

    Attributes:
        version: counts up from 1.
        constants: names the constants of ranking that were in force.
        stored: how many items there were to choose from.
        item_ids: those chosen, in the order in which they are learned from.
    """

    version: int
    at: datetime
    constants: str
    stored: int
    item_ids: tuple[str, ...]


def newest_fit(connection: Connection) -> Fit | None:
    """Give the newest choice; None before the first one."""
    row = connection.execute(select(fits).order_by(fits.c.version.desc()).limit(1)).first()
    return Fit(**row._mapping) if row else None


def newest_version(connection: Connection) -> int:
    """Give the number of the newest choice, 0 before the first one."""
    found = connection.scalar(select(fits.c.version).order_by(fits.c.version.desc()).limit(1))
    return found or 0


def add_fit(connection: Connection, fit: Fit) -> None:
    """Add a choice; where another process was first with this version, its own stands.

    What was kept of profiles for a version long gone goes with it.
    """
    values = {name: getattr(fit, name) for name in fits.c.keys()}  # noqa: SIM118 - of a table
    connection.execute(upsert(connection, fits).values(values).on_conflict_do_nothing())
    for table in (fits, profiles):
        connection.execute(delete(table).where(table.c.version <= fit.version - KEPT))
