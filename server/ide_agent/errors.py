"""Every error of the house.

IdeAgentError
├── ConfigError            a setting is wrong: which file, which key, what to do
│   └── RoutesError        a line of a file of routing rules is wrong
├── HostError
│   ├── HostStartError     the host process could not be started
│   └── HostUnavailable    the host does not answer (it died, or is being restarted)
├── ModelError
│   ├── ModelNotFound      no such model here; says how to get it
│   ├── ModelFileInvalid   not a GGUF file, corrupt or truncated
│   └── NotEnoughMemory    the model and its KV cache do not fit
├── EngineError
│   ├── EngineStartError   the engine process did not come up
│   ├── EngineCrashed      the engine died in the middle of a request
│   ├── EngineUnavailable  the circuit is open after repeated crashes
│   └── EngineClosed       the engine was put away in between; asked for again it is there
├── PictureError           a picture in a request cannot be given to a model
├── DownloadError          a model could not be fetched
├── RemoteError            a model on another machine is at fault
│   ├── RemoteOff          remote models are switched off, and this would leave the machine
│   ├── RemoteRefused      the API refused the request, or we refuse to send it
│   ├── RemoteUnavailable  the API is out of reach, overloaded, or broke off
│   └── BudgetSpent        as much as is allowed for a day was used
└── PanelError             a panel, or something in it, is not there

An error is a message key of the `locale` room plus its parameters, so it travels from engine to host to
editor unchanged and is put into words once, in the language of the person who reads it.
"""

from __future__ import annotations

from typing import Any, ClassVar


class IdeAgentError(Exception):
    """Base of all errors that a person is meant to read.

    Attributes:
        key: message key in the `locale` catalogues, e.g. ``error.model.not_found``.
        params: values for the placeholders of that message.
    """

    key: ClassVar[str] = "error.unknown"
    http_status: ClassVar[int] = 500

    def __init__(self, key: str | None = None, /, **params: Any) -> None:
        self.key_used = key or self.key
        self.params: dict[str, Any] = params
        super().__init__(self.key_used, params)

    def __str__(self) -> str:
        return self.message("en")

    def message(self, language: str) -> str:
        """What happened, where, and what to do, in `language` (``en`` or ``tr``)."""
        from ide_agent.locale import translate

        return translate(self.key_used, language, **self.params)

    def as_wire(self, language: str = "en") -> dict[str, Any]:
        """The JSON form in which errors cross process borders; see `from_wire`.

        `message` and `type` are what the OpenAI dialect asks for, `code` and `params` are ours. `language` is
        that of `message`: pages in a browser show it as it is. Halves of characters, which JSON can hold and
        UTF-8 cannot, are spelled out.
        """
        return {
            "message": _sendable(self.message(language)),
            "type": type(self).__name__,
            "code": self.key_used,
            "params": _sendable(self.params),
        }


def _sendable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_sendable(key): _sendable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sendable(each) for each in value]
    return value


def from_wire(error: dict[str, Any]) -> IdeAgentError:
    """Rebuild the error that `IdeAgentError.as_wire` described; unknown types become the base class.

    What another version of us says keeps its words where this one has none for it.
    """
    from ide_agent.locale import translatable

    kind = _by_name().get(str(error.get("type")), IdeAgentError)
    code = error.get("code")
    if not isinstance(code, str) or not code.startswith("error."):
        return kind("error.foreign", message=str(error.get("message", "?")))
    given = error.get("params")
    params = given if isinstance(given, dict) else {}
    if "message" in error and not translatable(code, params):  # of another version
        return kind("error.foreign", message=str(error["message"]))
    return kind(code, **params)


def _by_name() -> dict[str, type[IdeAgentError]]:
    found: dict[str, type[IdeAgentError]] = {}
    todo: list[type[IdeAgentError]] = [IdeAgentError]
    while todo:
        cls = todo.pop()
        found[cls.__name__] = cls
        todo.extend(cls.__subclasses__())
    return found


class ConfigError(IdeAgentError):
    """A setting is wrong."""

    key = "error.config"
    http_status = 400


class RoutesError(ConfigError):
    """A line of a file of routing rules is wrong; the parameters `file` and `line` say which."""

    key = "error.routes.value"

    def message(self, language: str) -> str:
        """What is wrong, behind the place: ``routes.yaml:3: …``."""
        text = super().message(language)
        file, line = self.params.get("file"), self.params.get("line")
        return f"{file}:{line}: {text}" if file else text


class HostError(IdeAgentError):
    """The host process is at fault."""

    key = "error.host.unavailable"
    http_status = 503


class HostStartError(HostError):
    """The host process could not be started."""

    key = "error.host.start"


class HostUnavailable(HostError):
    """The host does not answer."""


class ModelError(IdeAgentError):
    """A model is at fault."""

    key = "error.model.invalid"
    http_status = 400


class ModelNotFound(ModelError):
    """No such model on this machine."""

    key = "error.model.not_found"
    http_status = 404


class ModelFileInvalid(ModelError):
    """The model file is not GGUF, corrupt or truncated."""


class NotEnoughMemory(ModelError):
    """The model and its KV cache do not fit into memory."""

    key = "error.model.memory"
    http_status = 507


class EngineError(IdeAgentError):
    """An engine process is at fault."""

    key = "error.engine.start"
    http_status = 502


class EngineStartError(EngineError):
    """The engine process did not come up."""


class EngineCrashed(EngineError):
    """The engine died in the middle of a request."""

    key = "error.engine.crashed"


class EngineUnavailable(EngineError):
    """The circuit is open after repeated crashes."""

    key = "error.engine.circuit_open"
    http_status = 503


class EngineClosed(EngineError):
    """The engine was put away between being asked for and being used; whoever gets this asks once more."""

    key = "error.engine.closed"
    http_status = 503


class PictureError(IdeAgentError):
    """A picture, or another part of a request, cannot be given to a model."""

    key = "error.picture.broken"
    http_status = 400


class DownloadError(IdeAgentError):
    """A model could not be fetched."""

    key = "error.download.failed"
    http_status = 502


class RemoteError(IdeAgentError):
    """A model on another machine is at fault."""

    key = "error.remote.unreachable"
    http_status = 502


class RemoteOff(RemoteError):
    """Remote models are switched off, and this would leave the machine."""

    key = "error.remote.off"
    http_status = 403


class RemoteRefused(RemoteError):
    """The API refused the request, or we refuse to send it."""

    key = "error.remote.refused"
    http_status = 400


class RemoteUnavailable(RemoteError):
    """The API is out of reach, overloaded, or broke off."""

    http_status = 503


class BudgetSpent(RemoteError):
    """As much as is allowed for a day was used."""

    key = "error.remote.tokens_spent"
    http_status = 402


class PanelError(IdeAgentError):
    """A panel is not there, or not what was asked of it."""

    key = "error.panel.unknown"
    http_status = 404
