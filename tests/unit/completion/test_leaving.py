import pytest

from ide_agent.config import CompletionSettings
from ide_agent.errors import ModelNotFound
from ide_agent.features.completion.leaving import fit_to_leave, in_secret
from ide_agent.features.completion.policy import Policy
from ide_agent.features.completion.wire import CompletionRequest, SnippetBody

POLICY = Policy(CompletionSettings(private_globs=("vault/**", "/home/me/other/**")))
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3


def request(**more: object) -> CompletionRequest:
    body = {"document": "file:///home/me/w/src/a.py", "path": "src/a.py", "prefix": "x"}
    return CompletionRequest.model_validate(body | more)


@pytest.mark.parametrize(
    "path", ["id_rsa", "conf/.env", "VAULT/x.py", "vault/deep/x.py", "/home/me/.aws/config", "secrets.toml"]
)
def test_pieces_of_private_files_are_left_out(path: str) -> None:
    fine, bad = SnippetBody(path="src/b.py", text="b"), SnippetBody(path=path, text="p")
    left = fit_to_leave(request(snippets=[bad, fine], declarations=[fine, bad]), POLICY)
    assert left.snippets == left.declarations == [fine]


def test_globs_of_absolute_paths_hold_for_pieces_too() -> None:
    body = request(document="file:///home/me/other%20one/a.py", path="a.py")
    policy = Policy(CompletionSettings(private_globs=("/home/me/other one/b.py",)))
    piece = SnippetBody(path="b.py", text="b")
    assert fit_to_leave(body.model_copy(update={"snippets": [piece]}), policy).snippets == []


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ("file:///home/me/w/vault/a.py", "vault/a.py"),
        ("file:///home/me/other/a.py", "a.py"),
        ("file:///home/me/.ssh/config", "config"),
        ("untitled:Untitled-1", ".env.local"),
    ],
)
def test_a_private_document_is_refused(document: str, path: str) -> None:
    with pytest.raises(ModelNotFound) as refusal:
        fit_to_leave(request(document=document, path=path), POLICY)
    assert refusal.value.key_used == "error.routes.private"


@pytest.mark.parametrize("document", ["http://[x", "untitled:Untitled-1", ""])
def test_what_has_no_place_goes_as_it_is(document: str) -> None:
    body = request(document=document, path="")
    assert fit_to_leave(body, POLICY) == body


@pytest.mark.parametrize(
    ("prefix", "suffix", "expected"),
    [
        (f'a = "{TOKEN}', '"', True),
        (f'a = "{TOKEN[:15]}', f'{TOKEN[15:]}"', True),
        (f'a = "{TOKEN}"\nb = ', "\n", False),
        (f'a = "{TOKEN}"; b = ', "\n", False),
        ("a = ", f'"{TOKEN}"', False),
        ("a = ", "", False),
    ],
)
def test_whether_the_cursor_is_in_a_secret(prefix: str, suffix: str, expected: bool) -> None:
    assert in_secret(request(prefix=prefix, suffix=suffix)) is expected
