"""The back door: the host process. FastAPI app, lifecycle, auth and the OpenAI-compatible gateway."""
