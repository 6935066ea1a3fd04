"""Declarations of JavaScript and TypeScript files."""

from __future__ import annotations

from ide_agent.features.completion.imports import parser
from ide_agent.features.completion.outline import Outline
from ide_agent.features.completion.script_outline import read


def outline(source: str, grammar: str = "typescript") -> Outline:
    found = Outline()
    read(parser(grammar).parse(source.encode()).root_node, found)
    return found


def test_functions() -> None:
    source = """
export function f(a: number): string { return "" }
/**
 * Adds things.
 * @param a one
 */
export async function add(
  a: number, // first
  b?: {x: string},
): Promise<number> {
  return a;
}
/** @internal */
function* g() {}
function over(a: string): void;
function over(a: number): void;
"""
    assert outline(source).declarations == {
        "f": "function f(a: number): string { ... }",
        "add": "/** Adds things. */\nasync function add(a: number, b?: {x: string}): Promise<number> { ... }",
        "g": "function* g() { ... }",
        "over": "function over(a: string): void;\nfunction over(a: number): void;",
    }


def test_a_class() -> None:
    source = """
export class A<T> extends B implements C {
  private x: number = 3;
  #y = 1;
  static z = 4;
  protected w?: string;
  n: number = 5;
  constructor(a: number) { super(); }
  get p(): string { return "" }
  async m<U>(a?: U): Promise<U> { return a }
  arrow = () => { return 1 };
  #secret() {}
}
export abstract class D { abstract f(): void; }
class E {}
"""
    assert outline(source).declarations == {
        "A": """class A<T> extends B implements C {
  static z = 4
  protected w?: string
  n: number
  constructor(a: number) { ... }
  get p(): string { ... }
  async m<U>(a?: U): Promise<U> { ... }
  arrow = () => { ... }
}""",
        "D": "abstract class D {\n  abstract f(): void\n}",
        "E": "class E { ... }",
    }


def test_types_are_shown_whole() -> None:
    source = "export interface I {\n  a: string;\n}\nexport type U = string | number;\nenum E { A, B }\n"
    assert outline(source).declarations == {
        "I": "interface I {\n  a: string;\n}",
        "U": "type U = string | number;",
        "E": "enum E { A, B }",
    }


def test_variables() -> None:
    source = """
export const K = 3, L: number = 4;
let big = {
  a: 1};
const arrow = (a: number): number => { return a };
const short = (a: number) => a + 1;
const {no} = x;
const m = require("./m");
declare const Q: number;
declare function amb(x: number): void;
"""
    assert outline(source).declarations == {
        "K": "const K = 3",
        "L": "const L: number = 4",
        "big": "let big = ...",
        "arrow": "const arrow = (a: number): number => { ... }",
        "short": "const short = (a: number) => ...",
        "Q": "const Q: number",
        "amb": "function amb(x: number): void;",
    }


def test_default_exports() -> None:
    assert outline("export default class A {}").get("default") == "class A { ... }"
    assert outline("export default function f() {}").get("default") == "function f() { ... }"
    assert outline("const f = 1;\nexport default f;").get("default") == "const f = 1"
    assert outline("export default (a: number) => a;").get("default") == "export default (a: number) => ..."
    assert outline("export default function () {}").get("default") is not None


def test_export_lists() -> None:
    found = outline('function f() {}\nexport { f as h };\nexport { k as j } from "./v";')
    assert found.get("h") == "function f() { ... }"
    assert "j" not in found.exports


def test_common_js() -> None:
    source = """
function f() {}
module.exports = { f, g: f, h: (a) => { return a } };
exports.z = 3;
module.exports.y = f;
other.thing = 1;
"""
    found = outline(source, "javascript")
    assert {name: found.get(name) for name in ("f", "g", "h", "z", "y", "thing")} == {
        "f": "function f() { ... }",
        "g": "function f() { ... }",
        "h": "h: (a) => { ... }",
        "z": "exports.z = 3",
        "y": "function f() { ... }",
        "thing": None,
    }
    assert outline("class A {}\nmodule.exports = A;", "javascript").get("default") == "class A { ... }"
    assert outline("module.exports = class { m() {} };", "javascript").get("default") is not None
