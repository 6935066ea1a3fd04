import inspect
import json
import random
import string
import textwrap

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ide_agent.safety.redaction import redact

_RANDOM = random.Random(20)


def made(alphabet: str, length: int) -> str:
    """A secret of that shape; made up here so that no scanner takes this file for a leak."""
    return "".join(_RANDOM.choice(alphabet) for _ in range(length))


WORD = string.ascii_letters + string.digits
PEM_LINES = "\n".join(made(WORD + "+/", 64) for _ in range(12))
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{PEM_LINES}\n-----END RSA PRIVATE KEY-----"
JWT = ".".join((f"eyJ{made(WORD, 30)}", f"eyJ{made(WORD, 60)}", made(WORD + "-_", 43)))

SECRETS = [
    ("aws-key", "key = '{}'", "AKIA" + made(string.ascii_uppercase + string.digits, 16)),
    ("aws-key", 'aws_secret_access_key = "{}"', made(WORD + "/+", 40)),
    ("aws-key", "AWS_SECRET_ACCESS_KEY={}", made(WORD + "/+", 40)),
    ("github-token", "git clone https://{}@github.com/a/b", "ghp_" + made(WORD, 36)),
    ("github-token", "# {}", "github_pat_" + made(WORD + "_", 82)),
    ("gitlab-token", "curl -H 'PRIVATE-TOKEN: {}'", "glpat-" + made(WORD, 20)),
    (
        "slack-token",
        "client = WebClient('{}')",
        "xoxb-" + made(string.digits, 12) + "-" + made(WORD.lower(), 24),
    ),
    ("stripe-key", "stripe.api_key = '{}'", "sk_live_" + made(WORD, 24)),
    ("openai-key", "OpenAI(api_key='{}')", "sk-proj-" + made(WORD, 48)),
    ("anthropic-key", "x = f('{}')", "sk-ant-" + made(WORD, 48)),
    ("google-key", "maps('{}')", "AIza" + made(WORD, 35)),
    ("huggingface-token", "login('{}')", "hf_" + made(string.ascii_letters, 34)),
    ("npm-token", "//registry.example/:_authToken={}", made(WORD, 36)),
    ("pypi-token", "twine upload -p {}", "pypi-AgEIcHlwaS5vcmc" + made(WORD, 80)),
    ("azure-key", "AccountName=a;{};EndpointSuffix=b", "AccountKey=" + made(WORD, 86) + "=="),
    ("jwt", "verify({})", JWT),
    ("private-key", "KEY = '''{}'''", PEM),
    ("url-password", "engine('postgresql://bob:{}@db.internal/shop')", "s3cr3t-pw"),
    ("url-password", "REDIS=redis://:{}@cache:6379/0", "gK2pass!x"),
    ("authorization", "headers = {{'Authorization': 'Bearer {}'}}", made(WORD, 30)),
    ("password", "password = '{}'", "hunter22"),
    ("password", 'config["db_password"] = "{}"', "correcthorsebattery"),
    ("password", "login(user='bob', passwd='{}')", "tr0ub4dor&3"),
    ("password", '{{"client_secret": "{}"}}', made(WORD, 24)),
    ("password", "const pwd = `{}`;", "Pa55wordish!"),
    ("secret", 'api_key: "{}"', made(WORD, 24)),
    ("secret", 'private readonly accessToken = "{}";', made(string.hexdigits.lower(), 40)),
    ("secret", "export DB_PASSWORD={}", "Sup3rS3cret!"),
    ("secret", "db_password: {}  # production", "Str0ngPass99"),
    ("secret", "spring.datasource.password={}", "Str0ngPass99"),
    ("secret", "db_password = {}", "Str0ngPass99"),
    ("secret", "DB_PASSWORD: {}", "Str0ngPass99"),
    ("secret", "X-API-Key: {}", made(WORD, 24)),
    ("secret", "DB_PASSWORD={}", "pa$$W0rd#1"),
    ("high-entropy", 'blob = "{}"', "Zx8Qp2Lm9Vt4Rk7Yw1Nc6Hb3Jd5Fs0GaUe"),
]


@pytest.mark.parametrize(
    ("kind", "template", "secret"), SECRETS, ids=[f"{k}-{i}" for i, (k, _, _) in enumerate(SECRETS)]
)
def test_secret_is_replaced_and_nothing_else(kind: str, template: str, secret: str) -> None:
    before, after = "x = 1\n", "\ny = 2\n"
    assert redact(before + template.format(secret) + after) == (
        before + template.format(f"<redacted:{kind}>") + after
    )


def test_key_cut_off_at_its_end_leaves_nothing() -> None:
    head = PEM[: len(PEM) // 2]
    assert redact(f"a = 1\n{head}") == "a = 1\n<redacted:private-key>"


def test_key_cut_off_at_its_start_leaves_nothing() -> None:
    tail = PEM[PEM.index("\n", 200) + 1 :]
    assert redact(f"{tail}\nb = 2\n") == "<redacted:private-key>\nb = 2\n"


def test_end_of_a_key_alone_takes_no_code_with_it() -> None:
    text = "def f():\n    pass\nx\n-----END RSA PRIVATE KEY-----\n"
    assert redact(text) == text


def test_key_without_end_spares_the_code_after_it() -> None:
    text = f"-----BEGIN PRIVATE KEY-----\n{PEM_LINES}\n\ndef f():\n    return 1\n"
    assert redact(text) == "<redacted:private-key>\n\ndef f():\n    return 1\n"


def test_key_in_a_json_string() -> None:
    text = json.dumps({"private_key": PEM, "type": "service_account"})
    assert redact(text) == '{"private_key": "<redacted:private-key>", "type": "service_account"}'


def test_two_secrets_on_one_line() -> None:
    assert redact("f(password='hunter22', passwd='hunter33')") == (
        "f(password='<redacted:password>', passwd='<redacted:password>')"
    )


ORDINARY = [
    'password = getpass("Password: ")',
    'password = os.environ["DB_PASSWORD"]',
    'PASSWORD = "PASSWORD"',
    'field = {"type": "password", "name": "password"}',
    '<input type="password" id="password" placeholder="Password">',
    "password: str = Field(min_length=8)",
    "token = tokenizer.next_token()",
    "tokens = ['identifier', 'keyword', 'number']",
    "token: Token = self.peek()",
    'secret_name = "projects/shop/database"',
    "api_key = settings.api_key",
    'url = "postgresql://{user}:{password}@{host}/db"',
    'url = f"https://{user}:{token}@example.org"',
    'PASSWORD="${DB_PASSWORD}"',
    'password = "<your password>"',
    'password = "changeme"',
    'sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    'checksum = "Zx8Qp2Lm9Vt4Rk7Yw1Nc6Hb3Jd5Fs0GaUe"',
    'commit = "3f786850e387550fdab836ed7e6dc881de23001b"',
    'id = "123e4567-e89b-12d3-a456-426614174000"',
    'alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"',
    'name = "AbstractSingletonProxyFactoryBeanDefinitionReader2"',
    'path = "node_modules/@types/node/v20/ts4.8/globals.d.ts"',
    "const x = condition ? 'a' : 'b'; // not: a secret",
    "def test_password_is_hashed(): assert hash_password('a') != 'a'",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
]


@pytest.mark.parametrize("code", ORDINARY)
def test_ordinary_code_stays(code: str) -> None:
    assert redact(code) == code


@pytest.mark.parametrize(
    "module", [textwrap, json.decoder, inspect, random, string], ids=lambda m: m.__name__
)
def test_standard_library_stays(module: object) -> None:
    source = inspect.getsource(module)  # type: ignore[arg-type]
    assert redact(source) == source


_PARTS = st.sampled_from(
    [
        *(template.format(secret) for _, template, secret in SECRETS),
        *ORDINARY,
        "\n",
        " ",
        '"',
        "'",
        "=",
        "-----",
    ]
)


@example(
    "AWS_SECRET_ACCESS_KEY=kNBRD6mNSKXH16UhQil+YOwV2MI37Yzhe0hJhvoDchecksum"
    ' = "Zx8Qp2Lm9Vt4Rk7Yw1Nc6Hb3Jd5Fs0GaUe"'
)
@given(st.lists(st.one_of(_PARTS, st.text(max_size=20)), max_size=8).map("".join))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert once == text or redact(once) == once


@given(st.text(max_size=300))
def test_text_around_a_secret_is_kept(text: str) -> None:
    secret = "ghp_" + "aB3dE5fG7h" * 3 + "aB3dE5"
    out = redact(f"{text}\n{secret}\n")
    assert secret not in out
    assert "<redacted:" in out


@pytest.mark.parametrize(
    "hostile",
    [
        "a",
        "=",
        "'",
        "A" * 64 + "\n",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----\n",
        "://a:b",
        "x='",
    ],
)
def test_a_megabyte_of_anything_is_done_in_time(hostile: str) -> None:
    """An expression that backtracked over the whole text would run into the time limit of the test."""
    text = hostile * (1_000_000 // len(hostile))
    once = redact(text)
    assert once == text or redact(once) == once


@pytest.mark.timeout(30)
@pytest.mark.parametrize("piece", ["eyJ", "-eyJ", "_eyJa", "sk-", "sk-a_", "glagent-", "xoxb-1-", "{'a"])
def test_hostile_texts_take_no_longer_than_others(piece: str) -> None:
    text = piece * (200_000 // len(piece)) + " "
    assert redact(text + "AKIA" + "ABCDEFGH23456789").endswith("<redacted:aws-key>")


@pytest.mark.parametrize("before", ["", "'", r"a\n", "="])
def test_a_jwt_is_found(before: str) -> None:
    assert redact(f"{before}eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0") == f"{before}<redacted:jwt>"
