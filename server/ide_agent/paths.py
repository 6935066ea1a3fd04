"""Where things live. One environment variable, ``IDE_AGENT_HOME``, moves all of it (tests use that)."""

from __future__ import annotations

import os
from pathlib import Path


def data_dir() -> Path:
    """The database and other things worth keeping."""
    return _root("data")


def config_file() -> Path:
    """The user's own settings."""
    return _root("config") / "config.toml"


def routes_file() -> Path:
    """The user's own routing rules."""
    return _root("config") / "routes.yaml"


def state_dir() -> Path:
    """Runtime file, lock and logs; user-only."""
    path = _root("state")
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def models_dir() -> Path:
    """Model files; ``IDE_AGENT_MODELS`` points it elsewhere (a big disk, a shared folder)."""
    override = os.environ.get("IDE_AGENT_MODELS")
    return Path(override) if override else data_dir() / "models"


def log_file(name: str) -> Path:
    """The log of one process kind: ``host``, ``lsp`` or ``engine``."""
    return state_dir() / f"{name}.log"


def _root(kind: str) -> Path:
    home = os.environ.get("IDE_AGENT_HOME")
    if home:
        return Path(home) / kind
    import platformdirs

    finder = {
        "data": platformdirs.user_data_path,
        "config": platformdirs.user_config_path,
        "state": platformdirs.user_state_path,
    }[kind]
    return finder("ide-agent", appauthor=False)
