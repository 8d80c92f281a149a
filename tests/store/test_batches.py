"""The cost of a batch: a handful of statements, each served by an index."""

import pytest
from sqlalchemy import Connection

from digest.model import AttemptOutcome, Interest
from digest.store.digests import load_digests, record_digests, sent_item_ids
from digest.store.items import candidates
from digest.store.outbox import claim_due_deliveries, outbox_counts, record_attempts
from digest.store.sources import claim_due_sources
from digest.store.subscribers import (
    claim_due_subscribers,
    feedback_of,
    get_subscribers,
    save_config_subscribers,
)
from tests.store.makers import (
    LATER,
    LEASE,
    NOW,
    make_attempt,
    make_delivery,
    make_digest,
    make_item,
    make_subscriber,
    store_items,
)

READERS, BATCH, PICKS = 2_000, 500, 3


def own_statements(statements) -> int:
    """Count what our functions sent, without what begins a transaction."""
    return len([one for one, _ in statements if not one.startswith(("PRAGMA", "BEGIN"))])


def test_subscribers_by_the_thousand_take_a_handful_of_statements_a_batch(database, recorded):
    items = [make_item(number) for number in range(PICKS)]
    store_items(database, items)
    wish = Interest(name="graphs", keywords=("graph",))
    everyone = [make_subscriber(f"r{n}", interests=(wish,)) for n in range(READERS)]
    with database.write() as connection:
        save_config_subscribers(connection, everyone, NOW)

    seen: set[str] = set()
    for _ in range(READERS // BATCH):
        with recorded() as composing:
            with database.write() as connection:
                batch = claim_due_subscribers(connection, NOW, LEASE, BATCH)
            ids = [one.id for one in batch]
            with database.read() as connection:
                sent_item_ids(connection, ids, NOW)
                feedback_of(connection, ids)
            digests = [make_digest(one, items) for one in batch]
            deliveries = {digest.id: make_delivery(digest) for digest in digests}
            with database.write() as connection:
                record_digests(connection, digests, deliveries, dict.fromkeys(ids, LATER))
        with recorded() as delivering:
            with database.write() as connection:
                claimed = claim_due_deliveries(connection, NOW, LEASE, BATCH)
            with database.read() as connection:
                loaded = load_digests(connection, [one.digest_id for one in claimed])
                get_subscribers(connection, [one.subscriber_id for one in claimed])
            attempts = [make_attempt(one, AttemptOutcome.SENT) for one in claimed]
            with database.write() as connection:
                record_attempts(connection, attempts)
        seen |= {digest.subscriber_id for digest in loaded.values()}
        assert own_statements(composing) <= 14
        assert own_statements(delivering) <= 12

    assert seen == {one.id for one in everyone}
    with database.read() as connection:
        assert outbox_counts(connection, LATER)["sent"] == READERS


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        pytest.param(
            lambda connection: claim_due_deliveries(connection, NOW, LEASE, 10),
            "ix_deliveries_due",
            id="deliveries",
        ),
        pytest.param(
            lambda connection: claim_due_subscribers(connection, NOW, LEASE, 10),
            "ix_subscribers_due",
            id="subscribers",
        ),
        pytest.param(
            lambda connection: claim_due_sources(connection, NOW, LEASE, 10),
            "ix_sources_next_check_at",
            id="sources",
        ),
        pytest.param(
            lambda connection: candidates(connection, NOW), "ix_items_eligible_at_id", id="items"
        ),
        pytest.param(
            lambda connection: sent_item_ids(connection, ["ada"], NOW), "uq_picks", id="ledger"
        ),
    ],
)
def test_index_serves_what_is_asked_most(database, recorded, ask, index):
    with database.write() as connection:
        with recorded() as statements:
            ask(connection)
        [statement, values] = statements[0]

        assert index in plan_of(connection, statement, values)


@pytest.mark.parametrize("claim", [claim_due_deliveries, claim_due_subscribers])
def test_those_who_are_due_at_one_instant_are_claimed_without_sorting_them(
    database, recorded, claim
):
    with database.write() as connection:
        with recorded() as statements:
            claim(connection, NOW, LEASE, 10)
        if connection.dialect.name == "postgresql":
            # An empty table is sorted sooner than read by an index; then only if it must be.
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        plan = plan_of(connection, *statements[0])

    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def plan_of(connection: Connection, statement: str, values: object) -> str:
    """Say how the engine would answer, were its tables large."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        # SQLite calls the index of a UNIQUE constraint by a number.
        return str(rows).replace("sqlite_autoindex_picks_2", "uq_picks")
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    return str(connection.exec_driver_sql(f"EXPLAIN {statement}", values).all())
