import "@vscode-elements/elements/dist/vscode-progress-bar/index.js";
import { Buttons } from "../buttons";
import { element, setText } from "../dom";
import type { Maker, OfKind } from "../view";
import type { Words } from "../words";

export const progress: Maker<OfKind<"progress">> = (first, context) => {
  const label = element("span", { class: "label" });
  const detail = element("span", { class: "detail" });
  const bar = document.createElement("vscode-progress-bar");
  const buttons = new Buttons(context, { block: first.id });
  return {
    element: element(
      "div",
      { class: "progress" },
      element("p", {}, label, " ", detail),
      bar,
      buttons.element,
    ),
    update(block) {
      setText(label, block.label);
      setText(detail, detailOf(block, context.words));
      bar.ariaLabel = block.label;
      bar.indeterminate = block.percent === null;
      bar.value = block.percent ?? 0;
      buttons.update(block.actions);
    },
  };
};

function detailOf({ percent, detail }: OfKind<"progress">, words: Words): string {
  const said = percent === null ? "" : words.percent.replace("{}", `${Math.floor(percent)}`);
  return [said, detail].filter(Boolean).join(" · ");
}
