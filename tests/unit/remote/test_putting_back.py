import json
from typing import Any

from ide_agent.inference.remote.putting_back import Restored
from ide_agent.safety.placeholders import Placeholders, own_patterns


def hidden() -> tuple[Placeholders, str]:
    placeholders = Placeholders(own_patterns([r'(?s)ACME".*?!']))
    return placeholders, str(placeholders.hide({"prompt": 'ACME"\n1!'})["prompt"])


def chunk(delta: dict[str, Any], index: int = 0, finish: str | None = None) -> dict[str, Any]:
    return {"id": "x", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def run(restored: Restored, *events: dict[str, Any]) -> list[dict[str, Any]]:
    return [out for event in events for out in restored.event(event)] + list(restored.rest())


def contents(events: list[dict[str, Any]], index: int = 0, name: str = "content") -> str:
    return "".join(
        choice.get("delta", {}).get(name) or ""
        for event in events
        for choice in event["choices"]
        if choice["index"] == index
    )


def test_choices_do_not_mix() -> None:
    placeholders, name = hidden()
    events = run(
        Restored(placeholders),
        chunk({"content": name[:9]}, 0),
        chunk({"content": name[:5]}, 1),
        chunk({"content": name[9:]}, 0, "stop"),
        chunk({"content": name[5:]}, 1, "stop"),
    )
    assert contents(events, 0) == contents(events, 1) == 'ACME"\n1!'


def test_what_is_held_back_comes_with_the_end() -> None:
    placeholders, _ = hidden()
    events = run(Restored(placeholders), chunk({"content": "R"}), chunk({}, finish="stop"))
    assert contents(events) == "R"
    assert len(events) == 2


def test_what_is_held_back_comes_also_without_an_end() -> None:
    placeholders, name = hidden()
    events = run(Restored(placeholders), chunk({"content": f"a {name[:12]}"}))
    assert contents(events) == f"a {name[:12]}"
    assert events[-1]["id"] == "x"


def test_arguments_of_tools_are_put_together_as_json() -> None:
    placeholders, name = hidden()
    arguments = json.dumps({"k": name})
    events = [
        chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": piece}}]})
        for piece in (arguments[:10], arguments[10:])
    ]
    out = run(Restored(placeholders), *events, chunk({}, finish="tool_calls"))
    told = "".join(
        call["function"]["arguments"]
        for event in out
        for choice in event["choices"]
        for call in choice["delta"].get("tool_calls", [])
    )
    assert json.loads(told) == {"k": 'ACME"\n1!'}


def test_arguments_that_break_off_in_a_name() -> None:
    placeholders, name = hidden()
    call = {"tool_calls": [{"index": 1, "function": {"arguments": name[:7]}}]}
    out = run(Restored(placeholders), chunk(call), chunk({}, finish="length"))
    assert out[-1]["choices"][0]["delta"]["tool_calls"] == [{"index": 1, "function": {"arguments": name[:7]}}]


def test_plain_completions_and_other_texts_of_an_answer() -> None:
    placeholders, name = hidden()
    text = [{"choices": [{"index": 0, "text": each, "finish_reason": None}]} for each in (name[:3], name[3:])]
    assert "".join(event["choices"][0]["text"] for event in run(Restored(placeholders), *text)) == 'ACME"\n1!'
    thought = run(Restored(placeholders), chunk({"role": "assistant", "reasoning": name}, finish="stop"))
    assert contents(thought, name="reasoning") == 'ACME"\n1!'


def test_without_secrets_events_are_passed_on_as_they_are() -> None:
    event = chunk({"content": "REDACTED_"})
    assert list(Restored(None).event(event)) == [event]
    assert list(Restored(None).rest()) == []


def test_function_calls_and_parts() -> None:
    placeholders, name = hidden()
    events = run(
        Restored(placeholders),
        chunk({"function_call": {"name": "f", "arguments": '{"a":"' + name[:9]}}),
        chunk({"function_call": {"arguments": name[9:] + '"}'}}),
        chunk({"content": [{"type": "text", "text": name}]}, 0, "stop"),
    )
    deltas = [event["choices"][0]["delta"] for event in events]
    arguments = "".join(delta.get("function_call", {}).get("arguments", "") for delta in deltas)
    assert json.loads(arguments) == {"a": 'ACME"\n1!'}
    assert deltas[-1]["content"] == [{"type": "text", "text": 'ACME"\n1!'}]


def test_a_last_chunk_without_text() -> None:
    placeholders, name = hidden()
    events = run(
        Restored(placeholders),
        {"choices": [{"index": 0, "text": name[:9]}]},
        {"choices": [{"index": 0, "text": None, "finish_reason": "stop"}]},
    )
    assert [event["choices"][0]["text"] for event in events] == ["", name[:9]]
