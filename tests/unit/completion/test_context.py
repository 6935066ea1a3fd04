from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types

from ide_agent.config import CompletionSettings
from ide_agent.editor.documents import Document
from ide_agent.features.completion.context import LINES_AFTER, LINES_BEFORE, ContextBuilder

CODE = "def helper():\n    value = 1\n    return value\n"


class Workspace:
    """A folder with documents that are open."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.root = root
        self.open: list[Document] = []
        server: Any = SimpleNamespace(documents=SimpleNamespace(all=lambda: self.open))
        self.builder = ContextBuilder(server, CompletionSettings(**settings), root)

    def document(self, name: str, text: str = CODE, language: str = "python", *, uri: str = "") -> Document:
        found = Document(uri or (self.root / name).as_uri(), text, 3, language)
        self.open.append(found)
        return found


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def at(workspace: Workspace, document: Document, line: int, character: int = 0) -> Any:
    return workspace.builder.cursor(document, types.Position(line, character), invoked=False)


def test_a_path_is_relative_to_the_folder_and_a_bare_name_outside(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert workspace.builder.path(workspace.document("pkg/a.py")) == "pkg/a.py"
    outside = workspace.document("", uri=(tmp_path.parent / "b.py").as_uri())
    assert workspace.builder.path(outside) == "b.py"
    assert workspace.builder.path(workspace.document("", uri="untitled:Untitled-1")) == ""


def test_what_is_private_binary_or_not_wanted_gets_none(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, private_globs=("diary/",), languages={"markdown": False})
    allows = workspace.builder.allows
    assert allows(workspace.document("a.py"))
    assert not allows(workspace.document("diary/a.py"))
    assert not allows(workspace.document(".env", language="dotenv"))
    assert not allows(workspace.document("a.md", language="markdown"))
    assert not allows(workspace.document("b.py", "\0"))


def test_the_text_around_the_cursor(workspace: Workspace) -> None:
    lines = [f"line {n} 🎉" for n in range(2000)]
    document = workspace.document("a.py", "\r\n".join(lines))
    context = at(workspace, document, 1000, 9)  # UTF-16: past the picture's first half
    assert context.prefix_line == 1000 - LINES_BEFORE
    assert context.prefix.startswith(f"line {1000 - LINES_BEFORE} 🎉\n")
    assert context.prefix.endswith("🎉\nline 1000")
    assert context.suffix.count("\n") >= LINES_AFTER
    assert "\r" not in context.prefix + context.suffix
    assert (context.line, context.version, context.language, context.path) == (1000, 3, "python", "a.py")


async def test_what_was_visited_and_what_is_imported_goes_along_after_a_pause(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "lib.py").write_text("def area(width: int, height: int) -> int:\n    return width * height\n")
    workspace.builder.visit(workspace.document("b.py"), 0)
    document = workspace.document("a.py", "from lib import area\n\nvalue = helper()\n")
    context = at(workspace, document, 3)
    assert await workspace.builder.refresh(document, context)
    body = workspace.builder.body(context)
    there = str(tmp_path / "b.py")
    assert body["snippets"] == [{"path": "b.py", "text": CODE.rstrip("\n"), "file": there}]
    assert [piece["file"] for piece in body["declarations"]] == [str(tmp_path / "lib.py")]
    assert [each["path"] for each in body["declarations"]] == ["lib.py"]
    assert "def area(width: int, height: int) -> int" in body["declarations"][0]["text"]
    wanted = {"document": document.uri, "path": "a.py", "language": "python", "prefix_line": 0, "suffix": ""}
    assert {name: body[name] for name in wanted} == wanted
    assert not await workspace.builder.refresh(document, context)


async def test_where_there_is_nothing_to_add_the_prompt_stays_the_same(workspace: Workspace) -> None:
    document = workspace.document("a.py", "value = 1\n")
    assert not await workspace.builder.refresh(document, at(workspace, document, 1))


async def test_declarations_come_from_the_text_in_the_editor(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text("def area(old):\n    pass\n")
    workspace.document("lib.py", "def area(new):\n    pass\n")
    document = workspace.document("a.py", "from lib import area\n\n")
    context = at(workspace, document, 2)
    await workspace.builder.refresh(document, context)
    assert "def area(new)" in workspace.builder.body(context)["declarations"][0]["text"]


async def test_nothing_of_private_files_goes_along(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, private_globs=("lib.py", "b.py"))
    (tmp_path / "lib.py").write_text("def area(width):\n    pass\n")
    workspace.builder.visit(workspace.document("b.py"), 0)
    workspace.builder.edited(workspace.document("b.py"), 0)
    document = workspace.document("a.py", "from lib import area\n\nvalue = helper()\n")
    context = at(workspace, document, 3)
    await workspace.builder.refresh(document, context)
    body = workspace.builder.body(context)
    assert (body["snippets"], body["declarations"]) == ([], [])


async def test_of_a_closed_document_nothing_of_its_own_is_kept(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text("def area(width):\n    pass\n")
    document = workspace.document("a.py", "from lib import area\n\n")
    context = at(workspace, document, 2)
    await workspace.builder.refresh(document, context)
    assert workspace.builder.body(context)["declarations"]
    workspace.builder.forget(document.uri)
    assert workspace.builder.body(context)["declarations"] == []


@pytest.mark.parametrize("deleted", [False, True])
async def test_what_was_seen_in_a_closed_document_counts_unless_it_is_deleted(
    workspace: Workspace, tmp_path: Path, deleted: bool
) -> None:
    file = tmp_path / "b.py"
    file.write_text(CODE)
    seen = workspace.document("b.py")
    workspace.builder.visit(seen, 0)
    if deleted:
        file.unlink()
    workspace.builder.forget(seen.uri)
    context = at(workspace, workspace.document("a.py", "value = helper()\n"), 1)
    assert bool(workspace.builder.body(context)["snippets"]) is not deleted
