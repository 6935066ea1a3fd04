"""Ghost text on the real model, as a plain LSP client sees it."""

import asyncio
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient

from ide_agent import runtime
from ide_agent.features.completion.alternatives import NUMBERS, TRIES
from ide_agent.locale import translate
from support.ghost import PATIENCE, GhostClient, details
from support.host_process import processes_of
from support.processes import gone

pytestmark = [pytest.mark.e2e, pytest.mark.engine]

MIN = '''def largest(items):
    """The largest of the items."""
    return max(items)


def smallest(items):
    """The smallest of the items."""
    '''
END = (7, 4)


async def test_a_suggestion_of_the_real_model(ghost: GhostClient) -> None:
    uri = ghost.open(MIN)
    item = await ghost.ask(uri, *END)
    assert item is not None
    assert await ghost.whole(item) == "return min(items)"


async def test_case_30_the_range_is_there(ghost: GhostClient) -> None:
    uri = ghost.open(MIN)
    item = await ghost.ask(uri, *END)
    assert item is not None
    assert item.range == types.Range(types.Position(*END), types.Position(*END))


async def test_case_31_the_range_is_on_one_line_also_where_the_text_is_on_several(ghost: GhostClient) -> None:
    uri = ghost.open("def evens(numbers):\n    result = []\n    for number in numbers:\n        ")
    item = await ghost.ask(uri, 3, 8)
    assert item is not None
    assert "\n" in await ghost.whole(item)
    again = await ghost.ask(uri, 3, 8, invoked=False)  # now with all of its lines
    assert again is not None
    assert "\n" in str(again.insert_text)
    for each in (item, again):
        assert each.range is not None
        assert each.range.start.line == each.range.end.line == 3


async def test_case_32_the_suggestion_extends_what_the_popup_has_selected(ghost: GhostClient) -> None:
    uri = ghost.open(MIN + "retu")
    selected = types.SelectedCompletionInfo(types.Range(types.Position(7, 4), types.Position(7, 8)), "return")
    item = await ghost.ask(uri, 7, 8, selected=selected)
    assert item is not None
    assert str(item.insert_text).startswith("return ")
    assert item.range == types.Range(types.Position(7, 4), types.Position(7, 8))


async def test_typing_through_is_answered_with_the_rest(ghost: GhostClient) -> None:
    uri = ghost.open(MIN)
    item = await ghost.ask(uri, *END)
    assert item is not None
    text = await ghost.whole(item)
    ghost.type(uri, 7, 4, text[:6])
    rest = await ghost.ask(uri, 7, 10, invoked=False)
    assert rest is not None
    assert rest.insert_text == text[6:]
    assert details(rest)["completionId"] == details(item)["completionId"]


async def beside(ghost: GhostClient, uri: str, line: int, character: int) -> list[types.InlineCompletionItem]:
    """The suggestions once there are several: what is drawn by chance may be what is there already."""
    for _ in range(NUMBERS // TRIES):
        found = await ghost.ask_all(uri, line, character)
        if len(found) > 1:
            break
    return found


async def test_asked_again_there_is_another_beside_the_first(ghost: GhostClient) -> None:
    text = "def evens(numbers):\n    result = []\n    for number in numbers:\n        "
    uri = ghost.open(text)
    item = await ghost.ask(uri, 3, 8)
    assert item is not None
    whole = await ghost.whole(item)
    first, second = await beside(ghost, uri, 3, 8)
    assert first.insert_text == whole
    assert details(first)["completionId"] == details(item)["completionId"]
    assert str(second.insert_text).strip()
    assert second.insert_text != whole
    assert details(second) == {"completionId": details(second)["completionId"], "done": True}
    assert details(second)["completionId"] != details(first)["completionId"]
    [automatic] = await ghost.ask_all(uri, 3, 8, invoked=False)
    assert automatic == first


async def test_a_block_grows_line_by_line(ghost: GhostClient) -> None:
    text = "def evens(numbers):\n    result = []\n    for number in numbers:\n        "
    uri = ghost.open(text)
    item = await ghost.ask(uri, 3, 8)
    assert item is not None
    whole = await ghost.whole(item)
    assert whole.startswith(str(item.insert_text))
    assert "result" in whole


async def test_case_07_crlf_documents_count_the_same(ghost: GhostClient) -> None:
    uri = ghost.open(MIN.replace("\n", "\r\n"))
    item = await ghost.ask(uri, *END)
    assert item is not None
    assert await ghost.whole(item) == "return min(items)"


async def test_case_05_text_of_any_script_before_the_cursor(ghost: GhostClient) -> None:
    uri = ghost.open("# 日本語 🎉 ğüşiöç\n" + MIN)
    item = await ghost.ask(uri, END[0] + 1, END[1])
    assert item is not None
    assert await ghost.whole(item) == "return min(items)"


async def test_case_14_an_answer_for_an_older_text_is_not_sent(ghost: GhostClient) -> None:
    uri = ghost.open(MIN)
    with ghost.in_one_piece():
        first = ghost.begin(uri, *END)  # on the wire before the edit
        ghost.type(uri, 7, 4, "x")
    second = ghost.begin(uri, 7, 5)
    old, _ = await asyncio.wait_for(asyncio.gather(first, second), PATIENCE)
    assert old is None or not old.items


async def test_case_44_an_unsaved_document_gets_suggestions_and_a_git_one_does_not(
    ghost: GhostClient,
) -> None:
    unsaved = ghost.open(MIN, uri="untitled:Untitled-1")
    assert await ghost.ask(unsaved, *END) is not None
    old = ghost.open(MIN, uri="git:/a.py?HEAD")
    assert await ghost.ask(old, *END) is None


async def test_case_44_a_binary_file_gets_none(ghost: GhostClient) -> None:
    uri = ghost.open("\0" + MIN)
    assert await ghost.ask(uri, *END) is None


async def test_private_files_get_none(ghost: GhostClient) -> None:
    for name in (".env", "id_rsa", "server.pem", "secrets.yaml"):
        uri = ghost.open("KEY=1\nOTHER=", name, "plaintext")
        assert await ghost.ask(uri, 1, 6) is None, name


async def test_case_40_a_long_file_and_an_endless_line(ghost: GhostClient) -> None:
    lines = "".join(f"value_{n} = {n}\n" for n in range(16_000))
    uri = ghost.open(lines + MIN, "long.py")
    assert await ghost.ask(uri, 16_000 + END[0], END[1]) is not None
    endless = ghost.open("x = [" + "1, " * 3_300_000, "endless.py")
    ghost.type(endless, 0, 5, "2")
    await ghost.ask(endless, 0, 6)


async def test_the_same_commands_work_without_an_editor(client: LanguageClient, ghost: GhostClient) -> None:
    uri = ghost.open(MIN)
    item = await ghost.ask(uri, *END)
    assert item is not None
    assert item.command is not None

    async def run(command: str, *arguments: object) -> dict[str, object]:
        params = types.ExecuteCommandParams(command, list(arguments))
        answer = await client.workspace_execute_command_async(params)
        return answer if isinstance(answer, dict) else answer._asdict()

    assert item.command.arguments is not None
    assert await run(item.command.command, *item.command.arguments) == {"accepted": True}
    assert await run("ideAgent.completion.toggle", {"enabled": False}) == {"enabled": False}
    assert await ghost.ask(uri, *END) is None
    assert await run("ideAgent.completion.toggle", {}) == {"enabled": True}
    assert await ghost.ask(uri, *END) is not None


def find(home: Path, what: str) -> list[psutil.Process]:
    """The processes with `what` in their command line; there must be some."""
    found = []
    for process in processes_of(home):
        with suppress(psutil.Error):
            if what in " ".join(process.cmdline()):
                found.append(process)
    assert found
    return found


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


async def again(ghost: GhostClient, uri: str) -> types.InlineCompletionItem:
    """The suggestion, once there is one again."""
    async with asyncio.timeout(PATIENCE):
        while (item := await ghost.ask(uri, *END)) is None:
            await asyncio.sleep(0.05)
    return item


@pytest.mark.parametrize(("victim", "word"), [("inference.serve", "values"), ("ide_agent host", "things")])
async def test_what_was_killed_comes_back(ghost: GhostClient, home: Path, victim: str, word: str) -> None:
    uri = ghost.open(MIN)
    assert await ghost.ask(uri, *END) is not None
    kill(find(home, victim))
    other = ghost.open(MIN.replace("items", word), f"{word}.py")
    item = await again(ghost, other)
    assert word in await ghost.whole(item)


async def busy() -> None:
    """Wait until the host says that its engine works on a request."""
    host = runtime.read()
    assert host is not None
    async with (
        httpx.AsyncClient(base_url=host.url, headers=host.headers, trust_env=False, timeout=PATIENCE) as http,
        asyncio.timeout(PATIENCE),
    ):
        while not any(engine["busy"] for engine in (await http.get("/status")).json()["engines"]):
            await asyncio.sleep(0.01)


async def test_a_host_killed_in_the_middle_of_a_request_is_told_once_and_leaves_nothing(
    client: LanguageClient, ghost: GhostClient, home: Path
) -> None:
    assert await ghost.ask(ghost.open(MIN), *END) is not None
    host, engine = find(home, "ide_agent host"), find(home, "inference.serve")
    uri = ghost.open(MIN.replace("items", "cases"), "cases.py")
    for process in engine:
        process.suspend()  # so that the request is under way for as long as it must be
    try:
        request = ghost.begin(uri, *END)
        await busy()
        kill(host)
    finally:
        for process in engine:
            process.resume()
    await asyncio.wait_for(request, PATIENCE)
    ghost.type(uri, *END, "r")
    item = await ghost.ask(uri, END[0], END[1] + 1, invoked=False)
    assert item is not None
    assert "cases" in await ghost.whole(item)
    async with asyncio.timeout(PATIENCE):
        while not all(gone(process.pid) for process in (*host, *engine)):
            await asyncio.sleep(0.05)
    told = [shown.message for shown in client.messages]
    assert told == [translate("error.host.unavailable", "en")]
