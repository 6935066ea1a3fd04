"""Whether a request to another machine left this one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add `left`; of older rows it is not known, so they count as sent."""
    left = sa.Column("left", sa.Boolean, nullable=False, server_default=sa.true())
    op.add_column("remote_request", left)


def downgrade() -> None:
    """Drop it."""
    op.drop_column("remote_request", "left")
