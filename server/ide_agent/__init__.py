"""IDE-Agent: a local-first AI development system that lives in a language server."""

__version__ = "0.1.0"
