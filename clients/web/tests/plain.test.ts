import "./dom";
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromMarkdown } from "../src/markdown";
import { plainOf } from "../src/plain";

const PLAIN = [
  "One line: a sentence, no more.",
  "Ölçü 3.5 MB (gguf)",
  "The models take 1\\.5 GB\\; so",
  "“a” - b + c",
];
const MARKED = [
  ...[
    "**a** b",
    "a `b`",
    "a [b](https://example.org/)",
    "a\nb",
    "# a",
    "- a",
    "1. a",
    "12) a",
    "a <b> c",
    "a &amp; b",
  ],
  ...["", "    a", "> a", "a \\", "a | b", "_a_", "~~a~~"],
];

test("what needs no parser shows what the parser would show", () => {
  for (const text of PLAIN) {
    assert.equal(plainOf(text), fromMarkdown(text).textContent?.trim(), text);
    assert.ok(plainOf(text), text);
  }
});

test("what may mean more goes to the parser", () => {
  for (const text of MARKED) {
    assert.equal(plainOf(text), undefined, text);
  }
});
