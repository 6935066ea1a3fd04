// Text, code and logs: the blocks that grow.

import { Buttons } from "../buttons";
import { element, growText, setAttribute, setText } from "../dom";
import { Later } from "../later";
import { plainOf } from "../plain";
import type { Maker, OfKind } from "../view";

const parsing = new Later(() => import("../markdown"));

export const text: Maker<OfKind<"text">> = (_block, { words }) => {
  const level = element("p", { class: "level" });
  const body = element("div", { class: "markdown" });
  const whole = element("div", { class: "text" }, level, body);
  let shown: string | undefined;
  return {
    element: whole,
    update(block) {
      whole.dataset.level = block.level;
      level.hidden = block.level === "info";
      setText(level, words[block.level]);
      if (block.markdown !== shown) {
        shown = block.markdown;
        const plain = plainOf(block.markdown);
        if (plain === undefined) {
          parsing.with(({ showMarkdown }) => shown === block.markdown && showMarkdown(body, block.markdown));
        } else {
          body.replaceChildren(element("p", {}, plain));
        }
      }
    },
  };
};

export const code: Maker<OfKind<"code">> = (first, context) => {
  const title = element("h2");
  const source = element("code");
  const box = element("pre", { tabindex: "0", role: "region" }, source);
  const buttons = new Buttons(context, { block: first.id });
  return {
    element: element("div", { class: "code" }, title, box, buttons.element),
    update(block) {
      setText(title, block.title);
      title.hidden = block.title === "";
      setAttribute(box, "aria-label", block.title || context.words.code);
      setAttribute(source, "data-language", block.language || undefined);
      growText(source, block.text);
      buttons.update(block.actions);
    },
  };
};

/** How far from its end a log still counts as read to the end, in pixels. */
const NEAR = 4;

export const log: Maker<OfKind<"log">> = (_block, { words }) => {
  const title = element("h2");
  const lines = element("pre");
  const box = element("div", { class: "lines", role: "log", tabindex: "0" }, lines);
  let isNew = true;
  return {
    element: element("div", { class: "log" }, title, box),
    update(block) {
      setText(title, block.title);
      title.hidden = block.title === "";
      setAttribute(box, "aria-label", block.title || words.log);
      const follows = isNew || box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR;
      growText(lines, block.text);
      if (follows && lines.isConnected) {
        isNew = false;
        box.scrollTop = box.scrollHeight;
      }
    },
  };
};
