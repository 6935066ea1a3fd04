import { html } from "diff2html";
import DOMPurify from "dompurify";
import { Buttons } from "../buttons";
import { element, setAttribute, setText } from "../dom";
import type { Maker, OfKind } from "../view";

export const diff: Maker<OfKind<"diff">> = (first, context) => {
  const title = element("h2", { class: "path" });
  const box = element("div", { class: "lines", tabindex: "0", role: "region" });
  const buttons = new Buttons(context, { block: first.id });
  let shown: string | undefined;
  return {
    element: element("div", { class: "diff" }, title, box, buttons.element),
    update(block) {
      setText(title, block.path);
      setAttribute(box, "aria-label", `${context.words.diff} ${block.path}`);
      if (block.patch !== shown) {
        shown = block.patch;
        box.replaceChildren(fromPatch(block.patch));
      }
      buttons.update(block.actions);
    },
  };
};

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
  plain.append(element("pre", {}, patch));
  return plain;
}
