"""What a subscriber may ask of a digest: its form, pictures, revisions, a pick from outside.

And how many votes an item had at the end of each day, what a digest names beside its picks, by
which words an item is found, how many items of a listing were new, what was counted each day, and
indexes to count by; and until when a delivery is tried.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the wishes, with defaults so that the previous release goes on, and the votes."""
    for wish in (
        sa.Column("explore", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("form", sa.Text(), nullable=False, server_default="full"),
        sa.Column("thumbnails", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("revisions", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("subscribers", wish)
    for name in ("quiet_sources", "mentions"):
        op.add_column("digests", sa.Column(name, sa.Text(), nullable=False, server_default="[]"))
    for name in ("counted_from", "superseded_at"):
        op.add_column("deliveries", sa.Column(name, sa.DateTime(timezone=True)))
    live = sa.text("merged_into IS NULL")
    op.create_index(
        *("ix_items_revised_at", "items", ["revised_at"]),
        sqlite_where=live,
        postgresql_where=live,
    )
    op.add_column("listings", sa.Column("new", sa.Integer()))
    op.create_table(
        "tallies",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "what", name="pk_tallies"),
    )
    others = sa.text("status <> 'confirmed'")
    op.create_index(
        *("ix_subscribers_status", "subscribers", ["status"]),
        sqlite_where=others,
        postgresql_where=others,
    )
    op.create_index("ix_feedback_at_item_id_verdict", "feedback", ["at", "item_id", "verdict"])
    op.create_table(
        "item_votes",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("upvotes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "day", name="pk_item_votes"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_item_votes_item_id_items"),
    )
    op.create_table(
        "embeddings",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("model", "content", name="pk_embeddings"),
    )
    op.create_index("ix_embeddings_model_at", "embeddings", ["model", "at"])
    op.create_table(
        "embedding_models",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("model", name="pk_embedding_models"),
    )
    op.create_table(
        "fits",
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("constants", sa.Text(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("item_ids", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_fits"),
    )
    _add_search()


def _add_search() -> None:
    """Add the index of words; the program fills it after its next start."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "item_words",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")),
        sa.PrimaryKeyConstraint("number", name="pk_item_words"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_item_words_item_id_items"),
        sa.UniqueConstraint("item_id", name="uq_item_words_item_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_item_words_words", "item_words", ["words"], postgresql_using="gin")
    if is_sqlite:
        # Without its own copy of the texts; words come folded and apart already.
        op.execute(
            "CREATE VIRTUAL TABLE item_index USING fts5(title, names, summary, topics,"
            " content='', tokenize=\"unicode61 remove_diacritics 0 categories 'L* M* N* Co'\")"
        )
