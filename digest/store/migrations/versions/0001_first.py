"""The first schema: sources, items, subscribers, digests and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "items",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("merged_into", sa.Text()),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("authors", sa.Text(), nullable=False),
        sa.Column("author_count", sa.Integer()),
        sa.Column("organisation", sa.Text()),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("links", sa.Text(), nullable=False),
        sa.Column("thumbnail", sa.Text()),
        sa.Column("published_on", sa.Date()),
        sa.Column("published_on_inferred", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer()),
        sa.Column("ai_summary", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("eligible_at", sa.DateTime(timezone=True)),
        sa.Column("revised_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("upvotes", sa.Integer()),
        sa.Column("comments", sa.Integer()),
        sa.ForeignKeyConstraint(["merged_into"], ["items.id"], name="fk_items_merged_into_items"),
        sa.PrimaryKeyConstraint("id", name="pk_items"),
    )
    op.create_index(
        "ix_items_eligible_at_id",
        "items",
        ["eligible_at", "id"],
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.create_index(
        "ix_items_first_seen_at_id",
        "items",
        ["first_seen_at", "id"],
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.create_index(
        "ix_items_merged_into",
        "items",
        ["merged_into"],
        sqlite_where=sa.text("merged_into IS NOT NULL"),
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.create_table(
        "sources",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("backlog", sa.Integer()),
        sa.Column("announce", sa.Text(), nullable=False),
        sa.Column("private_network", sa.Boolean(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("moved_to", sa.Text()),
        sa.Column("etag", sa.Text()),
        sa.Column("last_modified", sa.Text()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_ok_at", sa.DateTime(timezone=True)),
        sa.Column("last_error", sa.Text()),
        sa.Column("usual_count", sa.Integer()),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
        sa.UniqueConstraint("name", name="uq_sources_name"),
    )
    op.create_index("ix_sources_next_check_at", "sources", ["next_check_at"])
    op.create_table(
        "subscribers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("unsubscribed_by", sa.Text()),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("config_owned", sa.Boolean(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("at", sa.Time(), nullable=False),
        sa.Column("weekdays", sa.Text(), nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("max_items", sa.Integer(), nullable=False),
        sa.Column("at_least", sa.Integer(), nullable=False),
        sa.Column("minimum_score", sa.Double(), nullable=False),
        sa.Column("popularity", sa.Double(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("next_digest_at", sa.DateTime(timezone=True)),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("last_digest_at", sa.DateTime(timezone=True)),
        sa.Column("paused_until", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
        sa.UniqueConstraint("email_key", name="uq_subscribers_email_key"),
    )
    op.create_index(
        "ix_subscribers_due",
        "subscribers",
        ["next_digest_at"],
        sqlite_where=sa.text("status = 'confirmed'"),
        postgresql_where=sa.text("status = 'confirmed'"),
    )
    op.create_table(
        "suppressions",
        sa.Column("address_hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name="pk_suppressions"),
    )
    op.create_table(
        "announcements",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("upvotes", sa.Integer()),
        sa.Column("comments", sa.Integer()),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_announcements_item_id_items"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name="fk_announcements_source_id_sources"
        ),
        sa.PrimaryKeyConstraint("source_id", "item_id", "day", name="pk_announcements"),
    )
    op.create_index("ix_announcements_item_id", "announcements", ["item_id"])
    op.create_table(
        "digests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subscriber_id", sa.Text(), nullable=False),
        sa.Column("edition", sa.Date(), nullable=False),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("composed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("new_items", sa.Integer(), nullable=False),
        sa.Column("source_names", sa.Text(), nullable=False),
        sa.Column("failed_sources", sa.Text(), nullable=False),
        sa.Column("next_digest_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_digests_subscriber_id_subscribers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_digests"),
        sa.UniqueConstraint("subscriber_id", "edition", name="uq_digests_subscriber_id_edition"),
    )
    op.create_table(
        "feedback",
        sa.Column("subscriber_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_feedback_item_id_items"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_feedback_subscriber_id_subscribers"
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "item_id", name="pk_feedback"),
    )
    op.create_index("ix_feedback_item_id", "feedback", ["item_id"])
    op.create_table(
        "interests",
        sa.Column("subscriber_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("authors", sa.Text(), nullable=False),
        sa.Column("organisations", sa.Text(), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("examples", sa.Text(), nullable=False),
        sa.Column("muted_words", sa.Text(), nullable=False),
        sa.Column("muted_authors", sa.Text(), nullable=False),
        sa.Column("less_of", sa.Text(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_interests_subscriber_id_subscribers"
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "place", name="pk_interests"),
    )
    op.create_table(
        "item_history",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("authors", sa.Text(), nullable=False),
        sa.Column("author_count", sa.Integer()),
        sa.Column("organisation", sa.Text()),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("links", sa.Text(), nullable=False),
        sa.Column("thumbnail", sa.Text()),
        sa.Column("published_on", sa.Date()),
        sa.Column("published_on_inferred", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer()),
        sa.Column("ai_summary", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("eligible_at", sa.DateTime(timezone=True)),
        sa.Column("revised_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_item_history_item_id_items"),
        sa.PrimaryKeyConstraint("item_id", "revision", name="pk_item_history"),
    )
    op.create_table(
        "item_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_item_keys_item_id_items"),
        sa.PrimaryKeyConstraint("key", name="pk_item_keys"),
    )
    op.create_index("ix_item_keys_item_id", "item_keys", ["item_id"])
    op.create_table(
        "listings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("shown_on", sa.Date()),
        sa.Column("error", sa.Text()),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name="fk_listings_source_id_sources"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_listings"),
    )
    op.create_index("ix_listings_source_id_at", "listings", ["source_id", "at"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("subscriber_id", sa.Text()),
        sa.Column("digest_id", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("last_reply", sa.Text()),
        sa.ForeignKeyConstraint(
            ["digest_id"], ["digests.id"], name="fk_deliveries_digest_id_digests"
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_deliveries_subscriber_id_subscribers"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("message_id", name="uq_deliveries_message_id"),
    )
    op.create_index("ix_deliveries_digest_id", "deliveries", ["digest_id"])
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["next_attempt_at"],
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("ix_deliveries_subscriber_id", "deliveries", ["subscriber_id"])
    op.create_table(
        "picks",
        sa.Column("digest_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("shown_id", sa.Text(), nullable=False),
        sa.Column("shown_revision", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("interest", sa.Text()),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("upvotes", sa.Integer()),
        sa.Column("comments", sa.Integer()),
        sa.ForeignKeyConstraint(["digest_id"], ["digests.id"], name="fk_picks_digest_id_digests"),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name="fk_picks_item_id_items"),
        sa.ForeignKeyConstraint(["shown_id"], ["items.id"], name="fk_picks_shown_id_items"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_picks_subscriber_id_subscribers"
        ),
        sa.PrimaryKeyConstraint("digest_id", "place", name="pk_picks"),
        sa.UniqueConstraint("subscriber_id", "item_id", name="uq_picks_subscriber_id_item_id"),
    )
    op.create_index("ix_picks_item_id", "picks", ["item_id"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("uncertain", sa.Boolean(), nullable=False),
        sa.Column("relay", sa.Text(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True)),
        sa.Column("bad_address", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name="fk_attempts_delivery_id_deliveries"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_delivery_id", "attempts", ["delivery_id"])
