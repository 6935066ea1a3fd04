import "./dom";
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromMarkdown, showMarkdown } from "../src/markdown";

function drawn(markdown: string): string {
  const box = document.createElement("div");
  box.append(fromMarkdown(markdown));
  return box.innerHTML.trim();
}

test("markdown becomes elements, headings below the panel's own", () => {
  assert.equal(drawn("# A\n**b** `c`"), "<h2>A</h2>\n<p><strong>b</strong> <code>c</code></p>");
});

test("HTML is text", () => {
  assert.equal(drawn("<b onclick=x>a</b>"), "<p>&lt;b onclick=x&gt;a&lt;/b&gt;</p>");
});

test("images are not loaded", () => {
  assert.ok(!drawn("![a](https://example.org/a.png)").includes("<img"));
});

test("links go to the web, in a window of their own", () => {
  const link = '<a href="https://example.org/" target="_blank" rel="noopener noreferrer">a</a>';
  assert.equal(drawn("[a](https://example.org/)"), `<p>${link}</p>`);
  for (const address of ["javascript:x", "command:x", "data:text/html,x", "file:///x", "vscode://x", "/x"]) {
    assert.ok(!drawn(`[a](${address})`).includes("<a"), address);
  }
});

test("what stands already stays while text grows", () => {
  const box = document.createElement("div");
  showMarkdown(box, "one\n\ntw");
  const [first] = box.children;
  showMarkdown(box, "one\n\ntwo\n\nthree");
  assert.equal(box.children[0], first);
  assert.deepEqual(
    [...box.children].map((each) => each.textContent),
    ["one", "two", "three"],
  );
  showMarkdown(box, "other");
  assert.equal(box.textContent?.trim(), "other");
});
