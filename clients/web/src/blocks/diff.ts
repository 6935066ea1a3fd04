import { Buttons } from "../buttons";
import { element, setAttribute, setText } from "../dom";
import { Later } from "../later";
import type { Maker, OfKind } from "../view";

const drawing = new Later(() => import("../patch"));

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
        drawing.with(({ fromPatch }) => {
          if (shown === block.patch) {
            box.replaceChildren(fromPatch(block.patch));
          }
        });
      }
      buttons.update(block.actions);
    },
  };
};
