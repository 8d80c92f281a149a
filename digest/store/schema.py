"""The tables, as SQLAlchemy Core knows them; how they came to be stands in `migrations/`.

A column has the name of the field it holds, and its type gives back the very value that the
model uses (`values.py`), so that rows and nouns need no translation between them.
"""

from enum import StrEnum
from functools import partial

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Time,
    UniqueConstraint,
    false,
    literal_column,
    true,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from digest.model import (
    Announce,
    AttemptOutcome,
    DeliveryKind,
    DeliveryStatus,
    DigestState,
    Form,
    Frequency,
    ListingOutcome,
    SubscriberStatus,
    Verdict,
)
from digest.store.values import (
    ANNOUNCES,
    AS_JSON,
    LINKS,
    MAPPING,
    REASONS,
    ROWS,
    TEXTS,
    WEEKDAYS,
    Choice,
    Instant,
    Span,
)

VERSION = 4
"""The schema this program needs: the number of the newest revision in `migrations/`."""


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


_needed = partial(Column, nullable=False)


def _fixed(choice: StrEnum) -> ColumnElement[StrEnum]:
    """Give a choice of ours that stands in the statement itself.

    A partial index serves only a query whose text shows the same condition: the engines do
    not look into bound values when they plan.
    """
    return literal_column(f"'{choice.value}'")


# --- sources ----------------------------------------------------------------------------

sources = Table(
    "sources",
    metadata,
    Column("id", Text, primary_key=True),
    _needed("name", Text, unique=True),
    _needed("url", Text),
    _needed("kind", Text),
    _needed("every", Span),
    Column("backlog", Integer),
    _needed("announce", ANNOUNCES),
    _needed("private_network", Boolean),
    _needed("options", MAPPING),
    _needed("enabled", Boolean),
    _needed("next_check_at", Instant),
    Column("claimed_by", Text),
    Column("moved_to", Text),
    Column("etag", Text),
    Column("last_modified", Text),
    _needed("failures", Integer),
    Column("last_ok_at", Instant),
    Column("last_error", Text),
    Column("usual_count", Integer),
    _needed("listed", Boolean),
)
Index(None, sources.c.next_check_at)

listings = Table(
    "listings",
    metadata,
    Column("id", Text, primary_key=True),
    _needed("source_id", ForeignKey(sources.c.id)),
    _needed("at", Instant),
    _needed("outcome", Choice(ListingOutcome)),
    _needed("items", Integer),
    Column("new", Integer),
    Column("shown_on", Date),
    Column("error", Text),
    Index(None, "source_id", "at"),
)


# --- items ------------------------------------------------------------------------------


def _item_columns() -> list[Column[object]]:
    """Give the columns of an item that a digest may show, counts apart."""
    return [
        _needed("keys", TEXTS),
        _needed("title", Text),
        _needed("summary", Text),
        _needed("authors", TEXTS),
        Column("author_count", Integer),
        Column("organisation", Text),
        _needed("categories", TEXTS),
        _needed("keywords", TEXTS),
        _needed("links", LINKS),
        Column("thumbnail", Text),
        Column("published_on", Date),
        _needed("published_on_inferred", Boolean),
        Column("version", Integer),
        Column("ai_summary", Text),
        Column("language", Text),
        _needed("first_seen_at", Instant),
        Column("eligible_at", Instant),
        Column("revised_at", Instant),
        _needed("withdrawn", Boolean),
        _needed("sources", TEXTS),
    ]


items = Table(
    "items",
    metadata,
    Column("id", Text, primary_key=True),
    _needed("revision", Integer),
    Column("merged_into", ForeignKey("items.id")),
    *_item_columns(),
    Column("upvotes", Integer),
    Column("comments", Integer),
)
LIVE = items.c.merged_into.is_(None)
MERGED = items.c.merged_into.is_not(None)
Index(None, items.c.merged_into, sqlite_where=MERGED, postgresql_where=MERGED)
Index(None, items.c.eligible_at, items.c.id, sqlite_where=LIVE, postgresql_where=LIVE)
Index(None, items.c.revised_at, sqlite_where=LIVE, postgresql_where=LIVE)
Index(None, items.c.first_seen_at, items.c.id, sqlite_where=LIVE, postgresql_where=LIVE)

item_history = Table(
    "item_history",
    metadata,
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("revision", Integer, primary_key=True),
    *_item_columns(),
)

item_keys = Table(
    "item_keys",
    metadata,
    Column("key", Text, primary_key=True),
    _needed("item_id", ForeignKey(items.c.id), index=True),
)

# What search finds an item by.  SQLite keeps the words in the FTS5 table `item_index`, under
# this number; a number is never used again, so what stands there of an old one finds nothing.
item_words = Table(
    "item_words",
    metadata,
    Column("number", Integer, primary_key=True),
    _needed("item_id", ForeignKey(items.c.id), unique=True),
    _needed("revision", Integer),
    Column("words", Text().with_variant(TSVECTOR(), "postgresql")),
    Index(None, "words", postgresql_using="gin"),
    sqlite_autoincrement=True,
)

announcements = Table(
    "announcements",
    metadata,
    Column("source_id", ForeignKey(sources.c.id), primary_key=True),
    Column("item_id", ForeignKey(items.c.id), primary_key=True, index=True),
    Column("day", Date, primary_key=True),
    _needed("kind", Choice(Announce)),
    _needed("place", Integer),
    Column("upvotes", Integer),
    Column("comments", Integer),
    _needed("seen_at", Instant),
)

# The most votes that any source showed for an item on a day (UTC): how it rises.
item_votes = Table(
    "item_votes",
    metadata,
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("day", Date, primary_key=True),
    _needed("upvotes", Integer),
)

# Vectors of meaning, kept by text: an item's changed words are another text.
embeddings = Table(
    "embeddings",
    metadata,
    Column("model", Text, primary_key=True),
    Column("content", Text, primary_key=True),
    _needed("vector", LargeBinary),
    _needed("at", Instant),
    Index(None, "model", "at"),
)

# Which items ranking's statistics are made from: every process makes the same ones.
fits = Table(
    "fits",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _needed("at", Instant),
    _needed("constants", Text),
    _needed("stored", Integer),
    _needed("item_ids", TEXTS),
)

# How each model last did: an error stands until it answers again.
embedding_models = Table(
    "embedding_models",
    metadata,
    Column("model", Text, primary_key=True),
    _needed("at", Instant),
    Column("error", Text),
)


# --- subscribers ------------------------------------------------------------------------


class Leaver(StrEnum):
    """Who ended a subscription: only what the settings file ended may the file begin again."""

    CONFIG = "config"
    READER = "reader"


subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Text, primary_key=True),
    _needed("email", Text),
    _needed("email_key", Text, unique=True),
    _needed("name", Text),
    _needed("status", Choice(SubscriberStatus)),
    Column("unsubscribed_by", Choice(Leaver)),
    Column("ended_at", Instant),
    _needed("config_owned", Boolean),
    _needed("timezone", Text),
    _needed("at", Time),
    _needed("weekdays", WEEKDAYS),
    _needed("frequency", Choice(Frequency)),
    _needed("max_items", Integer),
    _needed("at_least", Integer),
    _needed("minimum_score", Double),
    _needed("popularity", Double),
    _needed("explore", Boolean, server_default=true()),
    _needed("form", Choice(Form), server_default=Form.FULL),
    _needed("thumbnails", Boolean, server_default=false()),
    _needed("revisions", Boolean, server_default=false()),
    _needed("language", Text),
    Column("next_digest_at", Instant),
    Column("claimed_by", Text),
    Column("last_digest_at", Instant),
    Column("paused_until", Instant),
    _needed("link_epoch", Integer, server_default="0"),
    _needed("created_at", Instant),
)

CONFIRMED = subscribers.c.status == _fixed(SubscriberStatus.CONFIRMED)
Index(
    "ix_subscribers_due",
    subscribers.c.next_digest_at,
    subscribers.c.id,
    sqlite_where=CONFIRMED,
    postgresql_where=CONFIRMED,
)
NOT_CONFIRMED = subscribers.c.status != _fixed(SubscriberStatus.CONFIRMED)
# To count by: an index of all statuses would be taken for the due ones as well.
Index(None, subscribers.c.status, sqlite_where=NOT_CONFIRMED, postgresql_where=NOT_CONFIRMED)

interests = Table(
    "interests",
    metadata,
    Column("subscriber_id", ForeignKey(subscribers.c.id), primary_key=True),
    Column("place", Integer, primary_key=True),
    _needed("name", Text),
    _needed("text", Text),
    _needed("keywords", TEXTS),
    _needed("authors", TEXTS),
    _needed("organisations", TEXTS),
    _needed("categories", TEXTS),
    _needed("examples", TEXTS),
    _needed("muted_words", TEXTS),
    _needed("muted_authors", TEXTS),
    _needed("less_of", TEXTS),
    _needed("weight", Double),
)

feedback = Table(
    "feedback",
    metadata,
    Column("subscriber_id", ForeignKey(subscribers.c.id), primary_key=True),
    Column("item_id", ForeignKey(items.c.id), primary_key=True, index=True),
    _needed("verdict", Choice(Verdict)),
    _needed("at", Instant),
    # Verdicts are counted by item over a stretch of time from this index alone.
    Index(None, "at", "item_id", "verdict"),
)

# What is costly of readers' profiles, for one version of ranking's statistics; made again where
# it is not at hand.  Goes with the subscriber, whom the release before erases without knowing this.
profiles = Table(
    "profiles",
    metadata,
    Column("subscriber_id", ForeignKey(subscribers.c.id, ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False, index=True),
    _needed("borrowed", LargeBinary),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_hash", Text, primary_key=True),
    _needed("reason", Text),
    _needed("since", Instant),
)

# Sign-ups of the last day that were let through: what limits them survives a restart.
sign_ups = Table(
    "sign_ups",
    metadata,
    Column("id", Text, primary_key=True),
    _needed("at", Instant, index=True),
    _needed("address_hash", Text),
    _needed("network_hash", Text),
    Index(None, "address_hash", "at"),
    Index(None, "network_hash", "at"),
)


# --- digests and the outbox -------------------------------------------------------------

digests = Table(
    "digests",
    metadata,
    Column("id", Text, primary_key=True),
    _needed("subscriber_id", ForeignKey(subscribers.c.id)),
    _needed("edition", Date),
    _needed("window_from", Instant),
    _needed("composed_at", Instant),
    _needed("state", Choice(DigestState)),
    _needed("new_items", Integer),
    _needed("source_names", TEXTS),
    _needed("failed_sources", TEXTS),
    _needed("quiet_sources", TEXTS, server_default="[]"),
    Column("next_digest_at", Instant),
    # Title lines, as mentions.py writes them: nobody looks for one, so they need no rows.
    _needed("mentions", ROWS, server_default="[]"),
    # What its mail is made of, as letters.py writes it.
    Column("letter", AS_JSON),
    UniqueConstraint("subscriber_id", "edition"),
)

picks = Table(
    "picks",
    metadata,
    Column("digest_id", ForeignKey(digests.c.id), primary_key=True),
    Column("place", Integer, primary_key=True),
    _needed("subscriber_id", ForeignKey(subscribers.c.id)),
    # The work that was sent: it follows when items are merged.
    _needed("item_id", ForeignKey(items.c.id), index=True),
    # What the digest shows of it: it never moves.
    _needed("shown_id", ForeignKey(items.c.id)),
    _needed("shown_revision", Integer),
    _needed("score", Double),
    Column("interest", Text),
    _needed("reasons", REASONS),
    Column("upvotes", Integer),
    Column("comments", Integer),
    UniqueConstraint("subscriber_id", "item_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    _needed("kind", Choice(DeliveryKind)),
    _needed("recipient", Text),
    _needed("message_id", Text, unique=True),
    Column("subscriber_id", ForeignKey(subscribers.c.id), index=True),
    Column("digest_id", ForeignKey(digests.c.id), index=True),
    _needed("status", Choice(DeliveryStatus)),
    _needed("attempts", Integer),
    _needed("created_at", Instant),
    _needed("next_attempt_at", Instant),
    Column("claimed_by", Text),
    Column("last_reply", Text),
    Column("counted_from", Instant),
    Column("superseded_at", Instant),
)

PENDING = deliveries.c.status == _fixed(DeliveryStatus.PENDING)
Index(
    "ix_deliveries_due",
    deliveries.c.next_attempt_at,
    deliveries.c.id,
    sqlite_where=PENDING,
    postgresql_where=PENDING,
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Text, primary_key=True),
    _needed("delivery_id", ForeignKey(deliveries.c.id), index=True),
    _needed("at", Instant),
    _needed("outcome", Choice(AttemptOutcome)),
    _needed("code", Integer),
    _needed("text", Text),
    _needed("uncertain", Boolean),
    _needed("relay", Text),
    Column("next_attempt_at", Instant),
    _needed("bad_address", Boolean),
)


# --- what is counted --------------------------------------------------------------------

# What was counted of a day (UTC): subscribers as they stood when it was last counted, and how
# the day's attempts ended.  What is erased later stays counted; nobody is named.
tallies = Table(
    "tallies",
    metadata,
    Column("day", Date, primary_key=True),
    Column("what", Text, primary_key=True),
    _needed("total", Integer),
)
