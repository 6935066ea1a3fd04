"""The declarations of a JavaScript or TypeScript file; bodies are elided with ``...``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ide_agent.features.completion.imports import text_of
from ide_agent.features.completion.outline import Outline, first_line, flat, short_value

if TYPE_CHECKING:
    from tree_sitter import Node


def read(scope: Node, found: Outline) -> None:
    """Add what the statements of `scope` declare and export."""
    for node in scope.named_children:
        if node.type == "export_statement":
            _exported(node, found)
        elif node.type == "expression_statement":
            _common_js(node, found)
        else:
            _declare(node, node, found)


def _exported(node: Node, found: Outline) -> None:
    default = any(child.type == "default" for child in node.children)
    declaration, value = node.child_by_field_name("declaration"), node.child_by_field_name("value")
    if declaration is not None:
        name = _declare(declaration, node, found)
        if default and name:
            found.exports["default"] = name
    elif value is not None and value.type == "identifier":
        found.exports["default"] = text_of(value)
    elif value is not None:
        found.add("default", _doc(node) + f"export default {_expression(value)}")
    if node.child_by_field_name("source") is not None:
        return
    for clause in node.named_children:
        for specifier in clause.named_children if clause.type == "export_clause" else ():
            alias = text_of(specifier.child_by_field_name("alias"))
            if alias:
                found.exports[alias] = text_of(specifier.child_by_field_name("name"))


def _common_js(node: Node, found: Outline) -> None:
    """``module.exports = …`` and ``exports.name = …``."""
    assignment = node.named_children[0] if node.named_children else node
    left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
    if assignment.type != "assignment_expression" or left is None or right is None:
        return
    target = text_of(left)
    if target == "module.exports" and right.type == "object":
        for pair in right.named_children:
            key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            if value is not None and value.type == "identifier":
                found.exports[text_of(key)] = text_of(value)
            elif value is not None:
                found.add(text_of(key), f"{text_of(key)}: {_expression(value)}")
    elif target == "module.exports" and right.type == "identifier":
        found.exports["default"] = text_of(right)
    elif target == "module.exports":
        found.add("default", _doc(node) + f"module.exports = {_expression(right)}")
    elif target.startswith(("exports.", "module.exports.")):
        name = target.rsplit(".", 1)[-1]
        if right.type == "identifier":
            found.exports[name] = text_of(right)
        else:
            found.add(name, _doc(node) + f"{target} = {_expression(right)}")


def _declare(node: Node, outer: Node, found: Outline) -> str:
    """Add what `node` declares; `outer` is the statement that a comment may stand above. Returns the name."""
    if node.type == "ambient_declaration":
        for child in node.named_children:
            _declare(child, outer, found)
        return ""
    if node.type in ("lexical_declaration", "variable_declaration"):
        for declarator in node.named_children:
            _variable(text_of(node.children[0]), declarator, outer, found)
        return ""
    render = _RENDER.get(node.type)
    if render is None:
        return ""
    name = text_of(node.child_by_field_name("name")) or "default"
    found.add(name, _doc(outer) + render(node))
    return name


def _variable(keyword: str, node: Node, outer: Node, found: Outline) -> None:
    target, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if target is None or target.type != "identifier":
        return
    if value is not None and _required_module(value):
        return
    annotation = node.child_by_field_name("type")
    text = f"{keyword} {text_of(target)}" + (flat(annotation, None) if annotation is not None else "")
    if value is not None:
        text += f" = {_expression(value)}"
    found.add(text_of(target), _doc(outer) + text)


def _required_module(value: Node) -> bool:
    return value.type == "call_expression" and text_of(value.child_by_field_name("function")) == "require"


def _expression(node: Node) -> str:
    body = node.child_by_field_name("body")
    if node.type in ("arrow_function", "function_expression", "generator_function") and body is not None:
        return f"{flat(node, body)} {'{ ... }' if body.type == 'statement_block' else '...'}"
    if node.type == "class" and body is not None:
        return _class(node)
    return short_value(node)


def _function(node: Node) -> str:
    body = node.child_by_field_name("body")
    return flat(node, body) + (" { ... }" if body is not None else "")


def _class(node: Node) -> str:
    body = node.child_by_field_name("body")
    members = [f"  {member}" for member in _script_members(body)] if body is not None else []
    head = flat(node, body)
    return "\n".join([head + " {", *members, "}"]) if members else head + " { ... }"


def _script_members(body: Node) -> Iterator[str]:
    for node in body.named_children:
        text = text_of(node)
        if text.startswith(("private ", "#")) or text_of(node.child_by_field_name("name")).startswith("#"):
            continue
        if node.type in ("method_definition", "method_signature", "abstract_method_signature"):
            yield _function(node)
        elif node.type in ("public_field_definition", "field_definition"):
            value = node.child_by_field_name("value")
            head = flat(node, value)
            if value is None:
                yield head
            elif node.child_by_field_name("type") is not None:
                yield head.rstrip("= ")
            else:
                yield f"{head} {_expression(value)}"


def _whole(node: Node) -> str:
    lines = text_of(node).split("\n")
    return "\n".join(line.rstrip() for line in lines)


_RENDER: dict[str, Callable[[Node], str]] = {
    "function_declaration": _function,
    "generator_function_declaration": _function,
    "function_signature": _function,
    "class_declaration": _class,
    "abstract_class_declaration": _class,
    "interface_declaration": _whole,
    "type_alias_declaration": _whole,
    "enum_declaration": _whole,
}


def _doc(node: Node) -> str:
    """The first line of the JSDoc comment above `node`, as a comment of one line."""
    above = node.prev_named_sibling
    if above is None or above.type != "comment" or not text_of(above).startswith("/**"):
        return ""
    lines = (line.strip(" \t\r*") for line in text_of(above)[3:-2].split("\n"))
    line = next(filter(None, lines), "")
    doc = "" if line.startswith("@") else first_line(line)
    return f"/** {doc} */\n" if doc else ""
