"""Whether a Hugging Face hub knows a token: its route ``/api/whoami-v2``."""

from __future__ import annotations

import httpx

from ide_agent import __version__
from ide_agent.errors import DownloadError
from ide_agent.features.hub import trust
from ide_agent.features.hub.sources.pages import endpoint, host, is_offline
from ide_agent.safety.network import in_clear
from ide_agent.storage.secrets import sendable

_SECONDS = 10.0


def is_known(token: str) -> bool:
    """Whether the hub knows `token`; False where it does not say. It is shown to that hub alone. Blocks.

    Nobody is asked with ``HF_HUB_OFFLINE``, and where others could read it on the way.

    Raises:
        DownloadError: the hub refuses it.
    """
    token = token.strip()
    if is_offline() or in_clear(endpoint()) or not (token and sendable(token)):
        return False
    headers = {"User-Agent": f"ide-agent/{__version__}", "Authorization": f"Bearer {token}"}
    try:
        answer = httpx.get(
            f"{endpoint()}/api/whoami-v2", headers=headers, timeout=_SECONDS, verify=trust.context()
        )
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    if answer.status_code == 401:
        tokens = f"{endpoint()}/settings/tokens"
        raise DownloadError("error.download.token_refused", host=host(), tokens=tokens)
    return answer.status_code == 200
