"""A large installation for benchmarks: an archive of items, and subscribers with wishes."""

import random
from datetime import datetime, time, timedelta

from sqlalchemy import insert

from digest.identity import keys
from digest.model import Interest, Links, Schedule, Subscriber, new_id
from digest.store.database import Database
from digest.store.items import ITEM_FIELDS
from digest.store.schema import interests, items, subscribers
from digest.store.subscriber_rows import address_key
from digest.store.words import index_missing

SEED = 20261121
ROWS = 2000
WORDS = 30_000
SUMMARY_WORDS = 160
TOPICS = ("cs.LG", "cs.CL", "cs.CV", "cs.IR", "stat.ML", "q-bio.NC", "astro-ph.GA", "hep-th")


def make_words(chance: random.Random) -> list[str]:
    """Give words as a language has them, the commonest first."""
    syllables = [a + b for a in "bcdfglmnprstv" for b in ("a", "e", "i", "o", "u", "er", "an")]
    return ["".join(chance.choices(syllables, k=chance.choice((1, 2, 2, 3)))) for _ in range(WORDS)]


def fill_items(database: Database, count: int, until: datetime, a_day: int = 300) -> None:
    """Store items of the days before an instant, and index them."""
    chance = random.Random(SEED)
    words = make_words(chance)
    shares = [1 / (place + 10) for place in range(WORDS)]
    texts = chance.choices(words, shares, k=2_000_000)
    for start in range(0, count, ROWS):
        rows = [
            _item(chance, texts, n, until, a_day) for n in range(start, min(start + ROWS, count))
        ]
        with database.write() as connection:
            connection.execute(insert(items), rows)
    while True:
        with database.write() as connection:
            if not index_missing(connection):
                return


def _item(
    chance: random.Random, texts: list[str], number: int, until: datetime, a_day: int
) -> dict[str, object]:
    at = until - timedelta(days=number / a_day)
    start = chance.randrange(len(texts) - SUMMARY_WORDS - 20)
    title = " ".join(texts[start : start + 9]).capitalize()
    link = f"https://arxiv.org/abs/{2401 + number // 90_000:04}.{number % 90_000:05}"
    row = dict.fromkeys(ITEM_FIELDS)
    return row | {
        "id": new_id(at),
        "revision": 1,
        "keys": keys(link=link, title=title),
        "title": title,
        "summary": " ".join(texts[start + 9 : start + 9 + SUMMARY_WORDS]) + ".",
        "authors": [f"Author {chance.randrange(40_000)}" for _ in range(4)],
        "categories": chance.sample(TOPICS, 2),
        "keywords": [texts[start]],
        "links": Links(page=link, pdf=link.replace("/abs/", "/pdf/")),
        "published_on_inferred": False,
        "withdrawn": False,
        "sources": ["arxiv"],
        "first_seen_at": at,
        "eligible_at": at,
        "upvotes": chance.randrange(200),
        "comments": chance.randrange(20),
    }


def fill_subscribers(database: Database, count: int, due: int, now: datetime) -> list[str]:
    """Store confirmed subscribers, the first ones due now, the others far from it.

    Returns:
        their ids.
    """
    chance = random.Random(SEED)
    words = make_words(chance)
    ids = []
    for start in range(0, count, ROWS):
        people, wishes = [], []
        for number in range(start, min(start + ROWS, count)):
            one = Subscriber(id=new_id(now), email=f"reader{number}@example.org")
            ids.append(one.id)
            row = {column.name: getattr(one, column.name, None) for column in subscribers.c}
            schedule = Schedule(timezone="UTC", at=time(6))
            row |= {part: getattr(schedule, part) for part in schedule.__slots__}
            row |= {
                "email_key": address_key(one.email),
                "created_at": now,
                "next_digest_at": now if number < due else now + timedelta(hours=20),
            }
            people.append(row)
            topic = " ".join(chance.sample(words[:3000], 3))
            wish = Interest(name=topic, text=topic)
            wishes.append(
                {"subscriber_id": one.id, "place": 0}
                | {part: getattr(wish, part) for part in wish.__slots__}
            )
        with database.write() as connection:
            connection.execute(insert(subscribers), people)
            connection.execute(insert(interests), wishes)
    return ids
