"""The declarations of a Python file; bodies are elided with ``...``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ide_agent.features.completion.imports import text_of
from ide_agent.features.completion.outline import LONGEST_VALUE, Outline, first_line, flat, short_value

if TYPE_CHECKING:
    from tree_sitter import Node

_SPECIAL_METHODS = frozenset({"__init__", "__call__", "__enter__", "__aenter__", "__iter__", "__getitem__"})


def read(scope: Node, found: Outline) -> None:
    """Add what the statements of `scope` declare."""
    for node in scope.named_children:
        if node.type in ("class_definition", "function_definition", "decorated_definition"):
            inner = node.child_by_field_name("definition") or node
            found.add(text_of(inner.child_by_field_name("name")), _python_definition(node))
        elif node.type == "type_alias_statement":
            name = text_of(node.child_by_field_name("left")).split("[", 1)[0]
            found.add(name, flat(node, None))
        elif (assignment := _assignment(node)) is not None:
            found.add(*assignment)
        elif node.type in _SCOPES:
            read(node, found)


_SCOPES = frozenset(
    {
        "if_statement",
        "try_statement",
        "block",
        "else_clause",
        "elif_clause",
        "except_clause",
        "with_statement",
    }
)


def _python_definition(node: Node) -> str:
    inner = node.child_by_field_name("definition") or node
    body = inner.child_by_field_name("body")
    head = [*_decorators(node), flat(inner, body)]
    doc = _docstring(body)
    if inner.type == "function_definition" and not doc:
        return "\n".join([*head[:-1], f"{head[-1]} ..."])
    lines = [f"    {doc}"] if doc else []
    if inner.type == "class_definition" and body is not None:
        lines += [f"    {line}" for line in _members(body)]
    if inner.type == "function_definition" or not lines or (doc and len(lines) == 1):
        lines.append("    ...")
    return "\n".join(head + lines)


def _members(body: Node) -> Iterator[str]:
    for node in body.named_children:
        if (assignment := _assignment(node)) is not None:
            if not assignment[0].startswith("_"):
                yield assignment[1]
            continue
        inner = node.child_by_field_name("definition") or node
        name = text_of(inner.child_by_field_name("name"))
        if inner.type != "function_definition" or (name.startswith("_") and name not in _SPECIAL_METHODS):
            continue
        decorators = list(_decorators(node))
        if any(each.endswith((".setter", ".deleter")) for each in decorators):
            continue
        yield from decorators
        yield f"{flat(inner, inner.child_by_field_name('body'))} ..."


def _decorators(node: Node) -> Iterator[str]:
    for child in node.named_children if node.type == "decorated_definition" else ():
        if child.type == "decorator" and len(text := flat(child, None)) <= LONGEST_VALUE:
            yield text


def _docstring(body: Node | None) -> str:
    if body is None or not body.named_children:
        return ""
    first = body.named_children[0]
    if first.type == "expression_statement" and first.named_children:
        first = first.named_children[0]
    if first.type != "string":
        return ""
    content = "".join(text_of(child) for child in first.named_children if child.type == "string_content")
    return f'"""{line}"""' if (line := first_line(content)) else ""


def _assignment(node: Node) -> tuple[str, str] | None:
    """Name and text of ``NAME: type = value``."""
    if node.type == "expression_statement" and node.named_children:
        node = node.named_children[0]
    left = node.child_by_field_name("left") if node.type == "assignment" else None
    if left is None or left.type != "identifier":
        return None
    text = name = text_of(left)
    if (annotation := node.child_by_field_name("type")) is not None:
        text += f": {flat(annotation, None)}"
    if (value := node.child_by_field_name("right")) is not None:
        text += f" = {short_value(value)}"
    return name, text
