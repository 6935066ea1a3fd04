"""Where ghost text is offered, and which files nothing is ever read from."""

from __future__ import annotations

import os.path
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from ide_agent.errors import ConfigError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from ide_agent.config import CompletionSettings

Reason = Literal["", "scheme", "language", "disabled", "private"]

# `buffer` is what Sublime Text calls a view that has no file yet.
_SCHEMES = frozenset({"file", "untitled", "buffer", "vscode-notebook-cell"})

# Of files, by their name alone: a folder that happens to be called `credentials` holds code as a rule.
_PRIVATE_NAMES = (
    ".env*", "*.env", "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.ppk", "*.jks", "*.keystore", "*.gpg",
    "*.kdb", "*.kdbx", "*.ovpn", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*",
    ".netrc", "_netrc", ".pgpass", "pgpass.conf", ".my.cnf", ".npmrc", ".pypirc", ".htpasswd", ".s3cfg",
    ".boto", ".dockercfg", ".git-credentials", ".vault-token", ".terraformrc", ".*_history",
    "credentials*", "secrets.*", "client_secret*.json", "service-account*.json", "kubeconfig",
    "*.tfvars", "*.tfvars.json", "*.tfstate", "*.tfstate.backup",
)  # fmt: skip
_PRIVATE_PLACES = (
    "**/.ssh/**", "**/.aws/**", "**/.azure/**", "**/.gnupg/**", "**/.password-store/**", "**/.kube/config*",
    "**/.docker/config.json", "**/.config/gcloud/**", "**/.config/gh/**",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a document gets suggestions; true or false in a condition."""

    reason: Reason = ""
    """What speaks against it; empty when nothing does."""

    def __bool__(self) -> bool:
        return not self.reason


class Policy:
    """Answers for one set of settings. The on/off switches for all documents are not its concern.

    Globs are those of .gitignore. Private ones match in any letter case, below the workspace and as absolute
    paths alike, and may start with ``~/``; disabled ones match workspace-relative paths.
    """

    def __init__(self, settings: CompletionSettings) -> None:
        self._settings = settings
        self._problems: list[ConfigError] = []

    @property
    def problems(self) -> list[ConfigError]:
        """Globs in the settings that are not valid; they are ignored."""
        _ = self._own_private, self._disabled
        return list(self._problems)

    def allows(self, uri: str, path: str, language: str) -> Verdict:
        """Whether the document gets suggestions.

        Args:
            uri: of the document, as the editor gave it.
            path: workspace-relative with forward slashes; '' for an unsaved document.
            language: LSP language id.
        """
        try:
            parts = urlsplit(uri)
        except ValueError:
            return Verdict("scheme")
        if parts.scheme not in _SCHEMES:
            return Verdict("scheme")
        if self.is_private(path) or self.is_private(unquote(parts.path)):
            return Verdict("private")
        if not self._settings.languages.get(language, True):
            return Verdict("language")
        if path and self._disabled is not None and self._disabled.match_file(path):
            return Verdict("disabled")
        return Verdict()

    def is_private(self, path: str) -> bool:
        """Whether nothing of this file may be read, sent to a model or recorded; any form of path."""
        path = path.replace("\\", "/").rstrip("/").lower()
        if not path:
            return False
        names, places = self._builtin
        return (
            names.match_file(path.rsplit("/", 1)[-1])
            or places.match_file(path)
            or (self._own_private is not None and self._own_private.match_file(path))
        )

    @cached_property
    def _builtin(self) -> tuple[GitIgnoreSpec, GitIgnoreSpec]:
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines(_PRIVATE_NAMES), GitIgnoreSpec.from_lines(_PRIVATE_PLACES)

    @cached_property
    def _own_private(self) -> GitIgnoreSpec | None:
        globs = self._settings.private_globs
        return self._compile("private_globs", (_absolute(glob).lower() for glob in globs))

    @cached_property
    def _disabled(self) -> GitIgnoreSpec | None:
        return self._compile("disabled_globs", self._settings.disabled_globs)

    def _compile(self, setting: str, globs: Iterable[str]) -> GitIgnoreSpec | None:
        from pathspec import GitIgnoreSpec

        good: list[str] = []
        for glob in globs:
            try:
                GitIgnoreSpec.from_lines([glob])
            except ValueError as failure:
                self._problems.append(
                    ConfigError(
                        "error.config_glob", key=f"completion.{setting}", glob=glob, reason=str(failure)
                    )
                )
            else:
                good.append(glob)
        return GitIgnoreSpec.from_lines(good) if good else None


def _absolute(glob: str) -> str:
    """`glob` with a leading ``~`` (also behind ``!``) replaced by the home folder."""
    negation, glob = ("!", glob[1:]) if glob.startswith("!") else ("", glob)
    if glob.startswith("~/"):
        glob = os.path.expanduser("~").replace("\\", "/") + glob[1:]  # noqa: PTH111
    return negation + glob
