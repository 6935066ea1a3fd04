import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.errors import ConfigError
from ide_agent.safety.placeholders import Placeholders, own_patterns

TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"


def asks(text: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def hidden(placeholders: Placeholders, text: str) -> str:
    return str(placeholders.hide(asks(text))["messages"][0]["content"])


def test_secrets_go_and_come_back() -> None:
    placeholders = Placeholders()
    text = f"token = '{TOKEN}'\n{KEY}\npassword: 'hunter2!'"
    sent = hidden(placeholders, text)
    assert TOKEN not in sent
    assert "MIIE" not in sent
    assert "hunter2" not in sent
    assert sent.startswith("token = '")
    assert len(placeholders) == 3
    assert placeholders.shown(sent) == text


def test_without_secrets_nothing_changes() -> None:
    placeholders = Placeholders()
    payload = asks("def add(a, b):\n    return a + b")
    assert placeholders.hide(payload) is payload
    answer = {"choices": [{"message": {"content": "REDACTED_0123456789ab"}}]}
    assert placeholders.put_back(answer) is answer


def test_the_same_secret_has_the_same_placeholder_also_in_the_next_request() -> None:
    first, second = Placeholders(), Placeholders()
    assert hidden(first, f"a {TOKEN} b {TOKEN}").split()[1] == hidden(second, f"x {TOKEN}").split()[1]
    assert len(first) == 1
    other = hidden(Placeholders(), TOKEN.replace("a1", "b2"))
    assert other != hidden(Placeholders(), TOKEN)


def test_a_secret_is_found_where_it_stands_alone() -> None:
    sent = hidden(Placeholders(), "password = 'correct-horse-1'\nlogin(correct-horse-1)")
    assert "correct-horse-1" not in sent


def test_what_a_conversation_said_before_stays_a_placeholder() -> None:
    placeholders = Placeholders()
    sent = hidden(placeholders, f"token = '{TOKEN}'")
    assert hidden(Placeholders(), sent) == sent


def test_all_parts_of_a_request_are_looked_at() -> None:
    image = "data:image/png;base64," + "sk_test_" * 8
    payload = {
        "prompt": [TOKEN, "x"],
        "input": TOKEN,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": TOKEN}]},
            {
                "role": "assistant",
                "tool_calls": [{"function": {"name": "f", "arguments": f'{{"k":"{TOKEN}"}}'}}],
            },
            {"role": "tool", "content": TOKEN},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": image}}]},
        ],
        "tools": [{"type": "function", "function": {"description": TOKEN}}],
    }
    sent = json.dumps(Placeholders().hide(payload))
    assert TOKEN not in sent
    assert '"role": "assistant"' in sent


IMAGE = "data:image/png;base64,iVBORw0KGgo" + "AKIA" + "Z" * 16 + "="


@pytest.mark.parametrize("image_url", [IMAGE, {"url": IMAGE}, {"url": IMAGE, "detail": "low"}])
def test_images_pass(image_url: object) -> None:
    part = {"type": "image_url", "image_url": image_url}
    payload = {"messages": [{"role": "user", "content": [part, {"type": "text", "text": TOKEN}]}]}
    first, second = Placeholders().hide(payload)["messages"][0]["content"]
    assert first == part
    assert second["text"].startswith("REDACTED_")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": f"data:image/png;base64,AAAA\n{TOKEN}"},
        {"type": "text", "text": f"data:image/png;base64,AAAA {TOKEN}"},
        {"type": "text", "text": IMAGE},
        {"type": "text", "image_url": {"url": IMAGE}},
        {"image_url": IMAGE},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,AAAA {TOKEN}"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,AAAA=={TOKEN}"}},
        {"type": "image_url", "image_url": {"url": f"https://x.invalid/?key={TOKEN}"}},
        {"type": "image_url", "image_url": {"url": IMAGE, "more": IMAGE}},
        {"type": "image_url", "image_url": {"url": {"url": [IMAGE]}}},
        {"type": "image_url", "image_url": {"url": IMAGE, "detail": TOKEN}},
    ],
)
def test_nothing_passes_as_an_image(part: dict[str, object]) -> None:
    for payload in ({"messages": [{"content": [part]}]}, {"prompt": part.get("text", part)}):
        sent = json.dumps(Placeholders().hide(payload))
        assert "REDACTED_" in sent
        assert TOKEN not in sent


def test_words_of_the_dialect_are_no_secrets() -> None:
    placeholders = Placeholders(own_patterns(["user|text"]))
    sent = placeholders.hide({"messages": [{"role": "user", "content": [{"type": "text", "text": "user"}]}]})
    assert sent["messages"][0]["role"] == "user"
    assert sent["messages"][0]["content"][0]["type"] == "text"
    assert sent["messages"][0]["content"][0]["text"].startswith("REDACTED_")


def test_arguments_of_tools_stay_json() -> None:
    secret = 'a"b\\c\nACME'
    placeholders = Placeholders(own_patterns([r'(?s)a"b.*ACME']))
    sent = hidden(placeholders, f"call it with {secret}")
    placeholder = sent.rpartition(" ")[2]
    arguments = json.dumps({"k": placeholder})
    answer = {"message": {"content": placeholder, "tool_calls": [{"function": {"arguments": arguments}}]}}
    back = placeholders.put_back(answer)
    assert back["message"]["content"] == secret
    assert json.loads(back["message"]["tool_calls"][0]["function"]["arguments"]) == {"k": secret}


def test_a_secret_out_of_arguments_is_the_same_as_elsewhere() -> None:
    placeholders = Placeholders()
    call = {"function": {"name": "f", "arguments": json.dumps({"k": KEY})}}
    sent = placeholders.hide({"messages": [{"content": KEY}, {"tool_calls": [call]}]})
    assert sent["messages"][0]["content"] in sent["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert placeholders.put_back(sent) == {"messages": [{"content": KEY}, {"tool_calls": [call]}]}


def test_an_answer_that_is_to_be_json_stays_json() -> None:
    placeholders = Placeholders()
    payload = {**asks(KEY), "response_format": {"type": "json_object"}}
    sent = placeholders.hide(payload)["messages"][0]["content"]
    assert json.loads(placeholders.shown(json.dumps({"k": sent}))) == {"k": KEY}


def test_own_expressions() -> None:
    placeholders = Placeholders(own_patterns([r"PROJ-\d+", r"pin (?P<secret>\d{4})"]))
    sent = hidden(placeholders, "şu PROJ-17 için pin 1234 ve 1234")
    assert "PROJ" not in sent
    assert "pin REDACTED_" in sent
    assert sent.endswith("1234"), "too short to be looked for alone"
    assert placeholders.shown(sent) == "şu PROJ-17 için pin 1234 ve 1234"


def test_lone_surrogates_are_no_trouble() -> None:
    placeholders = Placeholders(own_patterns([r"ACME-\d+"]))
    sent = hidden(placeholders, "\ud800 ACME-17 \udfff")
    assert "ACME" not in sent
    assert placeholders.shown(sent) == "\ud800 ACME-17 \udfff"


@pytest.mark.parametrize("pattern", ["(", "[a", r"(?=x)", r"(a)\1"])
def test_bad_expressions_are_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(ConfigError) as refused:
        own_patterns(["ok", pattern])
    assert refused.value.params["pattern"] == pattern
    assert refused.value.params["reason"]


pieces = st.lists(
    st.sampled_from(["REDACTED_", "REDACT", "R", "RE", "0", "ab12", "{0}", "{1}", "text ", "ş", "\n"]),
    max_size=12,
)


@given(pieces, st.lists(st.integers(0, 400), max_size=30))
def test_however_a_stream_is_cut_the_text_is_the_same(parts: list[str], cuts: list[int]) -> None:
    placeholders = Placeholders(own_patterns([r"ACME-\d+"]))
    names = hidden(placeholders, "ACME-1 ACME-2222").split()
    text = "".join(parts).replace("{0}", names[0]).replace("{1}", names[1])
    growing = placeholders.growing()
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    shown = [growing.feed(text[start:end]) for start, end in pairwise(edges)]
    assert "".join(shown) + growing.rest() == placeholders.shown(text)
    assert not growing.holds


@given(st.text(max_size=300))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    placeholders = Placeholders(own_patterns(["[0-9]{3,}", "a.b"]))
    assert placeholders.shown(hidden(placeholders, text)) == text


def test_only_what_may_become_a_placeholder_is_held_back() -> None:
    placeholders = Placeholders()
    name = hidden(placeholders, TOKEN)
    growing = placeholders.growing()
    assert growing.feed("Return ") == "Return "
    assert growing.feed(f"it: {name[:5]}") == "it: "
    assert growing.feed(name[5:] + "!") == TOKEN + "!"
    assert growing.feed("REDACTED_zz") == "REDACTED_zz"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"content": 'db_password = "hunter2222x"'}),
        json.dumps([{"password": 'hunter2222x"y'}]),
        json.dumps({"a": json.dumps({"content": 'db_password = "hunter2222x"\n'})}),
        '{"content":"db_password = \\"hunter2222x\\"',
        'see "db_password = \\"hunter2222x\\"" there',
    ],
)
@pytest.mark.parametrize("name", ["content", "arguments"])
def test_secrets_in_json_that_is_a_text(name: str, text: str) -> None:
    placeholders = Placeholders()
    sent = placeholders.hide({name: text})[name]
    assert "hunter2222x" not in sent
    assert len(placeholders) == 1
    if not text.endswith("there"):
        assert placeholders.shown(sent, in_json=True) in (text, text + '"}', text.replace("\\/", "/"))


@pytest.mark.parametrize("value", ['{"authorization": "Bearer abcdef123456789"}', '{"k": "Basic \\"x"}'])
def test_what_is_hidden_in_json_stays_json(value: str) -> None:
    placeholders = Placeholders()
    sent = hidden(placeholders, value)
    assert "abcdef123456789" not in sent
    assert placeholders.put_back(json.loads(sent)) == json.loads(value)


def test_json_without_secrets_stays_to_the_letter() -> None:
    text = '{ "a": 1.10, "a": 2, "b": ["\\u00e9", "token"] }'
    payload = {"arguments": text, "messages": [TOKEN]}
    assert Placeholders().hide(payload)["arguments"] == text


@pytest.mark.parametrize("own", [r"\d{3,}", "[A-Z]{4,}", "[0-9a-f]{2,}", r"\w{3,}", "D_[0-9a-f]+ x"])
def test_own_patterns_leave_placeholders_whole(own: str) -> None:
    placeholders = Placeholders(own_patterns([own]))
    text = f"a {TOKEN} x, 1234567 WORD {TOKEN}b"
    sent = hidden(placeholders, text)
    assert TOKEN not in sent
    assert placeholders.shown(sent) == text


def test_names_that_the_answer_refers_to_stay() -> None:
    call = {"id": TOKEN, "function": {"name": "read_" + "aB3dE5gH7jK9" * 3, "arguments": "{}"}}
    payload = {"messages": [{"content": TOKEN, "tool_calls": [call]}, {"tool_call_id": TOKEN}]}
    sent = Placeholders().hide(payload)["messages"]
    assert sent[0]["tool_calls"] == [call]
    assert sent[0]["content"] != TOKEN
    assert sent[1]["tool_call_id"] == TOKEN
