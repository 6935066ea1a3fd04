"""Imported declarations, from documents and files to snippets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ide_agent.features.completion.cursor import CursorContext, Snippet
from ide_agent.features.completion.declarations import MAX_FILE_BYTES, Declarations, read_file


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def find(
    root: Path,
    text: str,
    path: str = "me.py",
    language: str = "python",
    *,
    declarations: Declarations | None = None,
    limit: int = 5,
    near: str | None = None,
) -> list[Snippet]:
    uri = (root / path).as_uri()
    prefix = text if near is None else near
    context = CursorContext(uri, path, language, 1, prefix, 0, "", prefix.count("\n"))
    return (declarations or Declarations([root])).find(context, text, limit)


def test_imported_names_of_a_python_document(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/shapes.py": 'class Box:\n    """A box."""\n    w: int\n    def area(self) -> int: return 1',
            "pkg/tools.py": "def grow(box, by: int = 1):\n    return box\nLIMIT = 3\nUNUSED = 4\n",
        },
    )
    text = "from .shapes import Box\nfrom .tools import grow as bigger, LIMIT\n\nbigger(Box(), LIMIT)\n"
    assert find(tmp_path, text, "pkg/me.py") == [
        Snippet("pkg/shapes.py", 'class Box:\n    """A box."""\n    w: int\n    def area(self) -> int: ...'),
        Snippet("pkg/tools.py", "def grow(box, by: int = 1): ..."),
        Snippet("pkg/tools.py", "LIMIT = 3"),
    ]


def test_imported_names_of_a_typescript_document(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "src/box.ts": "export default class Box { w: number }\n",
            "src/lib/index.tsx": "export const grow = (b: Box): Box => { return b };\n",
            "src/old.js": "exports.area = function (b) { return 1 };\n",
        },
    )
    text = (
        'import Crate from "./box";\nimport {grow} from "./lib";\n'
        'import * as old from "./old.js";\nimport x from "react";\ngrow(new Crate()); old.area(x);\n'
    )
    assert find(tmp_path, text, "src/me.tsx", "typescriptreact") == [
        Snippet("src/box.ts", "class Box {\n  w: number\n}"),
        Snippet("src/lib/index.tsx", "const grow = (b: Box): Box => { ... }"),
        Snippet("src/old.js", "exports.area = function (b) { ... }"),
    ]


def test_modules_give_what_is_used_of_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/tools.py": "def grow(): ...\ndef shrink(): ...\ndef unused(): ...\n",
        },
    )
    expected = [Snippet("pkg/tools.py", "def grow(): ..."), Snippet("pkg/tools.py", "def shrink(): ...")]
    for line, use in (
        ("import pkg.tools", "pkg.tools"),
        ("import pkg.tools as t", "t"),
        ("from pkg import tools", "tools"),
        ("from .pkg import tools", "tools"),
    ):
        assert find(tmp_path, f"{line}\n{use}.grow({use}.shrink)\nself.{use}.unused\n") == expected


def test_a_star_gives_what_is_used(tmp_path: Path) -> None:
    write(tmp_path, {"tools.py": "def grow(): ...\ndef unused(): ...\n"})
    assert find(tmp_path, "from tools import *\ngrow()\n") == [Snippet("tools.py", "def grow(): ...")]


def test_names_that_are_passed_on_are_followed(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pkg/__init__.py": "from .inner import Box as Crate\nfrom .more import *\n",
            "pkg/inner.py": "from .core import Box\n",
            "pkg/core.py": "class Box: ...\n",
            "pkg/more.py": "def grow(): ...\n",
            "web/index.ts": 'export {a as b} from "./a";\nexport * from "./c";\n',
            "web/a.ts": "export function a() {}\n",
            "web/c.ts": "export const c = 1;\n",
        },
    )
    assert find(tmp_path, "from pkg import Crate, grow\ngrow(Crate)\n") == [
        Snippet("pkg/core.py", "class Box:\n    ..."),
        Snippet("pkg/more.py", "def grow(): ..."),
    ]
    assert find(tmp_path, 'import {b, c} from "./web";\nb(c)\n', "me.ts", "typescript") == [
        Snippet("web/a.ts", "function a() { ... }"),
        Snippet("web/c.ts", "const c = 1"),
    ]


def test_modules_that_import_each_other_end(tmp_path: Path) -> None:
    write(
        tmp_path, {"a.py": "from b import x\nfrom b import *\n", "b.py": "from a import x\nfrom a import *\n"}
    )
    assert find(tmp_path, "from a import x\nx()\n") == []


def test_what_is_used_near_the_cursor_goes_first_but_the_order_is_that_of_the_imports(tmp_path: Path) -> None:
    write(tmp_path, {"t.py": "".join(f"def f{n}(): ...\n" for n in range(8))})
    imported = "from t import f0, f1, f2, f3, f4, f5, f6, f7\n"
    text = imported + "f1()\n" + "\n" * 100 + "f6(f3)\n"
    found = find(tmp_path, text, limit=3, near="\n" * 80 + "f6(f3)\n")
    assert [snippet.text for snippet in found] == ["def f1(): ...", "def f3(): ...", "def f6(): ..."]
    assert find(tmp_path, text, limit=3, near="\n" * 80 + "f6(f3)\n") == found


def test_at_most_five_of_at_most_500_characters(tmp_path: Path) -> None:
    fields = "".join(f"    field_with_a_long_name_{n}: int\n" for n in range(50))
    write(tmp_path, {"t.py": "".join(f"class C{n}:\n{fields}" for n in range(8))})
    names = ", ".join(f"C{n}" for n in range(8))
    found = find(tmp_path, f"from t import {names}\n")
    assert len(found) == 5
    assert all(400 < len(snippet.text) <= 500 and snippet.text.endswith("\n    ...") for snippet in found)


def test_open_documents_go_before_the_disk_and_the_cache_follows_them(tmp_path: Path) -> None:
    write(tmp_path, {"t.py": "def f(old): ...\n"})
    open_documents: dict[Path, str] = {}

    def read(path: Path) -> str | None:
        return open_documents.get(path) or read_file(path)

    declarations = Declarations([tmp_path], read)
    text = "from t import f\nf()\n"
    assert find(tmp_path, text, declarations=declarations) == [Snippet("t.py", "def f(old): ...")]
    open_documents[tmp_path / "t.py"] = "def f(new): ...\n"
    assert find(tmp_path, text, declarations=declarations) == [Snippet("t.py", "def f(new): ...")]
    open_documents.clear()
    assert find(tmp_path, text, declarations=declarations) == [Snippet("t.py", "def f(old): ...")]


def test_an_unchanged_file_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ide_agent.features.completion import declarations as module

    parsed: list[str] = []
    original: Callable[..., object] = module._read_outline

    def counted(grammar: str, text: str, chars: int) -> object:
        parsed.append(text)
        return original(grammar, text, chars)

    monkeypatch.setattr(module, "_read_outline", counted)
    write(tmp_path, {"t.py": "def f(): ...\ndef g(): ...\n"})
    declarations = Declarations([tmp_path])
    for text in ("from t import f\nf()", "from t import f, g\nf(g)"):
        find(tmp_path, text, declarations=declarations)
    assert len(parsed) == 1


def test_nothing_is_read_from_private_files(tmp_path: Path) -> None:
    write(tmp_path, {"keys.py": "KEY = 'x'\n", "open.py": "def f(): ...\n"})
    (tmp_path / "link.py").symlink_to(tmp_path / "keys.py")
    read: list[Path] = []

    def reader(path: Path) -> str | None:
        read.append(path)
        return read_file(path)

    declarations = Declarations([tmp_path], reader, lambda path: path == "keys.py")
    text = "from keys import KEY\nfrom link import KEY as K\nfrom open import f\nf(KEY, K)\n"
    assert find(tmp_path, text, declarations=declarations) == [Snippet("open.py", "def f(): ...")]
    assert {path.name for path in read}.isdisjoint({"keys.py", "link.py"})


def test_case_40_too_large_files_and_documents_are_skipped(tmp_path: Path) -> None:
    write(tmp_path, {"big.py": "def f(): ...\n" + "#" * MAX_FILE_BYTES, "t.py": "def g(): ...\n"})
    text = "from big import f\nfrom t import g\nf(g)\n"
    assert find(tmp_path, text) == [Snippet("t.py", "def g(): ...")]
    files = {tmp_path / name: (tmp_path / name).read_text() for name in ("big.py", "t.py")}
    declarations = Declarations([tmp_path], files.get)
    assert find(tmp_path, text, declarations=declarations) == [Snippet("t.py", "def g(): ...")]
    assert find(tmp_path, text + "#" * MAX_FILE_BYTES) == []


def test_case_44_unsaved_documents_import_from_the_workspace(tmp_path: Path) -> None:
    write(tmp_path, {"src/t.py": "def f(): ...\n"})
    text = "from t import f\nfrom .t import f as g\nf(g)\n"
    context = CursorContext("untitled:Untitled-1", "", "python", 1, text, 0, "", 3)
    assert Declarations([tmp_path]).find(context, text) == [Snippet("src/t.py", "def f(): ...")]


def test_other_languages_have_none(tmp_path: Path) -> None:
    write(tmp_path, {"t.py": "def f(): ...\n"})
    assert find(tmp_path, "from t import f\nf()\n", "me.txt", "plaintext") == []


def test_a_folder_name_with_special_characters(tmp_path: Path) -> None:
    write(tmp_path, {"a b#ş/t.py": "def f(): ...\n"})
    assert find(tmp_path, "from .t import f\nf()\n", "a b#ş/me.py") == [Snippet("a b#ş/t.py", "def f(): ...")]


def test_read_file(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"x = '\xff'")
    (tmp_path / "good.py").write_text("x = 'ğ'", encoding="utf-8")
    assert read_file(tmp_path / "good.py") == "x = 'ğ'"
    assert read_file(tmp_path / "latin.py") is None
    assert read_file(tmp_path / "missing.py") is None
    assert read_file(tmp_path) is None
    assert read_file(Path("nul\0byte")) is None
