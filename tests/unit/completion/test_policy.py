"""Where suggestions are offered, and what is never read."""

from __future__ import annotations

from pathlib import Path

import pytest

from ide_agent.config import CompletionSettings
from ide_agent.features.completion.policy import Policy


def policy(
    *,
    languages: dict[str, bool] | None = None,
    disabled: tuple[str, ...] = (),
    private: tuple[str, ...] = (),
) -> Policy:
    return Policy(
        CompletionSettings(languages=languages or {}, disabled_globs=disabled, private_globs=private)
    )


def test_an_ordinary_file_is_allowed() -> None:
    verdict = policy().allows("file:///project/src/a.py", "src/a.py", "python")
    assert verdict
    assert verdict.reason == ""


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:Untitled-1",
        "untitled:/project/new.py",
        "vscode-notebook-cell:/project/a.ipynb#W0",
        "buffer:12",
    ],
)
def test_case_44_documents_without_a_file_are_allowed(uri: str) -> None:
    assert policy().allows(uri, "", "python")


@pytest.mark.parametrize(
    "uri",
    [
        "git:/project/a.py?ref",
        "output:extension-output-1",
        "vscode-scm:git/scm0/input",
        "vscode-settings:/x.json",
        "fugitive:///project/.git//0/a.py",
        "term://bash",
        "/project/a.py",
        "http://[broken",
        "",
    ],
)
def test_case_44_other_schemes_are_not(uri: str) -> None:
    assert policy().allows(uri, "a.py", "python").reason == "scheme"


@pytest.mark.parametrize(
    "path",
    [
        ".env", ".env.local", "deploy/.envrc", "prod.env", "certs/server.pem", "server.key", "a.p12", "a.pfx",
        "vault.kdbx", "id_rsa", "keys/id_rsa.pub", "id_ed25519", ".netrc", ".pgpass", ".npmrc", "web/.npmrc",
        ".pypirc", "credentials", "credentials.json", "config/credentials.yml.enc", "secrets.yaml",
        "k8s/secrets.yml", "prod.tfvars", "prod.auto.tfvars.json", "terraform.tfstate", ".ssh/config",
        "/home/u/.ssh/known_hosts", "/home/u/.aws/config", "home/.kube/config", ".docker/config.json",
        ".gnupg/private-keys-v1.d/x", "/root/.bash_history", ".git-credentials",
        ".ENV", "Server.PEM", "C:\\Users\\u\\.ssh\\config", "C:\\work\\secrets.json",
    ],
)  # fmt: skip
def test_key_files_are_private(path: str) -> None:
    assert policy().is_private(path)
    assert policy().allows("file:///project/x", path, "plaintext").reason == "private"


@pytest.mark.parametrize(
    "path",
    [
        "src/a.py", "environment.py", "env.py", "keys.py", "key.ts", "secret_santa.py", "ssh/config.py",
        "credentials/client.py", "my_credentials.py", "aws/config", "npmrc.md", "docs/pem.md", "",
    ],
)  # fmt: skip
def test_other_files_are_not(path: str) -> None:
    assert not policy().is_private(path)


def test_the_uri_counts_where_the_path_says_little() -> None:
    assert policy().allows("file:///home/u/.ssh/config", "config", "ssh_config").reason == "private"
    assert policy().allows("file:///home/u/%2Eenv", "", "plaintext").reason == "private"
    assert policy().allows("untitled:/home/u/.env", "", "plaintext").reason == "private"


def test_own_private_globs_add_to_the_built_in_ones() -> None:
    own = policy(private=("notes/**", "*.private.*", "!.env"))
    assert own.is_private("notes/a.md")
    assert own.is_private("Notes/A.md")
    assert own.is_private("src/x.private.py")
    assert own.is_private(".env")
    assert not own.is_private("src/a.py")


def test_private_globs_may_start_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    own = policy(private=("~/diary/**", "!~/diary/public.md"))
    assert own.is_private(str(tmp_path / "diary" / "today.md"))
    assert not own.is_private(str(tmp_path / "diary" / "public.md"))
    assert not own.is_private("diary/today.md")


def test_a_language_can_be_switched_off() -> None:
    own = policy(languages={"markdown": False, "python": True})
    assert own.allows("file:///project/a.md", "a.md", "markdown").reason == "language"
    assert own.allows("file:///project/a.py", "a.py", "python")
    assert own.allows("file:///project/a.rs", "a.rs", "rust")


def test_disabled_globs_match_workspace_paths() -> None:
    own = policy(disabled=("vendor/", "/gen/**", "*.min.js"))
    assert own.allows("file:///project/vendor/a.py", "vendor/a.py", "python").reason == "disabled"
    assert own.allows("file:///project/gen/a.py", "gen/a.py", "python").reason == "disabled"
    assert own.allows("file:///project/src/gen/a.py", "src/gen/a.py", "python")
    assert own.allows("file:///gen/project/a.py", "a.py", "python")
    assert own.allows("file:///project/a.min.js", "a.min.js", "javascript").reason == "disabled"
    assert own.allows("untitled:Untitled-1", "", "python")


def test_private_goes_before_every_other_reason() -> None:
    own = policy(languages={"dotenv": False}, disabled=("*",))
    assert own.allows("file:///project/.env", ".env", "dotenv").reason == "private"


def test_a_glob_that_is_not_valid_is_reported_and_the_others_work() -> None:
    own = policy(private=("!", "good.txt"), disabled=("!", "bad/"))
    assert own.is_private("good.txt")
    assert own.allows("file:///project/bad/a.py", "bad/a.py", "python").reason == "disabled"
    assert [(p.params["key"], p.params["glob"]) for p in own.problems] == [
        ("completion.private_globs", "!"),
        ("completion.disabled_globs", "!"),
    ]
    assert policy().problems == []
