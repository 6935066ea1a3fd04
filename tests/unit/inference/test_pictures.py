"""What may be sent to a model in a chat, pictures among it."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.errors import PictureError
from ide_agent.inference.pictures import MOST_BYTES, MOST_PICTURES, Pictures, checked, seen
from support.projector_file import COLOURS, picture

CHAT = "/v1/chat/completions"
PNG = picture(COLOURS["red"])
TEXT = {"type": "text", "text": "see http://example.invalid/x.png"}


def asks(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": list(parts)}]}


def image(url: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def png(width: int, height: int, size: int = 0) -> str:
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return "data:image/png;base64," + base64.b64encode(content.ljust(size, b"\0")).decode()


def refusal(payload: dict[str, Any], path: str = CHAT) -> str:
    with pytest.raises(PictureError) as caught:
        checked(path, payload)
    assert caught.value.message("tr")
    return caught.value.key_used


def parts_of(payload: dict[str, Any]) -> Any:
    return checked(CHAT, payload)[0]["messages"][-1]["content"]


def test_pictures_are_counted() -> None:
    assert checked(CHAT, asks(TEXT))[1] == Pictures()
    assert checked(CHAT, asks(TEXT, image(PNG), image(PNG)))[1] == Pictures(2, 2 * len(PNG))
    assert seen(asks(TEXT, image(PNG), image("https://x.invalid/a.png"))) == Pictures(2, len(PNG))


def test_parts_are_written_anew() -> None:
    part = {
        "type": "image_url",
        "image_url": {"url": PNG, "detail": "low", "x": 1},
        "uuid": "u",
        "video_url": "http:",
    }
    clean = {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}
    assert parts_of(asks(part, {**TEXT, "image_url": "http://127.0.0.1:9/"}, "s")) == [
        clean,
        TEXT,
        {"type": "text", "text": "s"},
    ]
    assert parts_of(asks({"type": "image_url", "image_url": PNG})) == [image(PNG)]
    assert parts_of(asks(image(PNG.replace("data:image/png", "DATA:IMAGE/x-odd")))) == [image(PNG)]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": "Question: x"},
        {"type": "input_text", "text": "Question: x"},
        {"type": "output_text", "text": "Question: x", "annotations": []},
        {"type": "refusal", "refusal": "Question: x"},
    ],
)
def test_texts_of_all_kinds_are_taken(part: dict[str, Any]) -> None:
    assert parts_of(asks(part)) == [{"type": "text", "text": "Question: x"}]


def test_tools_go_through() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"url": "http://x"}'}}
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "http://x"},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "http://x"}]},
    ]
    payload = {"messages": messages, "tools": [{"type": "function"}], "seed": 1}
    assert checked(CHAT, payload)[0] == payload


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/a.png",
        "HTTPS://x.invalid",
        " file:///etc/passwd",
        "//x/a.png",
        "ftp:x",
        "\thttp://x",
    ],
)
def test_nothing_is_fetched(url: str) -> None:
    for part in (image(url), {"type": "image_url", "image_url": url}):
        with pytest.raises(PictureError) as caught:
            checked(CHAT, asks(image(PNG), part))
        assert caught.value.key_used == "error.picture.elsewhere"
        assert caught.value.params == {"address": url.strip()}
        seen(asks(part))


@pytest.mark.parametrize("url", [PNG, "http://127.0.0.1:9/"])
@pytest.mark.parametrize(
    "part",
    [
        lambda url: {"type": "input_image", "image_url": url},
        lambda url: {"type": "input_video", "input_video": {"data": url}},
        lambda url: {"type": "input_audio", "input_audio": {"data": url, "format": "wav"}},
        lambda url: {"type": "video_url", "video_url": {"url": url}},
        lambda url: {"type": "media_marker", "text": url},
        lambda url: {"type": "Text", "text": url},
        lambda url: {"type": ["text"], "text": url},
        lambda url: {"type": "text", "text": [url]},
        lambda url: {"type": "text", "image_url": url},
        lambda url: {"image_url": {"url": url}},
        lambda url: [url],
        lambda url: None,
    ],
)
def test_other_parts_are_refused(url: str, part: Any) -> None:
    assert refusal(asks(TEXT, part(url))) == "error.picture.part"


@pytest.mark.parametrize(
    "messages", [{}, "x", None, ["x"], [[]], [{"content": image(PNG)}], [{"content": 1}], [{"content": {}}]]
)
def test_messages_are_a_list_of_objects(messages: Any) -> None:
    assert refusal({"messages": messages}) == "error.picture.messages"


@pytest.mark.parametrize(
    "path", ["/v1/completions", "/v1/embeddings", "/v1/rerank", "/tokenize", "/completion"]
)
def test_other_paths_take_text_only(path: str) -> None:
    assert refusal({"input": "x", **asks(image("http://127.0.0.1:9/"))}, path) == "error.picture.place"
    odd = {"prompt_string": "<__media__>", "multimodal_data": ["AAAA"]}
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for name in ("prompt", "input", "content", "query", "documents"):
        for value in (odd, [odd], [["x", odd]], deep):
            assert refusal({name: value}, path) == "error.picture.place"
        for value in ("http://x", ["a", "b"], [1, 2], [[1, 2], [3]], None):
            assert checked(path, {name: value}) == ({name: value}, Pictures())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "AAAA",
        None,
        7,
        "data:,x",
        "data:image/png,%00",
        "data:text/plain;base64,AAAA",
        "data:image/png;base64,",
        "data:image/png;base64,A",
        "data:image/png;base64,é",
        f"{PNG}\n",
        f" {PNG}",
        f"{PNG}, http://x",
        png(0, 1),
        "data:image/png;base64," + base64.b64encode(b"#EXTM3U\nhttp://127.0.0.1:9/x").decode(),
    ],
)
def test_what_is_no_picture_is_refused(url: Any) -> None:
    assert refusal(asks(image(url))) == "error.picture.broken"


def test_size_has_a_limit() -> None:
    assert checked(CHAT, asks(image(png(1, 1, MOST_BYTES - 2))))[1].count == 1
    big = asks(image(png(1, 1, MOST_BYTES + 1)))
    for check in (seen, lambda payload: checked(CHAT, payload)):
        with pytest.raises(PictureError) as caught:
            check(big)
        assert str(caught.value) == "A picture of 8.1 MB is too big; 8 MB is the most. Make it smaller."


def test_all_together_have_a_limit() -> None:
    one = image(png(1, 1, 7_999_800))
    assert checked(CHAT, asks(*[one] * 4))[1].count == seen(asks(*[one] * 4)).count == 4
    for check in (seen, lambda payload: checked(CHAT, payload)):
        with pytest.raises(PictureError) as caught:
            check(asks(*[one] * 5))
        assert caught.value.key_used == "error.picture.too_big_together"


def test_number_has_a_limit() -> None:
    assert checked(CHAT, asks(*[image(PNG)] * MOST_PICTURES))[1].count == MOST_PICTURES
    assert refusal(asks(*[image(PNG)] * (MOST_PICTURES + 1))) == "error.picture.too_many"


def test_pixels_have_a_limit() -> None:
    assert checked(CHAT, asks(image(png(8000, 5000))))[1].count == 1
    with pytest.raises(PictureError) as caught:
        checked(CHAT, asks(image(png(8000, 5001))))
    assert str(caught.value) == (
        "A picture of 8000 × 5001 pixels is too large; 40 megapixels is the most. Make it smaller."
    )


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=20) | st.just(PNG),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(["url", "text"]), each),
)
PARTS = st.dictionaries(st.sampled_from(["type", "image_url", "url", "text"]), JSON | st.just("image_url"))


@given(PARTS, JSON)
def test_whatever_comes_is_judged(part: dict[str, Any], messages: Any) -> None:
    for payload in (asks(part), {"messages": messages}, {"messages": [{"content": messages}]}):
        seen(payload)
        try:
            clean = checked(CHAT, payload)[0]
        except PictureError as problem:
            assert problem.message("tr")
        else:
            assert checked(CHAT, clean)[0] == clean
