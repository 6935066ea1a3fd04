"""What may be sent as a picture."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.errors import PictureError
from ide_agent.inference.pictures import MOST_BYTES, check_pictures
from support.projector_file import COLOURS, picture

CHAT = "/v1/chat/completions"
PNG = picture(COLOURS["red"])


def asks(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": list(parts)}]}


def image(url: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def test_pictures_are_counted() -> None:
    text = {"type": "text", "text": "see http://example.invalid/x.png"}
    assert check_pictures(CHAT, asks(text)) == 0
    assert check_pictures(CHAT, asks(text, image(PNG), image(PNG))) == 2
    assert check_pictures(CHAT, asks({"type": "image_url", "image_url": PNG})) == 1
    assert check_pictures("/v1/completions", {"prompt": "http://example.invalid"}) == 0


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/a.png", "HTTPS://x.invalid", " file:///etc/passwd", "httpfoo", "//x/a.png", "ftp:x"],
)
@pytest.mark.parametrize(
    "part",
    [
        image,
        lambda url: {"type": "image_url", "image_url": url},
        lambda url: {"type": "input_image", "image_url": url},
        lambda url: {"type": "input_video", "input_video": {"data": url}},
        lambda url: {"type": "input_audio", "input_audio": {"data": url, "format": "wav"}},
        lambda url: {"type": "video_url", "video_url": {"url": url}},
        lambda url: {"image_url": {"url": url}},
    ],
)
def test_nothing_is_fetched(url: str, part: Any) -> None:
    with pytest.raises(PictureError) as caught:
        check_pictures(CHAT, asks(image(PNG), part(url)))
    assert caught.value.key_used == "error.picture.elsewhere"
    assert caught.value.params == {"address": url.strip()}
    check_pictures(CHAT, asks(part(url)), fetched=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "AAAA",
        "data:,x",
        "data:image/png,%00",
        "data:text/plain;base64,AAAA",
        "data:image/png;base64,",
        "data:image/png;base64,A",
        "data:image/png;base64,é",
        "data:image/png;base64," + base64.b64encode(b"#EXTM3U\nhttp://127.0.0.1:9/x").decode(),
    ],
)
def test_what_is_no_picture_is_refused(url: str) -> None:
    with pytest.raises(PictureError) as caught:
        check_pictures(CHAT, asks(image(url)))
    assert caught.value.key_used == "error.picture.broken"


@pytest.mark.parametrize("fetched", [True, False])
def test_size_has_a_limit(fetched: bool) -> None:
    begins = base64.b64encode(b"\xff\xd8\xff").decode()
    most = f"data:image/jpeg;base64,{begins}{'A' * (MOST_BYTES // 3 * 4 - 4)}"
    assert check_pictures(CHAT, asks(image(most)), fetched=fetched) == 1
    with pytest.raises(PictureError) as caught:
        check_pictures(CHAT, asks(image(f"{most}AAAAAAAA")), fetched=fetched)
    assert str(caught.value) == "A picture of 8.1 MB is too big; 8 MB is the most. Make it smaller."


JSON = st.recursive(st.none() | st.integers() | st.text(max_size=20), lambda each: st.lists(each, max_size=3))


@given(st.dictionaries(st.sampled_from(["type", "image_url", "url", "text"]), JSON | st.just(PNG)), JSON)
def test_whatever_comes_is_judged(part: dict[str, Any], messages: Any) -> None:
    for payload in (asks(part), {"messages": messages}, {"messages": [{"content": messages}]}):
        try:
            assert check_pictures(CHAT, payload) >= 0
        except PictureError as problem:
            assert problem.message("tr")
