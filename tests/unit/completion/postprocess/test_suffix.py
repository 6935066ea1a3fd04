import pytest

from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.suffix import cut_known_lines
from support.cursor import at_cursor


@pytest.mark.parametrize(
    ("source", "text", "kept"),
    [
        ("a = 1\n‸\nreturn result\n", "b = 2\nreturn result\nmore", "b = 2\n"),
        ("a = 1\n‸\n\n\nreturn result\n", "b = 2\n\nreturn result", "b = 2\n\n"),
        ("a = 1\n‸\nreturn result\n", "return result", ""),
        ("ret‸\nreturn result\n", "urn result", ""),
        ("a = 1\n‸\nreturn result\nelse\n", "b = 2\nreturn  result", "b = 2\n"),
        ("a\n‸\nself.value = compute(value)\n", "b\nself.values = compute(value)\nc", "b\n"),
        ("@cache\ndef f(): 1\n‸\n@cache\ndef g(): 2\n", "@cache\ndef g(): 2", ""),
        ("if a:\n    ‸\nelse:\n    c\n", "b\nelse:\n    d", "b\n"),
    ],
)
def test_case_18_multi_line_suffix(source, text, kept):
    assert cut_known_lines(Draft(text), at_cursor(source)) == Draft(kept, ended=True)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a\n‸\n}\n", "if (b) {\n}"),
        ("a\n‸\nrow(1, 2, 3, 4)\n", "row(0, 2, 3, 4)"),
        ("a\n‸\npass\n", "if b:\n    pass"),
        ("a\n‸", "b\nc"),
        ("a;\n‸\nexpect(\n    b,\n);\n", "expect(\n    c,\n);"),
        ("a\n‸\nvoid\nf(int b);\n", "void\ng(int b);"),
        ("a\n‸\nint item_new(item *other);\n", "int item_new_ex(item *other);"),
        ("a\n‸\n@cache\ndef g(): 2\n", "@cache\ndef f(): 1"),
        (
            "def _old(self, key, message):\n‸\ndef _new(self, key, message):\n",
            "def _raw(self, key, message):",
        ),
        ("a\n‸\ndef g(self):\n    return self._value\n", "def f(self):\n    return self._value"),
    ],
)
def test_what_only_looks_like_the_suffix_stays(source, text):
    draft = Draft(text)
    assert cut_known_lines(draft, at_cursor(source)) == draft


def test_a_decorator_that_the_document_goes_on_with_waits_for_its_definition():
    draft = Draft("x = 1\n@cache\n")
    assert cut_known_lines(draft, at_cursor("a\n‸\n@cache\ndef g(): 2\n")) == Draft("x = 1\n")
