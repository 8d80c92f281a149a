"""What a subscriber may ask of a digest: its form, pictures, revisions, a pick from outside."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the wishes; their defaults let the previous release go on adding subscribers."""
    for wish in (
        sa.Column("explore", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("form", sa.Text(), nullable=False, server_default="full"),
        sa.Column("thumbnails", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("revisions", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("subscribers", wish)
