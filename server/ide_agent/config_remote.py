"""The section `remote` of the settings: models on other machines."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ide_agent.errors import RemoteRefused

_ENDPOINT_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class Section(BaseModel):
    """Base of all sections."""

    # strict: "no" is no way to say false
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _address(url: str) -> str:
    """`url` without a slash at its end; no place for a name and a password."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username is not None or parts.query or parts.fragment or not url.isascii():
        raise PydanticCustomError("error.config_address", "not the address of an API")
    return url.rstrip("/")


class RemoteEndpoint(Section):
    """An OpenAI-compatible API."""

    url: Annotated[str, AfterValidator(_address)] = Field(
        description="Base address of the API, e.g. `https://openrouter.ai/api/v1`. One on this machine "
        "(`http://127.0.0.1:11434/v1`) is local: always allowed, nothing redacted, counted or recorded."
    )
    forwards: bool = Field(
        False,
        description="Say true where an address of this machine leads to another one, as that of an SSH "
        "tunnel does: then the API counts as being on another machine.",
    )
    models: tuple[str, ...] = Field(
        (), strict=False, description="Ids of the models to offer; empty: those that the API lists."
    )
    requests_per_second: float = Field(
        1.0, gt=0, le=1000, description="For each model; those that come faster wait."
    )
    requests_per_minute: int = Field(60, ge=1, le=60_000, description="For each model.")
    timeout_seconds: float = Field(
        120.0, ge=1, le=3600, description="Longest silence before and within an answer."
    )
    completion: Literal["auto", "fim", "suffix", "chat", "off"] = Field(
        "auto",
        description="How ghost text is asked for. `fim`: `/completions` with the fill-in template of the "
        "model's family, known by its name, or else with what stands before the cursor. `suffix`: "
        "`/completions` with the parameter `suffix`. `chat`: `/chat/completions`. `off`: never. `auto`: "
        "`fim` for known families (`suffix` at Ollama's port) unless the name says instruct or chat, "
        "else `chat`.",
    )
    tokens_per_day: int = Field(0, ge=0, description="Budget of this API, in and out together; 0: none.")
    cost_per_day: float = Field(0.0, ge=0, description="Budget of this API, in US dollars; 0: none.")
    model_tokens_per_day: int = Field(
        0, ge=0, description="Budget of each model of this API, in and out together; 0: none."
    )
    model_cost_per_day: float = Field(
        0.0, ge=0, description="Budget of each model of this API, in US dollars; 0: none."
    )


class RemoteSettings(Section):
    """Models on other machines."""

    enabled: bool = Field(
        False, description="Whether anything may be sent to models on other machines. Off: no-cloud mode."
    )
    endpoints: dict[Annotated[str, Field(pattern=_ENDPOINT_NAME)], RemoteEndpoint] = Field(
        default_factory=dict,
        description="A section each, `[remote.endpoints.NAME]`; its models are called `NAME/model`.",
    )
    redact: bool = Field(True, description="Replace secrets by placeholders, and put them back in answers.")
    redact_patterns: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Your own expressions (RE2) for what is secret; a group `secret` is the part to replace.",
    )
    tokens_per_day: int = Field(0, ge=0, description="Budget of all APIs together, in and out; 0: none.")
    cost_per_day: float = Field(0.0, ge=0, description="Budget of all APIs together, in US dollars; 0: none.")

    def endpoint(self, name: str) -> RemoteEndpoint:
        """The section of the endpoint called `name`.

        Raises:
            RemoteRefused: there is none; tells those there are.
        """
        if name in self.endpoints:
            return self.endpoints[name]
        if not self.endpoints:
            raise RemoteRefused("error.remote.unknown_none", name=name)
        raise RemoteRefused("error.remote.unknown", name=name, names=", ".join(sorted(self.endpoints)))
