"""Alembic migrations; run when the host starts, see `ide_agent.storage.database`."""
