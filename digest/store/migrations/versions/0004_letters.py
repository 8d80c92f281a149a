"""What a digest's mail is made of, what is kept of profiles, and those due without sorting."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the letter, which digests of before do not have, and the profiles."""
    op.add_column("digests", sa.Column("letter", sa.Text()))
    # By id as well: all who are due at one instant were sorted for every batch of them.
    for table, instant, due in (
        ("deliveries", "next_attempt_at", "status = 'pending'"),
        ("subscribers", "next_digest_at", "status = 'confirmed'"),
    ):
        op.drop_index(f"ix_{table}_due", table)
        op.create_index(
            *(f"ix_{table}_due", table, [instant, "id"]),
            sqlite_where=sa.text(due),
            postgresql_where=sa.text(due),
        )
    op.create_table(
        "profiles",
        sa.Column("subscriber_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("borrowed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "version", name="pk_profiles"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.id"],
            name="fk_profiles_subscriber_id_subscribers",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_profiles_version", "profiles", ["version"])
