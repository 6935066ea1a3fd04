import logging

import httpx
import pytest
from pydantic import BaseModel

from ide_agent.errors import NotEnoughMemory
from ide_agent.host.services import Services

PRIVATE = "def somebodys_code(): ..."


class Body(BaseModel):
    number: int


@pytest.fixture(autouse=True)
def failing_routes(services: Services) -> None:
    @services.app.post("/typed")
    async def typed(body: Body) -> None:
        return None

    @services.app.get("/ours")
    async def ours() -> None:
        raise NotEnoughMemory(file="a.gguf", need_mb=10, free_mb=5)

    @services.app.get("/theirs")
    async def theirs() -> None:
        raise ValueError(PRIVATE)


async def test_our_errors_keep_their_status(host: httpx.AsyncClient) -> None:
    answer = await host.get("/ours")
    assert answer.status_code == 507
    assert answer.json()["error"]["params"] == {"file": "a.gguf", "need_mb": 10, "free_mb": 5}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/nowhere?language=tr", "İstek geçerli değil: GET /nowhere"),
        ("/panels/none?language=tr", "“none” paneli yok"),
        ("/theirs?language=tr-TR", "Bir şeyler ters gitti"),
        ("/theirs?language=%ff&language=x", "Something went wrong"),
        ("/panels?language=fr", "The request is not valid: query.language"),
    ],
)
async def test_who_asks_in_a_language_is_told_in_it(host: httpx.AsyncClient, path: str, words: str) -> None:
    assert words in (await host.get(path)).json()["error"]["message"]


async def test_unexpected_errors_tell_nothing(
    host: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await host.get("/theirs")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "error.unknown"
    assert PRIVATE not in answer.text
    assert PRIVATE not in caplog.text
    assert "ValueError" in caplog.text
    assert "in theirs" in caplog.text


async def test_invalid_bodies_name_the_field_and_not_the_value(host: httpx.AsyncClient) -> None:
    answer = await host.post("/typed", json={"number": "my private text"})
    assert answer.status_code == 422
    assert "body.number" in answer.json()["error"]["message"]
    assert "private" not in answer.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/status", 405)])
async def test_unknown_routes_have_the_same_shape(
    host: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await host.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == "error.request.invalid"
