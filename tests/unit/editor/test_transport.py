from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from ide_agent.editor.transport import FdWriter, FrameParser, Inbox, read_in_thread


def frame(body: bytes, head: bytes = b"Content-Length: %d\r\n\r\n") -> bytes:
    return head % len(body) + body


@pytest.mark.parametrize("size", [1, 2, 5, 17, 1000])
def test_frames_come_whole_however_the_bytes_are_cut(size: int) -> None:
    bodies = [b'{"a":1}', "çığ 🙂\r\n\r\nContent-Length: 3".encode(), b"", b"x" * 100]
    data = b"".join(map(frame, bodies))
    parser = FrameParser()
    got = [body for i in range(0, len(data), size) for body in parser.feed(data[i : i + size])]
    assert got == bodies


@pytest.mark.parametrize(
    "head",
    [
        b"content-length:%d\r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
        b"CONTENT-LENGTH:   %d  \r\nX: y\r\n\r\n",
    ],
)
def test_headers_as_clients_write_them(head: bytes) -> None:
    assert list(FrameParser().feed(frame(b"{}", head))) == [b"{}"]


def test_a_header_without_a_length_is_skipped() -> None:
    assert list(FrameParser().feed(b"X: y\r\n\r\n" + frame(b"{}"))) == [b"{}"]


class Recorder:
    """What an inbox gives to the protocol."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def foresee(self, message: Any) -> None:
        self.calls.append(("foresee", message))

    def receive(self, message: Any) -> None:
        self.calls.append(("receive", message))

    def receive_garbage(self) -> None:
        self.calls.append("garbage")


async def test_messages_are_foreseen_at_once_and_received_in_turn() -> None:
    recorder = Recorder()
    inbox = Inbox(recorder, asyncio.get_running_loop())  # type: ignore[arg-type]
    inbox.feed(frame(b"1") + frame(b"not json") + frame(b"2"))
    assert recorder.calls == [("foresee", 1), ("foresee", 2)]
    await asyncio.sleep(0)
    assert recorder.calls[2:] == [("receive", 1), "garbage", ("receive", 2)]


async def test_the_reading_thread_says_when_the_input_ends() -> None:
    recorder = Recorder()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    out, into = os.pipe()
    inbox = Inbox(recorder, loop)  # type: ignore[arg-type]
    read_in_thread(out, inbox, lambda: loop.call_soon_threadsafe(ended.set))  # type: ignore[arg-type,return-value]
    os.write(into, frame(b"7"))
    os.close(into)
    await asyncio.wait_for(ended.wait(), 60)
    os.close(out)
    assert ("receive", 7) in recorder.calls


def test_writer_writes_everything_or_says_that_nobody_reads() -> None:
    out, into = os.pipe()
    writer = FdWriter(into)
    writer.write(b"abc")
    assert os.read(out, 10) == b"abc"
    os.close(out)
    with pytest.raises(BrokenPipeError):
        writer.write(b"abc")
    os.close(into)
