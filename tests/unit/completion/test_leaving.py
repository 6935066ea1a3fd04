import base64
import random
from typing import Any

import pytest

from ide_agent.config import CompletionSettings
from ide_agent.errors import ModelNotFound
from ide_agent.features.completion.budget import Budget
from ide_agent.features.completion.leaving import fit_to_leave, without_secrets
from ide_agent.features.completion.policy import Policy
from ide_agent.features.completion.wire import CompletionRequest, SnippetBody
from ide_agent.inference.routing.conditions import estimated_tokens
from ide_agent.safety.placeholders import Placeholders, own_patterns

POLICY = Policy(CompletionSettings(private_globs=("vault/**", "/home/me/other/**")))
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
_BODY = base64.b64encode(random.Random(1).randbytes(2350)).decode()
KEY = [_BODY[at : at + 64] for at in range(0, len(_BODY), 64)]
BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
PEM = "\n".join([BEGIN, *KEY, END])
CODE = "".join(f"value_{n} = compute(something, {n})\n" for n in range(400))


async def estimated(text: str) -> range:
    return range(estimated_tokens(text) + 1)


async def sent(request: CompletionRequest, hidden: Placeholders | None = None) -> str | None:
    """What goes into a prompt; None: nothing is asked."""
    left = without_secrets(request, hidden or Placeholders())
    if left is None:
        return None
    fitted = await Budget(estimated).fit(left, suffix=True)
    return f"{fitted.before}{fitted.prefix}|{fitted.suffix}"


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


def test_a_piece_from_outside_the_folder_is_known_by_its_place() -> None:
    pieces = [
        SnippetBody(path="b.py", text="b", file="/home/me/other/b.py"),
        SnippetBody(path="c.py", text="c", file="/home/me/more/c.py"),
    ]
    left = fit_to_leave(request(snippets=pieces, declarations=pieces), POLICY)
    assert left.snippets == left.declarations == pieces[1:]


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
    left = without_secrets(request(prefix=prefix, suffix=suffix), Placeholders())
    assert (left is None) is expected


@pytest.mark.parametrize("tokens", [64, 512, 1000, 1500, 4096])
async def test_of_a_key_no_line_is_sent_wherever_the_cursor_is(tokens: int) -> None:
    text = f"import x\nKEY = '''{PEM}'''\n\n{CODE}"
    start = text.index(BEGIN)
    asked = 0
    for at in [*range(0, start + len(PEM) + 200, 37), len(text)]:
        prompt = await sent(request(prefix=text[:at], suffix=text[at:], prompt_tokens=tokens))
        inside = start < at <= start + len(PEM)
        assert (prompt is None) is inside, at
        asked += prompt is not None
        assert not any(line[:16] in (prompt or "") for line in KEY), at
    assert asked > 3


@pytest.mark.parametrize("cut", [slice(3, 20), slice(0, 9), slice(30, None), slice(12, 15)])
@pytest.mark.parametrize("style", ["{}", "    {}", '    "{}\\n"', "'{}' +"])
async def test_a_key_without_begin_and_end_is_known_by_its_lines(cut: slice, style: str) -> None:
    lines = "\n".join(map(style.format, KEY[cut]))
    piece = {"path": "b.py", "text": f"a = (\n{lines}\n)\n"}
    hidden = Placeholders()
    left = without_secrets(request(snippets=[piece], prefix=f"{lines}\n)\nx = ", suffix=f"\n{lines}"), hidden)
    assert left is not None
    for text in (left.snippets[0].text, left.prefix, left.suffix):
        assert not any(line in text for line in KEY)
    assert hidden.shown(left.prefix) == f"{lines}\n)\nx = "
    middle = len(lines) // 2
    assert without_secrets(request(prefix=lines[:middle], suffix=lines[middle:]), Placeholders()) is None


async def test_a_key_that_is_being_typed_is_not_sent() -> None:
    for typed in (
        BEGIN,
        f"{BEGIN}\n",
        f"{BEGIN}\nMII",
        f"{BEGIN}\n{KEY[0]}\nabc",
        "\n".join([*KEY[:4], "ab"]),
    ):
        assert await sent(request(prefix=f"x\n{typed}", suffix="\ny")) is None, typed
    assert await sent(request(prefix=f"{PEM}\nx", suffix="\ny")) is not None


def test_lines_that_are_no_key_stay() -> None:
    hashes = "\n".join(f"{n:064x}" for n in range(2**200, 2**200 + 5))
    rules = "\n".join(["/" * 64] * 4 + ["A" * 70] * 4)
    text = f"{hashes}\n{rules}\n{KEY[0]}\n{KEY[1]}\n"
    left = without_secrets(request(prefix=text + "x", prompt_tokens=4096), Placeholders())
    assert left is not None
    assert left.prefix == text + "x"


SECRETS = [TOKEN, 'password="Tr0ub4dor&3xyzzy99"', 'x="AKIAIOSFODNN7REALKEY"']


@pytest.mark.parametrize("secret", SECRETS)
async def test_secrets_on_long_lines_are_replaced_before_they_are_cut(secret: str) -> None:
    filler = "a='b';" * 4000
    plain = await sent(request(prefix=filler, suffix=filler))
    assert plain is not None
    before, after = map(len, plain.split("|"))
    assert before > 500
    for shift in range(0, len(secret) + 24, 3):
        at = len(filler) - before - shift
        prefix = filler[:at] + secret + filler[at + len(secret) :]
        end = after - len(secret) + shift
        suffix = filler[:end] + secret + filler[end + len(secret) :]
        prompt = await sent(request(prefix=prefix, suffix=suffix))
        assert prompt is not None
        value = secret.split('"')[1] if '"' in secret else secret
        assert not any(value[n : n + 6] in prompt for n in range(len(value) - 5)), shift


def test_what_has_its_name_before_the_cursor_is_replaced_behind_it() -> None:
    left = without_secrets(request(prefix="password = ", suffix='"Tr0ub4dor&3xyzzy99"\n'), Placeholders())
    assert left is not None
    assert "Tr0ub" not in left.suffix


def test_what_is_found_in_one_place_is_replaced_in_all() -> None:
    piece: Any = {"path": "b.py", "text": 'password = "Tr0ub4dor-xyzzy"'}
    body = request(prefix="say(Tr0ub4dor-xyzzy)\n", snippets=[piece], declarations=[piece])
    left = without_secrets(body, Placeholders())
    assert left is not None
    assert "Tr0ub" not in left.model_dump_json()


@pytest.mark.parametrize(
    ("prefix", "suffix"), [("pin 12", "34\n"), ("t = 'ACM", "E-123456'\n"), ("ACME-12", "")]
)
def test_the_users_own_patterns_hold_at_the_cursor(prefix: str, suffix: str) -> None:
    own = own_patterns([r"pin (?P<secret>\d{4})", r"ACME-\d+"])
    body = request(prefix=prefix, suffix=suffix)
    assert without_secrets(body, Placeholders(own)) is None
    assert without_secrets(body, Placeholders()) == body


def test_what_no_prompt_has_room_for_is_left_out_and_lines_keep_their_numbers() -> None:
    body = request(prefix=CODE * 10 + "x", suffix=CODE * 10, prefix_line=7, prompt_tokens=64)
    left = without_secrets(body, Placeholders())
    assert left is not None
    assert body.prefix.endswith(left.prefix)
    assert max(len(left.prefix), len(left.suffix)) < 5000
    gone = body.prefix.removesuffix(left.prefix)
    assert left.prefix_line == 7 + gone.count("\n")
    assert gone.endswith("\n")


def test_of_an_endless_line_the_start_moves_in_steps() -> None:
    lengths = set()
    for typed in range(0, 40, 5):
        left = without_secrets(request(prefix="ab;" * 9000 + "c" * typed, prompt_tokens=64), Placeholders())
        assert left is not None
        lengths.add(27000 + typed - len(left.prefix))
    assert len(lengths) <= 2
