"""Digests and their picks: the ledger of who was sent what, and what it looked like."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from digest.model import (
    Day,
    Delivery,
    Digest,
    DigestState,
    Pick,
    Subscriber,
)
from digest.store import mentions
from digest.store.database import chunks, upsert
from digest.store.letters import DAY, chosen, letter_row
from digest.store.outbox import insert_deliveries
from digest.store.schema import CONFIRMED, digests, items, picks, subscribers
from digest.store.shelf import Shelf, Shown

PLAIN = tuple(part.name for part in fields(Digest) if part.name not in {"day", "picks", "mentions"})
PICK = tuple(name for name in Pick._fields if name not in {"item", "said", "sentences"})


def sent_item_ids(
    connection: Connection, subscriber_ids: Collection[str], since: datetime
) -> dict[str, set[str]]:
    """Give for each subscriber the items sent before, of those eligible since then."""
    sent: dict[str, set[str]] = {subscriber_id: set() for subscriber_id in subscriber_ids}
    for chunk in chunks(subscriber_ids):
        rows = connection.execute(
            select(picks.c.subscriber_id, picks.c.item_id)
            .join(items, items.c.id == picks.c.item_id)
            .where(picks.c.subscriber_id.in_(chunk), items.c.eligible_at >= since)
        )
        for subscriber_id, item_id in rows:
            sent[subscriber_id].add(item_id)
    return sent


def record_digests(
    connection: Connection,
    composed: Sequence[Digest],
    deliveries: Mapping[str, Delivery],
    next_digest_at: Mapping[str, datetime],
    readers: Mapping[str, Subscriber] | None = None,
) -> int:
    """Store digests, their picks, their deliveries and the next due times: all, or none.

    Only what still holds is stored.  A second digest of one edition is dropped whole, and so
    is one for somebody who left meanwhile.  A pick that another digest has brought by now is
    dropped from this one; a digest that loses all its picks so is HELD, without a delivery.

    Args:
        connection: of a transaction that writes.
        composed: at most one for a subscriber.
        deliveries: by digest id, for each that is COMPOSED.
        next_digest_at: by subscriber id, for everyone who was looked at.
        readers: by subscriber id, whose wishes are frozen with what goes out.

    Returns:
        how many digests were stored.
    """
    confirmed = _lock_confirmed(connection, next_digest_at)
    wanted = [digest for digest in composed if digest.subscriber_id in confirmed]
    kept = _without_sent(connection, wanted)
    known = readers or {}
    rows = [
        _row(digest, shown, known.get(digest.subscriber_id)) | {"mentions": named}
        for digest, shown, named in kept
    ]
    add = upsert(connection, digests).on_conflict_do_nothing().returning(digests.c.id)
    stored_ids = set(connection.scalars(add, rows)) if rows else set()
    stored = [(digest, shown) for digest, shown, _ in kept if digest.id in stored_ids]
    if pick_rows := [row for digest, shown in stored for row in _pick_rows(digest, shown)]:
        connection.execute(insert(picks), pick_rows)
    going_out = [digest for digest, _ in stored if digest.state is DigestState.COMPOSED]
    insert_deliveries(connection, [deliveries[digest.id] for digest in going_out])
    _move_on(connection, next_digest_at, going_out)
    return len(stored)


def load_digests(connection: Connection, ids: Collection[str]) -> dict[str, Digest]:
    """Give digests by id, every item as it stood when the digest was recorded."""
    rows = (
        row
        for chunk in chunks(ids)
        for row in connection.execute(select(digests).where(digests.c.id.in_(chunk)))
    )
    return {one.id: one for one in _digests(connection, list(rows))}


def digests_of(connection: Connection, subscriber_id: str, limit: int) -> list[Digest]:
    """Give a subscriber's last digests, newest first, HELD ones too."""
    rows = connection.execute(
        select(digests)
        .where(digests.c.subscriber_id == subscriber_id)
        .order_by(digests.c.edition.desc())
        .limit(limit)
    ).all()
    return _digests(connection, rows)


# --- recording --------------------------------------------------------------------------


def _lock_confirmed(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Give those who still want mail; nobody else records digests for them until we end."""
    confirmed = (
        select(subscribers.c.id).where(CONFIRMED).order_by(subscribers.c.id).with_for_update()
    )
    return {
        subscriber_id
        for chunk in chunks(sorted(ids))
        for subscriber_id in connection.scalars(confirmed.where(subscribers.c.id.in_(chunk)))
    }


def _without_sent(
    connection: Connection, composed: Sequence[Digest]
) -> list[tuple[Digest, list[Shown], list[mentions.Row]]]:
    """Take out the picks that the ledger has by now; say what the others show, and the rest."""
    picked = {pick.item.id for one in composed for pick in one.picks}
    named = {mention.item.id for one in composed for mention in one.mentions}
    shown_by_id = _lock_shown(connection, picked | named)
    sent = _ledger(
        connection,
        {digest.subscriber_id for digest in composed},
        {shown_by_id[item_id][0] for item_id in picked},
    )
    kept: list[tuple[Digest, list[Shown], list[mentions.Row]]] = []
    for digest in composed:
        had = sent[digest.subscriber_id]
        going: list[Pick] = []
        shown: list[Shown] = []
        for pick in digest.picks:
            now_shown = shown_by_id[pick.item.id]
            if now_shown[0] not in had:
                had.add(now_shown[0])
                shown.append(now_shown)
                place = len(shown)
                going.append(pick if pick.place == place else pick._replace(place=place))
        state = digest.state if going else DigestState.HELD
        rows = mentions.to_rows(digest.mentions, shown_by_id, shown) if going else []
        kept.append((replace(digest, picks=tuple(going), state=state), shown, rows))
    return kept


def _lock_shown(connection: Connection, item_ids: Collection[str]) -> dict[str, Shown]:
    """Give for each item what a digest recorded now shows: the survivor, if it was merged.

    Nobody revises or merges these items until we end.
    """
    found = {
        row.id: row
        for chunk in chunks(sorted(item_ids))
        for row in connection.execute(
            select(items.c.id, items.c.merged_into, items.c.revision)
            .where(items.c.id.in_(chunk))
            .order_by(items.c.id)
            .with_for_update(read=True)
        )
    }
    survivors = {row.merged_into for row in found.values() if row.merged_into} - found.keys()
    revisions = {item_id: row.revision for item_id, row in found.items()}
    if survivors:
        revisions |= {key: shown[1] for key, shown in _lock_shown(connection, survivors).items()}
    living = {item_id: row.merged_into or item_id for item_id, row in found.items()}
    return {item_id: (target, revisions[target]) for item_id, target in living.items()}


def _ledger(
    connection: Connection, subscriber_ids: Collection[str], item_ids: Collection[str]
) -> defaultdict[str, set[str]]:
    sent: defaultdict[str, set[str]] = defaultdict(set)
    for people in chunks(subscriber_ids):
        for works in chunks(item_ids):
            rows = connection.execute(
                select(picks.c.subscriber_id, picks.c.item_id).where(
                    picks.c.subscriber_id.in_(people), picks.c.item_id.in_(works)
                )
            )
            for subscriber_id, item_id in rows:
                sent[subscriber_id].add(item_id)
    return sent


def _row(digest: Digest, shown: Sequence[Shown], reader: Subscriber | None) -> dict[str, Any]:
    plain = {name: getattr(digest, name) for name in PLAIN}
    letter = letter_row(digest, shown, reader) if reader and digest.picks else None
    return plain | {name: getattr(digest.day, name) for name in DAY} | {"letter": letter}


def _pick_rows(digest: Digest, shown: Sequence[Shown]) -> list[dict[str, Any]]:
    return [
        {name: getattr(pick, name) for name in PICK}
        | {
            "digest_id": digest.id,
            "subscriber_id": digest.subscriber_id,
            "item_id": item_id,
            "shown_id": item_id,
            "shown_revision": revision,
        }
        for pick, (item_id, revision) in zip(digest.picks, shown, strict=True)
    ]


def _move_on(
    connection: Connection, next_digest_at: Mapping[str, datetime], going_out: Sequence[Digest]
) -> None:
    """Set when each subscriber is due next, and until when those who get mail were served."""
    composed_at = {digest.subscriber_id: digest.composed_at for digest in going_out}
    rows = [
        {"row_id": subscriber_id, "due_at": due_at, "served_at": composed_at.get(subscriber_id)}
        for subscriber_id, due_at in sorted(next_digest_at.items())
    ]
    if rows:
        served_at = bindparam("served_at", type_=subscribers.c.last_digest_at.type)
        connection.execute(
            update(subscribers)
            .where(subscribers.c.id == bindparam("row_id"))
            .values(
                next_digest_at=bindparam("due_at"),
                claimed_by=None,
                last_digest_at=func.coalesce(served_at, subscribers.c.last_digest_at),
            ),
            rows,
        )


# --- reading ----------------------------------------------------------------------------


SHOWN = (
    picks.c.digest_id,
    picks.c.shown_id,
    picks.c.shown_revision,
    picks.c.upvotes,
    picks.c.comments,
    picks.c.item_id,
    picks.c.place,
    picks.c.score,
    picks.c.interest,
    picks.c.reasons,
)


def _digests(connection: Connection, rows: Sequence[Row[Any]]) -> list[Digest]:
    """Read digests from rows, with their picks."""
    pick_rows = [
        row
        for chunk in chunks(row.id for row in rows)
        # In the order of the key, so that nothing is sorted.
        for row in connection.execute(
            select(*SHOWN)
            .where(picks.c.digest_id.in_(chunk))
            .order_by(picks.c.digest_id, picks.c.place)
        )
    ]
    day_of = {row.id: row.composed_at.date() for row in rows}
    chosen_of = {row.id: chosen(row.letter) for row in rows}
    looks = [(*row[1:6], day_of[row[0]]) for row in pick_rows]
    named = {row.id: mentions.looks_of(row.mentions, day_of[row.id]) for row in rows}
    seen = Shelf().fetch(connection, {*looks, *chain.from_iterable(named.values())})
    picks_of: defaultdict[str, list[Pick]] = defaultdict(list)
    for row, look in zip(pick_rows, looks, strict=True):
        said, sentences = chosen_of[row.digest_id].get(row.place, (None, None))
        picks_of[row.digest_id].append(
            Pick(
                place=row.place,
                item=seen[look],
                score=row.score,
                interest=row.interest,
                reasons=row.reasons,
                upvotes=row.upvotes,
                comments=row.comments,
                said=said,
                sentences=sentences,
            )
        )
    return [
        Digest(
            picks=tuple(picks_of[row["id"]]),
            mentions=mentions.from_rows(row["mentions"], [seen[look] for look in named[row["id"]]]),
            day=Day(**{name: row[name] for name in DAY}),
            **{name: row[name] for name in PLAIN},
        )
        for row in (row._mapping for row in rows)
    ]
