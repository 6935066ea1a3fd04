"""The expressions that redaction adds to those of detect-secrets; a group ``secret`` is what is replaced."""

from __future__ import annotations

import re

KNOWN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("github-token", re.compile(r"github_pat_\w{22,}")),
    ("anthropic-key", re.compile(r"sk-ant-[\w-]{20,}")),
    ("openai-key", re.compile(r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}")),
    ("google-key", re.compile(r"AIza[\w-]{35}")),
    ("google-token", re.compile(r"ya29\.[\w-]{20,}")),
    ("huggingface-token", re.compile(r"hf_[A-Za-z0-9]{30,}")),
    ("npm-token", re.compile(r"npm_[A-Za-z0-9]{36}")),
    ("npm-token", re.compile(r":_(?:authToken|password|auth)\s*=\s*(?P<secret>[^\s\"'$<{][^\s\"']{7,})")),
    ("slack-token", re.compile(r"xapp-\d-[A-Za-z0-9-]{20,}")),
    ("stripe-key", re.compile(r"(?:[rs]k_test_|whsec_)[A-Za-z0-9]{20,}")),
    ("digitalocean-token", re.compile(r"do[opr]_v1_[a-f0-9]{64}")),
    ("jwt", re.compile(r"(?:(?<![\w-])|(?<=\\[nrt]))eyJ[\w-]{10,}+(?:\.[\w-]++){1,4}")),
    (
        "aws-key",
        re.compile(
            r"(?i:aws_?(?:session_?token|secret_?(?:access_?)?key))['\"]?\s*[:=]\s*['\"]?(?P<secret>[A-Za-z0-9/+=]{40,})"
        ),
    ),
    (
        "url-password",
        re.compile(r"://[^\s:/@\"'<>]{0,64}:(?P<secret>[^\s:/@\"'<>{}$]{3,128})@"),
    ),
    (
        "authorization",
        re.compile(
            r"(?i:authorization['\"]?\s*[:=,]\s*['\"]?(?:bearer|basic|token))\s+(?P<secret>[\w+/=.~-]{12,})"
        ),
    ),
)

# The name before it is looked up afterwards: an expression that began with a name would try every word.
ASSIGNMENT = re.compile(
    r"(?:=>|[:=]=?)[ \t]{0,4}(?:[rbuf]{1,2}|@)?(?P<quote>['\"`])(?P<value>[^'\"`\n]{6,512})(?P=quote)"
)
NAME_BEFORE = re.compile(r"([A-Za-z_][\w.-]{0,63})['\"]?\]?[ \t]{0,4}$")
BARE_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:export[ \t]+|-[ \t]+|ENV[ \t]+)?(?P<name>[A-Za-z][\w.-]{2,63})"
    r"(?:=|[ \t]=[ \t]|:[ \t]+)(?P<value>[^\s'\"`()\[\]{}<>,;]{8,256})[ \t]*(?:#.*)?$",
    re.M,
)

PASSWORD_NAMES = re.compile(
    r"(?i)(?:password|passwd|passphrase|(?:^|[_.-])pwd|(?:client|app|shared|consumer|webhook)[_-]?secret)(?:[_-]?\d+)?$"
)
SECRET_NAMES = re.compile(
    r"(?i)(?:password|passwd|passphrase|pwd|secret|token|credential|salt|api[_-]?key|"
    r"(?:access|auth|account|service|master|signing|encryption|private|ssh|db|database|client|storage)[_-]?key)"
)
DIGEST_NAMES = re.compile(
    r"(?i)(?:hash|digest|sha\d*|md5|checksum|integrity|commit|revision|etag|fingerprint|uuid|guid|public[_-]?key)"
    r"(?:[_-]?\w{0,8})?$"
)
PLACEHOLDER = re.compile(
    r"(?i)^[<$%{]|\$\{|\{\{|%\(|\{[\w.]*\}|^\*+$|^x+$|^\.+$|"
    r"your[_-]|change[_-]?me|placeholder|example|dummy|redacted|"
    r"^(?:string|text|password|passwd|secret|token|hidden|boolean|number|required|optional|current-password|new-password)$"
)
