import pytest

from ide_agent.features.completion import skeleton


@pytest.mark.parametrize(
    ("prefix", "statement", "language", "complete"),
    [
        ("", "x = 1", "python", True),
        ("", "x =", "python", False),
        ("", "@decorated", "python", False),
        ("", "x = 1 + \\", "python", False),
        ("class A:\n    def f(self):\n        ", "        return 1", "python", True),
        ("def f(\n    a,\n):\n    ", "    x =", "python", False),
        ("def f(\n    a,\n):\n    ", "    x = a", "python", True),
        ("try:\n    ", "    x = 1", "python", True),
        ("try:\n    ", "    x = 1 +", "python", False),
        ("int f() {\n  ", "  int x = 3", "c", False),
        ("int f() {\n  ", "  int x = 3;", "c", True),
        ("int f() {\n  if (a) {\n    b;\n  } else {\n    ", "    int x = 3", "c", False),
        ("int f() {\n  if (a) {\n    b;\n  } else {\n    ", "    c();", "c", True),
        ("try {\n  ", "  a()", "javascript", True),
        ("try {\n  ", "  const a =", "javascript", False),
        ("class A {\n  void f() {\n    ", "    g()", "java", False),
        ("class A {\n  void f() {\n    ", "    g();", "java", True),
        ("func f() {\n\t", "\tx :=", "go", False),
        ("func f() {\n\t", "\tx := 1", "go", True),
        ("function f()\n  ", "  local x =", "lua", False),
        ("function f()\n  ", "  local x = 1", "lua", True),
        ("def f\n  ", "  x = 1", "ruby", True),
        ("if true; then\n  ", "  echo a", "shellscript", True),
        ("if true; then\n  ", "  echo a |", "shellscript", False),
        ("<?php\nfunction f() {\n  ", "  $x = 1", "php", False),
        ("<?php\nfunction f() {\n  ", "  $x = 1;", "php", True),
        ('{\n  "a": 1,\n  ', '  "b": 2,', "json", True),
        ("f(\n    ", "    a,", "python", True),
        ("x = [\n    ", "    1, 2,", "javascript", True),
        ("", "a = b +", "no-such-language", False),
        ("", "a = b", "no-such-language", True),
    ],
)
def test_is_complete(prefix, statement, language, complete):
    assert skeleton.is_complete(prefix, statement, language) is complete


def test_errors_elsewhere_in_the_document_do_not_matter():
    prefix = "def broken(:\n    ]\n\nx = = 3\n\ndef f(a):\n    y = a\n    "
    assert skeleton.is_complete(prefix, "    return y", "python")
    assert not skeleton.is_complete(prefix, "    return y +", "python")
