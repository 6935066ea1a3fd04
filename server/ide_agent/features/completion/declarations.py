"""Declarations of what the current document imports from its own workspace."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ide_agent.features.completion import python_outline, script_outline
from ide_agent.features.completion.cursor import CursorContext, Snippet
from ide_agent.features.completion.imports import (
    GRAMMARS,
    Import,
    Resolver,
    grammar_of,
    imports_of,
    parser,
)
from ide_agent.features.completion.outline import Outline, cut

LIMIT = 5
CHARS = 500
MAX_FILE_BYTES = 1_000_000
_CACHED_FILES = 128
# A package's __init__ that passes a name on from a module that passes it on: no further than this.
_MAX_HOPS = 3
_NEAR_BEFORE, _NEAR_AFTER = 60, 20

_WORD = re.compile(r"[^\W\d]\w*")
_DRIVE = re.compile(r"/[A-Za-z]:")


def read_file(path: Path) -> str | None:
    """Text of a file on disk; None when it is missing, larger than 1 MB, or not UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        return data.decode("utf-8") if len(data) <= MAX_FILE_BYTES else None
    except (OSError, UnicodeDecodeError, ValueError):
        return None


class Declarations:
    """Reads files and parses: call it from a worker thread and in idle moments, not at every keystroke."""

    def __init__(
        self,
        roots: Sequence[Path],
        read: Callable[[Path], str | None] = read_file,
        is_private: Callable[[str], bool] = lambda path: False,
        *,
        chars: int = CHARS,
    ) -> None:
        """Set up for a workspace.

        Args:
            roots: the workspace folders, absolute.
            read: text of a file, None when there is none; the text of an open document goes before the disk.
            is_private: whether a path must not be read.
            chars: longest declaration, in characters.
        """
        self._resolver = Resolver(roots)
        self._read = read
        self._is_private = is_private
        self._chars = chars
        self._outlines: OrderedDict[Path, tuple[int, Outline]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, context: CursorContext, text: str, limit: int = LIMIT) -> list[Snippet]:
        """Declarations of imported names, at most `limit`, in the order in which they are imported.

        When there are more, those go first that are used near the cursor, then those used at all.

        Args:
            context: the cursor.
            text: the whole document.
            limit: most declarations.
        """
        grammar = GRAMMARS.get(context.language)
        if grammar is None or len(text) > MAX_FILE_BYTES:
            return []
        with self._lock:
            return self._find(grammar, context, text, limit)

    def _find(self, grammar: str, context: CursorContext, text: str, limit: int) -> list[Snippet]:
        root = parser(grammar).parse(text.encode("utf-8", "replace")).root_node
        imports = imports_of(grammar, root)
        near, words = set(_WORD.findall(_near(context))), _Uses(text)

        def rank(item: tuple[int, Import]) -> tuple[bool, bool, int]:
            order, each = item
            name = each.local.split(".", 1)[0]
            return name not in near, words.count(name) < 2, order

        found: dict[tuple[Path, str], tuple[int, str]] = {}
        importer = _file(context.uri)
        for order, each in sorted(enumerate(imports), key=rank):
            for path, name, declaration in self._declared(grammar, each, importer, words):
                if len(found) < limit:
                    found.setdefault((path, name), (order, declaration))
            if len(found) >= limit:
                break
        ordered = sorted(found.items(), key=lambda item: item[1][0])
        return [
            Snippet(self._resolver.relative(path), declaration, str(path))
            for (path, _), (_, declaration) in ordered
        ]

    def _declared(
        self, grammar: str, wanted: Import, importer: Path | None, uses: _Uses
    ) -> Iterator[tuple[Path, str, str]]:
        """File, name and text of the declarations that an import brings in."""
        module = self._module(grammar, wanted.source, importer)
        if module is not None:
            file, there = module
            if wanted.name == "*":
                names = [name for name in there.declarations if name in uses]
            else:
                names = [wanted.name] if wanted.name else uses.attributes(wanted.local)
            hits = [hit for name in names if (hit := self._look_up(file, there, name, _MAX_HOPS))]
            if not hits and not wanted.name and (hit := self._look_up(file, there, "default", 0)):
                hits = [hit]
            if hits:
                yield from hits
                return
        if grammar == "python" and wanted.name not in ("", "*"):
            separator = "" if wanted.source.endswith(".") else "."
            submodule = Import(f"{wanted.source}{separator}{wanted.name}", "", wanted.local)
            yield from self._declared(grammar, submodule, importer, uses)

    def _look_up(self, file: Path, there: Outline, name: str, hops: int) -> tuple[Path, str, str] | None:
        """`name` in a file, or where that file has it from."""
        if (declaration := there.get(name)) is not None:
            return file, name, declaration
        grammar = grammar_of(file)
        if grammar is None or hops == 0:
            return None
        local = there.exports.get(name, name)
        for each in there.imports:
            if each.name and (each.local == local or each.name == "*"):
                module = self._module(grammar, each.source, file)
                target = name if each.name == "*" else each.name
                if module and (hit := self._look_up(*module, target, hops - 1)):
                    return hit
        return None

    def _module(self, grammar: str, source: str, importer: Path | None) -> tuple[Path, Outline] | None:
        for file in self._resolver.files(grammar, source, importer):
            if (found := self._outline(file)) is not None:
                return file, found
        return None

    def _outline(self, file: Path) -> Outline | None:
        grammar = grammar_of(file)
        if grammar is None or any(self._is_private(name) for name in self._resolver.names(file)):
            return None
        text = self._read(file)
        if text is None or len(text) > MAX_FILE_BYTES:
            return None
        content = hash(text)
        cached = self._outlines.get(file)
        if cached is None or cached[0] != content:
            cached = content, _read_outline(grammar, text, self._chars)
            self._outlines[file] = cached
        self._outlines.move_to_end(file)
        while len(self._outlines) > _CACHED_FILES:
            self._outlines.popitem(last=False)
        return cached[1]


def _read_outline(grammar: str, text: str, chars: int) -> Outline:
    root = parser(grammar).parse(text.encode("utf-8", "replace")).root_node
    found = Outline(imports=imports_of(grammar, root))
    (python_outline if grammar == "python" else script_outline).read(root, found)
    found.declarations = {name: cut(declared, chars) for name, declared in found.declarations.items()}
    return found


class _Uses:
    """Which names a document uses."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._counts: dict[str, int] = {}
        for word in _WORD.findall(text):
            self._counts[word] = self._counts.get(word, 0) + 1

    def __contains__(self, name: str) -> bool:
        return name in self._counts

    def count(self, name: str) -> int:
        return self._counts.get(name, 0)

    def attributes(self, module: str) -> list[str]:
        """The names taken from a module by dot, in the order of their first use."""
        found = re.findall(rf"(?<![\w.]){re.escape(module)}\s*\.\s*([^\W\d]\w*)", self._text)
        return list(dict.fromkeys(found))


def _near(context: CursorContext) -> str:
    before = context.prefix.rsplit("\n", _NEAR_BEFORE)[-_NEAR_BEFORE:]
    return "\n".join(before + context.suffix.split("\n", _NEAR_AFTER)[:_NEAR_AFTER])


def _file(uri: str) -> Path | None:
    """The file of a document; None when it has none yet."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    path = unquote(parts.path)
    if parts.scheme not in ("file", "vscode-notebook-cell") or not path:
        return None
    return Path(path[1:] if _DRIVE.match(path) else path)
