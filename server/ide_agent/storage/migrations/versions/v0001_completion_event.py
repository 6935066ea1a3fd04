"""What became of suggestions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create `completion_event`."""
    op.create_table(
        "completion_event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("completion_id", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("language", sa.String(64), nullable=False),
        sa.Column("path_hash", sa.String(64), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("adapter", sa.String(128), nullable=False, server_default=""),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("kept_text", sa.Text),
        sa.Column("accepted_length", sa.Integer),
        sa.Column("latency_ms", sa.Double),
        sa.Column("lines", sa.Integer, nullable=False),
    )
    op.create_index("ix_completion_event_completion_id", "completion_event", ["completion_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("completion_event")
