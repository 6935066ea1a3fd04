// Diffs as elements. They may come from a model: what is drawn of them is text.

import { html } from "diff2html";
import DOMPurify from "dompurify";

/** The lines of a unified diff; what is none is shown as it stands. */
export function fromPatch(patch: string): DocumentFragment {
  const start = patch.search(/^@@ /m);
  if (start >= 0) {
    // What stands above the hunks are names, and those we say ourselves.
    const drawn = html(`--- a/file\n+++ b/file\n${patch.slice(start)}`, {
      drawFileList: false,
      outputFormat: "line-by-line",
      matching: "lines",
    });
    const fragment = DOMPurify.sanitize(drawn, {
      ALLOWED_TAGS: ["div", "span", "table", "tbody", "tr", "td", "ins", "del"],
      ALLOWED_ATTR: ["class"],
      RETURN_DOM_FRAGMENT: true,
    });
    const lines = fragment.querySelector(".d2h-diff-table");
    if (lines) {
      lines.setAttribute("role", "presentation");
      const only = document.createDocumentFragment();
      only.append(lines);
      return only;
    }
  }
  const plain = document.createDocumentFragment();
  const pre = document.createElement("pre");
  pre.textContent = patch;
  plain.append(pre);
  return plain;
}
