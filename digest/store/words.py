"""The full-text index: by which words an item is found, on SQLite (FTS5) and PostgreSQL.

Words are folded and split by us, so that both engines find the same: accents and case do not
matter, and Chinese and Japanese are found by pairs of characters.  Neither engine's own
parser has a say.
"""

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Double,
    Integer,
    RowMapping,
    Subquery,
    delete,
    insert,
    select,
    text,
)

from digest.store.database import chunks
from digest.store.schema import LIVE, item_words, items
from digest.text import fold, tokens

# Longer ones are no words; PostgreSQL allows 2 kB.
WORD_CHARS = 64
# PostgreSQL counts no further.  Manual, section 8.11.1
MOST_WORDS = 16_000
# A query of more asks the same again.
MOST_QUERIED = 16
# Shorter beginnings would match half of the language.
PREFIX_CHARS = 3
# Words of this length tell what a title is about; most shorter ones hold it together.
TELLING_CHARS = 5
# So many of the newest matches compete: a word that half of the items hold stays cheap.
COMPETING = 2000
# Items indexed in one transaction when many are missing.
AT_ONCE = 500

BY_AGE = (items.c.first_seen_at, items.c.id)

Words = tuple[list[str], list[str], list[str], list[str]]
"""Title; names and ids; summary; topics: as the index weighs them, heaviest first."""


def words_of(row: Mapping[Any, Any] | RowMapping) -> Words:
    """Give the words under which an item is found.

    Args:
        row: with an item's keys, title, summary, authors, organisation, categories, keywords.
    """
    topics = (*row["categories"], *row["keywords"])
    ids = [key.partition(":")[2] for key in row["keys"] if key.startswith(("arxiv:", "doi:"))]
    return (
        _words(row["title"]),
        _words(*row["authors"], row["organisation"] or "", *ids),
        _words(row["summary"], *topics),
        [topic_word(topic) for topic in topics],
    )


def topic_word(topic: str) -> str:
    """Give the one word that stands for a category or keyword, whatever is in it."""
    return "t" + sha256(fold(topic).encode()).hexdigest()[:20]


def index_items(connection: Connection, ids: Collection[str]) -> None:
    """Index items as they stand now; what was indexed of them before is found no more."""
    for chunk in chunks(ids):
        # The oldest first: what is younger has the higher number.
        rows = (
            connection.execute(select(items).where(items.c.id.in_(chunk), LIVE).order_by(*BY_AGE))
            .mappings()
            .all()
        )
        connection.execute(delete(item_words).where(item_words.c.item_id.in_(chunk)))
        if not rows:
            continue
        values = [{"item_id": row["id"], "revision": row["revision"]} for row in rows]
        if connection.dialect.name == "postgresql":
            for value, row in zip(values, rows, strict=True):
                value["words"] = _vector(words_of(row))
            connection.execute(insert(item_words), values)
            continue
        connection.execute(insert(item_words), values)
        number_by_id = dict(
            connection.execute(
                select(item_words.c.item_id, item_words.c.number).where(
                    item_words.c.item_id.in_(chunk)
                )
            ).all()
        )
        columns = ("title", "names", "summary", "topics")
        connection.execute(
            text(
                "INSERT INTO item_index (rowid, title, names, summary, topics)"
                " VALUES (:number, :title, :names, :summary, :topics)"
            ),
            [
                {"number": number_by_id[row["id"]]}
                | {
                    name: " ".join(words)
                    for name, words in zip(columns, words_of(row), strict=True)
                }
                for row in rows
            ],
        )


def index_missing(connection: Connection) -> int:
    """Index up to `AT_ONCE` items that are not, or that have changed since; say how many.

    An older program knows nothing of the index; what it stores is found after this.
    """
    stale = item_words.c.revision.is_distinct_from(items.c.revision)
    ids = connection.scalars(
        select(items.c.id)
        .outerjoin(item_words, item_words.c.item_id == items.c.id)
        .where(LIVE, stale)
        .order_by(*BY_AGE)
        .limit(AT_ONCE)
    ).all()
    index_items(connection, ids)
    return len(ids)


def matches(
    connection: Connection, query: str, topic: str = "", *, any_word: bool = False
) -> Subquery | None:
    """Give the newest `COMPETING` matches: columns number and worth, the less the better.

    Every word of the query must begin a word of the item, and the topic be one of its own.

    Args:
        any_word: one of the query's words is enough, if it is a long one.

    Returns:
        None if neither asks for anything that could be found.
    """
    wanted = list(dict.fromkeys(word[:WORD_CHARS] for word in tokens(query)))
    if any_word:
        wanted = [word for word in wanted if _is_telling(word)]
    wanted = wanted[:MOST_QUERIED]
    if not wanted and (query.strip() or not topic.strip()):
        return None
    if connection.dialect.name == "postgresql":
        statement = text(
            "SELECT number, -ts_rank('{0, 0.1, 0.4, 1}', words, CAST(:wanted AS tsquery), 1)"
            " AS worth FROM item_words WHERE words @@ CAST(:wanted AS tsquery)"
            " ORDER BY number DESC LIMIT :competing"
        )
        asked = (" | " if any_word else " & ").join(_tsquery(wanted, topic))
    else:
        statement = text(
            "SELECT rowid AS number, bm25(item_index, 8.0, 4.0, 1.0, 0.0) AS worth"
            " FROM item_index WHERE item_index MATCH :wanted"
            " ORDER BY rowid DESC LIMIT :competing"
        )
        asked = (" OR " if any_word else " AND ").join(_fts5(wanted, topic))
    bound = statement.bindparams(wanted=asked, competing=COMPETING)
    return bound.columns(Column("number", Integer), Column("worth", Double)).subquery("found")


def _words(*texts: str) -> list[str]:
    return [word[:WORD_CHARS] for one in texts for word in tokens(one)]


def _is_beginning(word: str) -> bool:
    return not word.isascii() or len(word) >= PREFIX_CHARS


def _is_telling(word: str) -> bool:
    return not word.isascii() or len(word) >= TELLING_CHARS


def _fts5(wanted: Iterable[str], topic: str) -> Iterable[str]:
    """Write the query of FTS5: words hold letters and digits alone, so quotes hold them."""
    columns = "{title names summary}"
    for word in wanted:
        yield f'{columns} : "{word}"{"*" if _is_beginning(word) else ""}'
    if topic.strip():
        yield f'topics : "{topic_word(topic)}"'


def _tsquery(wanted: Iterable[str], topic: str) -> Iterable[str]:
    for word in wanted:
        yield f"'{word}':{'*' if _is_beginning(word) else ''}ABC"
    if topic.strip():
        yield f"'{topic_word(topic)}':D"


def _vector(words: Words) -> str:
    """Write a tsvector; words hold letters and digits alone, so quotes hold them."""
    places: dict[str, list[str]] = {}
    place = 0
    for weight, some in zip("ABCD", words, strict=True):
        for word in some[: MOST_WORDS // 4]:
            place += 1
            places.setdefault(word, []).append(f"{place}{weight}")
    return " ".join(f"'{word}':{','.join(found[:200])}" for word, found in places.items())
