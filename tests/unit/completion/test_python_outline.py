"""Declarations of Python files."""

from __future__ import annotations

from ide_agent.features.completion.imports import parser
from ide_agent.features.completion.outline import Outline
from ide_agent.features.completion.python_outline import read


def declared(source: str) -> dict[str, str]:
    outline = Outline()
    read(parser("python").parse(source.encode()).root_node, outline)
    return outline.declarations


def test_functions() -> None:
    source = '''
def plain(a, b=1): return a
async def typed(a: int, *args: str, **kw: object) -> str:
    """Say it.

    At length.
    """
    return ""
def raw():
    r"""Raw."""
'''
    assert declared(source) == {
        "plain": "def plain(a, b=1): ...",
        "typed": 'async def typed(a: int, *args: str, **kw: object) -> str:\n    """Say it."""\n    ...',
        "raw": 'def raw():\n    """Raw."""\n    ...',
    }


def test_a_class_with_fields_and_methods() -> None:
    source = '''
@dataclass(frozen=True)
class A(B, metaclass=M):
    """Doc."""

    x: int = 3
    """Of x."""
    y: str
    RED = 1
    big = [
        1,
    ]
    _hidden: int = 0

    def __init__(self) -> None:
        self.z = 1

    def __repr__(self) -> str: ...
    def _private(self): ...

    @property
    def size(self) -> int:
        """Size."""
        return 1

    @size.setter
    def size(self, value: int) -> None: ...

    @classmethod
    async def make(cls) -> A: ...
'''
    assert declared(source) == {
        "A": """@dataclass(frozen=True)
class A(B, metaclass=M):
    \"\"\"Doc.\"\"\"
    x: int = 3
    y: str
    RED = 1
    big = ...
    def __init__(self) -> None: ...
    @property
    def size(self) -> int: ...
    @classmethod
    async def make(cls) -> A: ..."""
    }


def test_classes_with_nothing_to_show() -> None:
    assert declared('class A:\n    pass\nclass B:\n    """Doc."""\n') == {
        "A": "class A:\n    ...",
        "B": 'class B:\n    """Doc."""\n    ...',
    }


def test_constants_and_aliases() -> None:
    source = (
        "LIMIT: int = 3\nNAMES = {\n  1: 2}\nonly: str\ntype T[X] = list[X]\na.b = 1\nc, d = 1, 2\nx += 1\n"
    )
    assert declared(source) == {
        "LIMIT": "LIMIT: int = 3",
        "NAMES": "NAMES = ...",
        "only": "only: str",
        "T": "type T[X] = list[X]",
    }


def test_conditional_declarations() -> None:
    source = """
if sys.platform == "win32":
    def f(a): ...
elif x:
    def f(a, b): ...
else:
    Q = 1
try:
    import fast
except ImportError:
    def slow(): ...
"""
    assert declared(source) == {
        "f": "def f(a): ...\ndef f(a, b): ...",
        "Q": "Q = 1",
        "slow": "def slow(): ...",
    }


def test_names_inside_functions_are_not_declared() -> None:
    assert list(declared("def f():\n    x = 1\n    def g(): ...\n")) == ["f"]
