"""What a document imports, and in which files of the workspace that is.

Python, JavaScript and TypeScript; other languages have no imports here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

GRAMMARS = {
    "python": "python",
    "javascript": "javascript",
    "javascriptreact": "javascript",
    "typescript": "typescript",
    "typescriptreact": "tsx",
}
"""Grammar by LSP language id."""
_GRAMMAR_BY_SUFFIX = {
    ".py": "python", ".pyi": "python",
    ".js": "javascript", ".jsx": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx",
}  # fmt: skip
_SCRIPT_SUFFIXES = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
# Source trees that are not written here, and more of them than one would look through.
_FOREIGN = frozenset(
    {"node_modules", "site-packages", "venv", "env", "build", "dist", "target", "__pycache__"}
)
_MAX_FOLDERS = 64

_PYTHON = "[(import_statement) (import_from_statement)] @import"
_SCRIPT = """
(import_statement) @import
(export_statement source: (string)) @import
((variable_declarator value: (call_expression function: (identifier) @callee)) @import
 (#eq? @callee "require"))
"""


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name."""

    source: str
    """As written: ``pkg.mod``, ``..mod``, ``./mod.js``."""
    name: str
    """The name there; '' is the module itself, '*' everything in it."""
    local: str
    """The name here; '' for everything."""


def grammar_of(path: Path) -> str | None:
    """The grammar for a file, by its suffix."""
    return _GRAMMAR_BY_SUFFIX.get(path.suffix.lower())


def parser(grammar: str) -> Parser:
    """A new parser for a grammar: two threads must not share one."""
    from tree_sitter_language_pack import get_parser

    return get_parser(grammar)  # type: ignore[arg-type]


@cache
def _query(grammar: str) -> Query:
    from tree_sitter import Query
    from tree_sitter_language_pack import get_language

    return Query(get_language(grammar), _PYTHON if grammar == "python" else _SCRIPT)  # type: ignore[arg-type]


def imports_of(grammar: str, root: Node) -> list[Import]:
    """The imports below `root` in the order they are written, those inside functions included."""
    from tree_sitter import QueryCursor

    found: dict[Import, None] = {}
    nodes = QueryCursor(_query(grammar)).captures(root).get("import", [])
    for node in sorted(nodes, key=lambda each: each.start_byte):
        each = _python_imports(node) if grammar == "python" else _script_imports(node)
        found.update(dict.fromkeys(each))
    return list(found)


def text_of(node: Node | None) -> str:
    """Source text of a node; '' for none."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def _python_imports(node: Node) -> Iterator[Import]:
    source = text_of(node.child_by_field_name("module_name")).replace(" ", "")
    if source and any(child.type == "wildcard_import" for child in node.children):
        yield Import(source, "*", "")
    for child in node.children_by_field_name("name"):
        aliased = child.type == "aliased_import"
        name = text_of(child.child_by_field_name("name") if aliased else child)
        local = text_of(child.child_by_field_name("alias")) if aliased else name
        yield Import(source, name, local) if source else Import(name, "", local)


def _script_imports(node: Node) -> Iterator[Import]:
    if node.type == "variable_declarator":
        yield from _required(node)
        return
    source = text_of(node.child_by_field_name("source"))[1:-1]
    if not source:
        return
    clauses = [child for child in node.named_children if child.type != "string"]
    if node.type == "export_statement" and not clauses:
        yield Import(source, "*", "")
    for clause in clauses:
        parts = clause.named_children if clause.type == "import_clause" else [clause]
        for part in parts:
            if part.type == "identifier":
                yield Import(source, "default", text_of(part))
            elif part.type in ("namespace_import", "namespace_export"):
                yield Import(source, "", text_of(part.named_children[-1] if part.named_children else None))
            elif part.type in ("named_imports", "export_clause"):
                for specifier in part.named_children:
                    name = text_of(specifier.child_by_field_name("name"))
                    alias = text_of(specifier.child_by_field_name("alias"))
                    if name:
                        yield Import(source, name, alias or name)


def _required(node: Node) -> Iterator[Import]:
    call, target = node.child_by_field_name("value"), node.child_by_field_name("name")
    arguments = call.child_by_field_name("arguments") if call is not None else None
    if arguments is None or target is None or not arguments.named_children:
        return
    source = text_of(arguments.named_children[0])[1:-1]
    if target.type == "identifier":
        yield Import(source, "", text_of(target))
    for part in target.named_children if target.type == "object_pattern" else ():
        if part.type == "shorthand_property_identifier_pattern":
            yield Import(source, text_of(part), text_of(part))
        elif part.type == "pair_pattern":
            value = part.child_by_field_name("value")
            yield Import(source, text_of(part.child_by_field_name("key")), text_of(value))


class Resolver:
    """Finds the files that imports mean, inside the workspace folders only."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = [Path(os.path.normpath(root)) for root in roots]
        self._real_roots = [Path(os.path.realpath(root)) for root in self._roots]

    def files(self, grammar: str, source: str, importer: Path | None) -> Iterator[Path]:
        """Where `source`, imported in the file `importer` (None: unsaved), may be; the likeliest first.

        They need not exist. A document outside the workspace has its own folder as workspace.
        """
        roots, real_roots = self._roots, self._real_roots
        if importer is not None and not any(importer.is_relative_to(root) for root in roots):
            roots, real_roots = [importer.parent], [Path(os.path.realpath(importer.parent))]
        candidates = _python_files if grammar == "python" else _script_files
        seen = {importer}
        for file in candidates(source, importer, roots):
            normal = Path(os.path.normpath(file))
            if normal not in seen and _inside(normal, roots, real_roots):
                yield normal
            seen.add(normal)

    def relative(self, path: Path) -> str:
        """`path` from its workspace folder, with forward slashes; the bare name outside the workspace."""
        for root in self._roots:
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        return path.name

    def names(self, path: Path) -> set[str]:
        """All by which `path` may be called: absolute, from its workspace folder, and what it links to."""
        real = Path(os.path.realpath(path))
        names = {str(path), self.relative(path), str(real)}
        names.update(real.relative_to(r).as_posix() for r in self._real_roots if real.is_relative_to(r))
        return names


def _inside(path: Path, roots: Sequence[Path], real_roots: Sequence[Path]) -> bool:
    """Also after symbolic links, so that a link in the workspace does not lead out of it."""
    for root in roots:
        if path.is_relative_to(root) and not _FOREIGN.intersection(path.relative_to(root).parts[:-1]):
            real = Path(os.path.realpath(path))
            return any(real.is_relative_to(each) for each in real_roots)
    return False


def _python_files(source: str, importer: Path | None, roots: Sequence[Path]) -> Iterator[Path]:
    module = source.lstrip(".")
    level = len(source) - len(module)
    parts = [part for part in module.split(".") if part]
    if level:
        if importer is None or level > len(importer.parents):
            return
        bases: Sequence[Path] = [importer.parents[level - 1]]
    else:
        first = parts[0] if parts else ""
        bases = [
            base
            for base in _import_roots(importer, roots)
            if (base / first).is_dir() or (base / f"{first}.py").is_file()
        ]
    for base in bases:
        target = base.joinpath(*parts)
        if parts:
            yield target.parent / f"{target.name}.py"
        yield target / "__init__.py"
        if parts:
            yield target.parent / f"{target.name}.pyi"
        yield target / "__init__.pyi"


def _import_roots(importer: Path | None, roots: Sequence[Path]) -> Iterator[Path]:
    """Folders that absolute imports may start from: those above the importer, then layouts like ``src/``."""
    for root in roots:
        if importer is not None and importer.is_relative_to(root):
            yield from (folder for folder in importer.parents if folder.is_relative_to(root))
    yield from roots
    for root in roots:
        try:
            folders = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        except OSError:
            continue
        usable = [name for name in folders if not name.startswith(".") and name not in _FOREIGN]
        yield from (root / name for name in usable[:_MAX_FOLDERS])


def _script_files(source: str, importer: Path | None, roots: Sequence[Path]) -> Iterator[Path]:
    if importer is None or not source.startswith("."):
        return
    target = Path(os.path.normpath(importer.parent / source))
    if grammar_of(target) is not None:
        yield target
        stem, suffix = target.with_suffix(""), target.suffix
        if suffix in (".js", ".jsx", ".mjs", ".cjs"):
            typed = suffix.replace("js", "ts")
            yield from (stem.parent / f"{stem.name}{each}" for each in (typed, ".tsx", f".d{typed}"))
    yield from (target.parent / f"{target.name}{suffix}" for suffix in _SCRIPT_SUFFIXES)
    yield from (target / f"index{suffix}" for suffix in _SCRIPT_SUFFIXES)
