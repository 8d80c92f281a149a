"""What the race and kill tests run in processes of their own: `python -m tests.store.workers`.

Each command writes what it did to standard output, a line at a time.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from digest.store.database import Database
from digest.store.digests import record_digests
from digest.store.items import candidates
from digest.store.outbox import claim_due_deliveries
from digest.store.subscribers import claim_due_subscribers, list_subscribers
from tests.store.makers import LATER, LEASE, NOW, make_delivery, make_digest, store_source

THREADS = 4
BATCH = 20


def claim(url: str) -> None:
    """Claim everything that is due with some threads, and print the ids.

    Starts when a line comes in, so that two processes begin at once.
    """
    database = Database(url)
    print("ready", flush=True)
    sys.stdin.readline()

    def claim_all(claim_some) -> list[str]:
        ids: list[str] = []
        while True:
            with database.write() as connection:
                batch = claim_some(connection, NOW, LEASE, BATCH)
            if not batch:
                return ids
            ids += [one.id for one in batch]

    with ThreadPoolExecutor(THREADS) as threads:
        for claim_some in (claim_due_deliveries, claim_due_subscribers):
            for ids in threads.map(claim_all, [claim_some] * THREADS):
                print(*ids, sep="\n", flush=True)


def record(url: str) -> None:
    """Record the digests of one subscriber after the other, each item an edition of its own."""
    database = Database(url)
    with database.read() as connection:
        subscribers = list_subscribers(connection)
        items = candidates(connection, NOW)
    for day, item in enumerate(items):
        for subscriber in subscribers:
            edition = (NOW + timedelta(days=day)).date()
            digest = make_digest(subscriber, [item], edition=edition)
            with database.write() as connection:
                record_digests(
                    connection,
                    [digest],
                    {digest.id: make_delivery(digest)},
                    {subscriber.id: LATER},
                )
            print(digest.id, flush=True)


def write_half(url: str) -> None:
    """Write without end in one transaction."""
    database = Database(url)
    with database.write() as connection:
        for number in range(10**6):
            store_source(connection, f"source-{number}")
            print(number, flush=True)


def upgrade(url: str) -> None:
    """Upgrade a database when a line comes in."""
    database = Database(url)
    print("ready", flush=True)
    sys.stdin.readline()
    database.upgrade()
    database.close()


if __name__ == "__main__":
    {"claim": claim, "record": record, "write_half": write_half, "upgrade": upgrade}[sys.argv[1]](
        sys.argv[2]
    )
