"""What `routes.yaml` may hold. The JSON Schema for editors comes from here; descriptions are message keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ide_agent.locale import translate

Task = Literal["completion", "chat", "review", "tests", "vision", "audio", "embedding"]
TASKS: tuple[Task, ...] = get_args(Task)
DEFAULT_MODELS = ("", "default", "auto")
"""Names that stand for the default model."""


def _listed(value: Any) -> Any:
    """One thing where several may stand."""
    if isinstance(value, list):
        return tuple(value)
    return value if isinstance(value, tuple) else (value,)


_Text = Annotated[str, Field(min_length=1, max_length=500)]
_Texts = Annotated[tuple[_Text, ...], Field(min_length=1, max_length=100), BeforeValidator(_listed)]
_Tasks = Annotated[tuple[Task, ...], Field(min_length=1), BeforeValidator(_listed)]
_Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    # strict: 3 is no name
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, given: Any) -> Any:
        """A key without a value is one that is being typed."""
        if not isinstance(given, dict):
            return given
        return {
            key: value for key, value in given.items() if value is not None or key not in cls.model_fields
        }


class Tokens(_Part):
    """Bounds of the prompt's size, in tokens, both inclusive."""

    min: _Count = Field(0, description="routes.field.tokens_min")
    max: _Count | None = Field(None, description="routes.field.tokens_max")


class When(_Part):
    """Conditions of a rule; all that are given must hold."""

    task: _Tasks | None = Field(None, description="routes.field.task")
    language: _Texts | None = Field(None, description="routes.field.language")
    path: _Texts | None = Field(None, description="routes.field.path")
    message: _Text | None = Field(None, description="routes.field.message")
    prompt_tokens: Tokens | None = Field(None, description="routes.field.prompt_tokens")
    privacy: Literal["private"] | None = Field(None, description="routes.field.privacy")


class Limits(_Part):
    """What an answer may take."""

    max_tokens: Annotated[int, Field(ge=1)] | None = Field(None, description="routes.field.max_tokens")
    tokens_per_day: _Count | None = Field(None, description="routes.field.tokens_per_day")
    cost_per_day: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        None, description="routes.field.cost_per_day"
    )


class Rule(_Part):
    """Where requests go that fit `when`."""

    name: _Text = Field(description="routes.field.name")
    enabled: bool = Field(True, description="routes.field.enabled")
    when: When = Field(When(), description="routes.field.when")
    model: _Text = Field(description="routes.field.model")
    fallbacks: Annotated[tuple[_Text, ...], Field(max_length=20), BeforeValidator(_listed)] = Field(
        (), description="routes.field.fallbacks"
    )
    adapter: _Text | None = Field(None, description="routes.field.adapter")
    limits: Limits = Field(Limits(), description="routes.field.limits")

    @property
    def target(self) -> str:
        """The name that its requests go to: that of the model, with its adapter behind it."""
        return f"{self.model}:{self.adapter}" if self.adapter else self.model


class WorkspaceRoutes(_Part):
    """`.ide-agent-routes.yaml` of a workspace that the user allows to have rules."""

    version: Literal[1] = Field(1, description="routes.field.version")
    rules: Annotated[tuple[Rule, ...], Field(max_length=1000), BeforeValidator(_listed)] = Field(
        (), description="routes.field.rules"
    )


class Routes(WorkspaceRoutes):
    """The user's `routes.yaml`."""

    workspaces: Annotated[tuple[_Text, ...], Field(max_length=100), BeforeValidator(_listed)] = Field(
        (), description="routes.field.workspaces"
    )


def schema(language: str) -> dict[str, Any]:
    """The JSON Schema of `routes.yaml`, described in `language`; a list may be its only entry as well."""
    described = _described(Routes.model_json_schema(), language)
    assert isinstance(described, dict)
    return described


def _described(node: Any, language: str) -> Any:
    if isinstance(node, list):
        return [_described(each, language) for each in node]
    if not isinstance(node, dict):
        return node
    # What classes say is for who reads the code.
    kept = {
        key: _described(value, language)
        for key, value in node.items()
        if not (key == "title" or (key == "description" and not str(value).startswith("routes.")))
    }
    if isinstance(kept.get("description"), str):
        kept["description"] = translate(kept["description"], language)
    return kept
