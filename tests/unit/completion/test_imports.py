"""Imports: read from source, resolved inside the workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from ide_agent.features.completion.imports import GRAMMARS, Import, Resolver, grammar_of, imports_of, parser


def read(grammar: str, source: str) -> list[Import]:
    return imports_of(grammar, parser(grammar).parse(source.encode()).root_node)


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


def existing(resolver: Resolver, grammar: str, source: str, importer: Path | None) -> list[Path]:
    return [file for file in resolver.files(grammar, source, importer) if file.exists()]


def test_python_imports() -> None:
    source = """
from __future__ import annotations
import a.b as c, d, e.f
from . import x
from ..pkg.mod import (Y as Z, w)
from q import *
if TYPE_CHECKING:
    from t import V
def f():
    from lazy import g
    from t import V
"""
    assert read("python", source) == [
        Import("a.b", "", "c"),
        Import("d", "", "d"),
        Import("e.f", "", "e.f"),
        Import(".", "x", "x"),
        Import("..pkg.mod", "Y", "Z"),
        Import("..pkg.mod", "w", "w"),
        Import("q", "*", ""),
        Import("t", "V", "V"),
        Import("lazy", "g", "g"),
    ]


@pytest.mark.parametrize("grammar", ["javascript", "typescript", "tsx"])
def test_script_imports(grammar: str) -> None:
    source = """
import D, {a as b, c} from "./x";
import * as ns from '../y';
import "./effect";
const {q, r: s} = require("./z");
const m = require("./m"), other = load("./n");
export * from "./w";
export {k, l as o} from "./v";
export * as all from "./u";
export const local = 1;
const odd = require();
"""
    assert read(grammar, source) == [
        Import("./x", "default", "D"),
        Import("./x", "a", "b"),
        Import("./x", "c", "c"),
        Import("../y", "", "ns"),
        Import("./z", "q", "q"),
        Import("./z", "r", "s"),
        Import("./m", "", "m"),
        Import("./w", "*", ""),
        Import("./v", "k", "k"),
        Import("./v", "l", "o"),
        Import("./u", "", "all"),
    ]


def test_typescript_type_imports() -> None:
    source = 'import type {T} from "./t"; import {type U as V} from "./u";'
    assert read("typescript", source) == [Import("./t", "T", "T"), Import("./u", "U", "V")]


@pytest.mark.parametrize("grammar", sorted(set(GRAMMARS.values())))
@pytest.mark.parametrize(
    "source", ["", "import", "from . import (", "import {a, from './x", "\x00\ufffd {{{", "from"]
)
def test_unfinished_source_does_no_harm(grammar: str, source: str) -> None:
    assert all(isinstance(each, Import) for each in read(grammar, source))


def test_grammar_by_suffix() -> None:
    assert grammar_of(Path("a.py")) == "python"
    assert grammar_of(Path("a.d.ts")) == "typescript"
    assert grammar_of(Path("A.TSX")) == "tsx"
    assert grammar_of(Path("a.rs")) is None


def test_relative_python_imports(tmp_path: Path) -> None:
    touch(
        tmp_path, "pkg/__init__.py", "pkg/a.py", "pkg/sub/__init__.py", "pkg/sub/b.py", "top.py", "pkg/s.pyi"
    )
    resolver = Resolver([tmp_path])
    importer = tmp_path / "pkg" / "sub" / "me.py"
    assert existing(resolver, "python", ".b", importer) == [tmp_path / "pkg/sub/b.py"]
    assert existing(resolver, "python", ".", importer) == [tmp_path / "pkg/sub/__init__.py"]
    assert existing(resolver, "python", "..a", importer) == [tmp_path / "pkg/a.py"]
    assert existing(resolver, "python", "..s", importer) == [tmp_path / "pkg/s.pyi"]
    assert existing(resolver, "python", "...top", importer) == [tmp_path / "top.py"]
    assert existing(resolver, "python", "....outside", importer) == []
    assert existing(resolver, "python", "." * 99 + "x", importer) == []


@pytest.mark.parametrize("layout", ["pkg", "src/pkg", "server/pkg"])
def test_absolute_python_imports_in_common_layouts(tmp_path: Path, layout: str) -> None:
    touch(tmp_path, f"{layout}/__init__.py", f"{layout}/mod.py", "tests/test_mod.py")
    resolver = Resolver([tmp_path])
    for importer in (tmp_path / "tests/test_mod.py", tmp_path / layout / "other.py", None):
        assert existing(resolver, "python", "pkg.mod", importer) == [tmp_path / layout / "mod.py"]
        assert existing(resolver, "python", "pkg", importer) == [tmp_path / layout / "__init__.py"]
        assert existing(resolver, "python", "numpy", importer) == []


def test_the_nearest_folder_wins(tmp_path: Path) -> None:
    touch(tmp_path, "pkg/mod.py", "deep/pkg/mod.py", "deep/me.py")
    found = existing(Resolver([tmp_path]), "python", "pkg.mod", tmp_path / "deep/me.py")
    assert found[0] == tmp_path / "deep/pkg/mod.py"


@pytest.mark.parametrize("folder", ["node_modules", ".venv", "venv", "build", "__pycache__"])
def test_foreign_folders_are_left_out(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, f"{folder}/pkg/mod.py", f"{folder}/x.js", "me.py", "me.js")
    resolver = Resolver([tmp_path])
    assert existing(resolver, "python", "pkg.mod", tmp_path / "me.py") == []
    if not folder.startswith("."):
        assert existing(resolver, "javascript", f"./{folder}/x.js", tmp_path / "me.js") == []


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("./a", "a.ts"),
        ("./a.js", "a.ts"),
        ("./b", "b.tsx"),
        ("./c", "c.js"),
        ("./c.js", "c.js"),
        ("./d.jsx", "d.jsx"),
        ("./types", "types.d.ts"),
        ("./mod.mjs", "mod.mts"),
        ("./lib", "lib/index.ts"),
        ("./old/", "old/index.js"),
        ("..", "index.ts"),
        ("../shared/x.y", "shared/x.y.ts"),
    ],
)
def test_script_files(tmp_path: Path, source: str, file: str) -> None:
    names = ["a.ts", "b.tsx", "c.js", "d.jsx", "types.d.ts", "mod.mts", "lib/index.ts", "old/index.js"]
    touch(tmp_path, *(f"app/{name}" for name in names), "index.ts", "shared/x.y.ts")
    found = existing(Resolver([tmp_path]), "typescript", source, tmp_path / "app" / "me.ts")
    folder = tmp_path if source.startswith("..") else tmp_path / "app"
    assert found[:1] == [folder / file]


def test_packages_and_unsaved_documents_have_no_script_files(tmp_path: Path) -> None:
    resolver = Resolver([tmp_path])
    assert list(resolver.files("typescript", "react", tmp_path / "me.ts")) == []
    assert list(resolver.files("typescript", "/etc/x", tmp_path / "me.ts")) == []
    assert list(resolver.files("typescript", "./x", None)) == []


def test_nothing_outside_the_workspace(tmp_path: Path) -> None:
    root = tmp_path / "work"
    touch(tmp_path, "outside.ts", "outside.py", "work/me.ts", "work/pkg/me.py")
    resolver = Resolver([root])
    assert existing(resolver, "typescript", "../outside", root / "me.ts") == []
    assert existing(resolver, "python", "...outside", root / "pkg/me.py") == []
    (root / "link.ts").symlink_to(tmp_path / "outside.ts")
    assert existing(resolver, "typescript", "./link", root / "me.ts") == []


def test_case_43_the_other_folders_of_the_workspace_are_looked_through(tmp_path: Path) -> None:
    touch(tmp_path, "one/me.py", "two/pkg/mod.py", "two/x.ts")
    resolver = Resolver([tmp_path / "one", tmp_path / "two"])
    assert existing(resolver, "python", "pkg.mod", tmp_path / "one/me.py") == [tmp_path / "two/pkg/mod.py"]
    assert existing(resolver, "typescript", "../two/x", tmp_path / "one/me.ts") == [tmp_path / "two/x.ts"]
    assert resolver.relative(tmp_path / "two/pkg/mod.py") == "pkg/mod.py"


def test_a_document_outside_the_workspace_has_its_own_folder(tmp_path: Path) -> None:
    touch(tmp_path, "else/me.py", "else/mod.py", "mod2.py")
    resolver = Resolver([tmp_path / "work"])
    assert existing(resolver, "python", ".mod", tmp_path / "else/me.py") == [tmp_path / "else/mod.py"]
    assert existing(resolver, "python", "mod", tmp_path / "else/me.py") == [tmp_path / "else/mod.py"]
    assert existing(resolver, "python", "..mod2", tmp_path / "else/me.py") == []
    assert resolver.relative(tmp_path / "else/mod.py") == "mod.py"


def test_a_document_does_not_import_itself(tmp_path: Path) -> None:
    touch(tmp_path, "me.py")
    assert existing(Resolver([tmp_path]), "python", "me", tmp_path / "me.py") == []


def test_all_the_names_of_a_link(tmp_path: Path) -> None:
    touch(tmp_path, "real/secret.py")
    (tmp_path / "link.py").symlink_to(tmp_path / "real/secret.py")
    names = Resolver([tmp_path]).names(tmp_path / "link.py")
    assert {"link.py", "real/secret.py", str(tmp_path / "link.py")} <= names
