"""Takes secrets out of text before it is kept: each becomes ``<redacted:TYPE>``.

Known shapes (tokens of well-known services, key blocks, credentials in URLs) are always taken out. Values
that are only called secret (``password = "…"``) or only look random are judged by name, alphabet and entropy,
so that ordinary code stays as it is. In doubt a secret-sounding value goes: a lost word costs little.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from math import log2
from typing import Any, NamedTuple

from ide_agent.safety.keys import private_keys
from ide_agent.safety.patterns import (
    ASSIGNMENT,
    BARE_ASSIGNMENT,
    DIGEST_NAMES,
    KNOWN,
    NAME_BEFORE,
    PASSWORD_NAMES,
    PLACEHOLDER,
    SECRET_NAMES,
)

_MIN_ENTROPY = 3.0  # bits a character; English words are near 2.5 to 3.5, so alphabet and length count too
_MIN_RANDOM_ENTROPY = 4.3
_MIN_RANDOM_LENGTH = 32
_MIN_TOKEN_LENGTH = 12
_MIN_PASSWORD_LENGTH = 6
_PASSES = 8
_LONGEST_JUDGED = 512
_NAME_REACH = 72  # characters before an assignment in which its name ends


class _Find(NamedTuple):
    start: int
    end: int
    kind: str


def secrets_in(text: str) -> list[tuple[int, int]]:
    """Start and end of each secret in `text`, in order, none within another."""
    spans: list[tuple[int, int]] = []
    for find in sorted(_finds(text), key=lambda find: find.start):
        if not spans or find.start >= spans[-1][1]:
            spans.append((find.start, find.end))
        elif find.end > spans[-1][1]:
            spans[-1] = (spans[-1][0], find.end)
    return spans


def is_secret(name: str, value: str) -> bool:
    """Whether `value` is a secret for being called `name`."""
    return len(value) <= _LONGEST_JUDGED and _judge(name[-_NAME_REACH:], value) is not None


def redact(text: str) -> str:
    """`text` with each secret replaced by ``<redacted:TYPE>``; redacting twice changes nothing more."""
    for _ in range(_PASSES):
        before, text = text, _pass(text)
        if text == before:
            break
    return text


def _pass(text: str) -> str:
    """A secret may hide what another one is known by: its name, when both run together."""
    pieces: list[str] = []
    position = 0
    for find in sorted(_finds(text), key=lambda find: find.start):
        if find.start < position:
            if find.end > position:  # the rest of a secret whose start another pattern took
                position = find.end
            continue
        pieces += (text[position : find.start], f"<redacted:{find.kind}>")
        position = find.end
    pieces.append(text[position:])
    return "".join(pieces)


def _finds(text: str) -> Iterator[_Find]:
    for start, end in private_keys(text):
        yield _Find(start, end, "private-key")
    for kind, pattern in _known():
        for match in pattern.finditer(text):
            group = "secret" if "secret" in pattern.groupindex else 0
            yield _Find(*match.span(group), kind)
    for match in ASSIGNMENT.finditer(text):
        name = NAME_BEFORE.search(text, max(match.start() - _NAME_REACH, 0), match.start())
        judged = _judge(name[1] if name else "", match["value"])
        if judged:
            yield _Find(*match.span("value"), judged)
    for match in BARE_ASSIGNMENT.finditer(text):
        value = match["value"]
        if SECRET_NAMES.search(match["name"]) and _looks_like_token(value, _MIN_PASSWORD_LENGTH + 2):
            yield _Find(*match.span("value"), "secret")


def _judge(name: str, value: str) -> str | None:
    """What kind of secret `value` is when it is assigned to `name`; None when it is none."""
    if PLACEHOLDER.search(value) or DIGEST_NAMES.search(name) or value.lower() == name.lower():
        return None
    if (
        PASSWORD_NAMES.search(name)
        and len(value) >= _MIN_PASSWORD_LENGTH
        and not any(map(str.isspace, value))
    ):
        return "password"
    if SECRET_NAMES.search(name) and _looks_like_token(value, _MIN_TOKEN_LENGTH):
        return "secret"
    return "high-entropy" if _looks_random(value) else None


def _looks_like_token(value: str, least: int) -> bool:
    """Whether a value that is called a secret is more than a word or a name."""
    return (
        len(value) >= least
        and not PLACEHOLDER.search(value)
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and not any(map(str.isspace, value))
        and _entropy(value) >= _MIN_ENTROPY
    )


def _looks_random(value: str) -> bool:
    """Whether a value looks like key material whatever its name: long, mixed throughout, in no order."""
    if len(value) < _MIN_RANDOM_LENGTH or not re.fullmatch(r"[\w+/=.-]+", value, re.ASCII):
        return False
    classes = [_class(character) for character in value]
    if len({"a", "A", "0"} & set(classes)) < 3 or classes.count("0") < 3:
        return False
    changes = sum(a != b for a, b in pairwise(classes))
    steps = sum(abs(ord(a) - ord(b)) <= 1 for a, b in pairwise(value))  # alphabets, runs of one character
    heuristic = _detect_secrets().heuristic
    return (
        changes >= 0.4 * len(value)
        and steps <= 0.25 * len(value)
        and not heuristic.is_potential_uuid(value)
        and _entropy(value) >= _MIN_RANDOM_ENTROPY
    )


def _class(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return "-"


def _entropy(value: str) -> float:
    """Shannon entropy in bits a character."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * log2(share) for share in shares)


class _Library(NamedTuple):
    patterns: list[tuple[str, re.Pattern[str]]]
    heuristic: Any


@cache
def _known() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return (*KNOWN, *_detect_secrets().patterns)


@cache
def _detect_secrets() -> _Library:
    """What is used of detect-secrets, imported late: it brings `requests` along.

    Of its detectors the expressions are used, not `analyze_string`: that yields the groups of an expression,
    which for several is the token's prefix only.
    """
    from detect_secrets.filters import heuristic
    from detect_secrets.plugins import (
        aws,
        azure_storage_key,
        discord,
        github_token,
        gitlab_token,
        mailchimp,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
        twilio,
    )

    detectors = (
        ("aws-key", aws.AWSKeyDetector.denylist[:1]),
        ("azure-key", azure_storage_key.AzureStorageKeyDetector.denylist),
        ("discord-token", discord.DiscordBotTokenDetector.denylist),
        ("github-token", github_token.GitHubTokenDetector.denylist),
        ("gitlab-token", gitlab_token.GitLabTokenDetector.denylist),
        ("mailchimp-key", mailchimp.MailchimpDetector.denylist),
        ("pypi-token", pypi_token.PypiTokenDetector.denylist),
        ("sendgrid-key", sendgrid.SendGridDetector.denylist),
        ("slack-token", slack.SlackDetector.denylist),
        ("square-token", square_oauth.SquareOAuthDetector.denylist),
        ("stripe-key", stripe.StripeDetector.denylist),
        ("telegram-token", telegram_token.TelegramBotTokenDetector.denylist),
        ("twilio-key", twilio.TwilioKeyDetector.denylist),
    )
    return _Library(
        [(kind, pattern) for kind, patterns in detectors for pattern in patterns],
        heuristic,
    )
