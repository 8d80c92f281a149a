"""What the public pages need: links that can be made void, and limits of sign-ups."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the epoch of a subscriber's links, and the table of sign-ups."""
    # The default lets the previous release go on adding subscribers until it is restarted.
    op.add_column(
        "subscribers", sa.Column("link_epoch", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_table(
        "sign_ups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=False),
        sa.Column("network_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_ups"),
    )
    op.create_index("ix_sign_ups_at", "sign_ups", ["at"])
    op.create_index("ix_sign_ups_address_hash_at", "sign_ups", ["address_hash", "at"])
    op.create_index("ix_sign_ups_network_hash_at", "sign_ups", ["network_hash", "at"])
