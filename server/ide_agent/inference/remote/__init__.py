"""Models behind OpenAI-compatible APIs, siblings of the engines on this machine."""
