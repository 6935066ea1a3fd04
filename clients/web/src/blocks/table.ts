import { Buttons, button } from "../buttons";
import { arrange, element, setAttribute, setText } from "../dom";
import type { Column, Row } from "../types";
import type { Context, Maker, OfKind } from "../view";

/** An address or a path: it is broken after a slash or a dot, and elsewhere only where a part is longer than this. */
const LONG_WORD = /\S{17}/;
const LONG_PART = /[^\s/.-]{25}/;
/** Where it may be broken; and how things stand has a colour. */
const PIECES = /(?<=\S[/.])(?=[^\s/.\d])|(?=[🟢🟡🔴⏳])|(?<=[🟢🟡🔴⏳])/u;
const DOTS = ["🟢", "🟡", "🔴", "⏳"];
/** How many rows of a long table stand there at first where each is a paragraph. */
const FOLDED = 5;
/** A name with hyphens, at which it is not broken unless it is long. */
const HYPHENED = /(?<!\S)(?=\S*\S-\S)(\S{1,24})(?!\S)/;

export const table: Maker<OfKind<"table">> = (first, context) => {
  const title = element("h2");
  const head = element("tr");
  const body = element("tbody");
  const grid = element("table", {}, element("thead", {}, head), body);
  const empty = element("p", { class: "empty" });
  const rows = new Map<string, RowView>();
  const more = button();
  more.secondary = true;
  const rest = element("div", { class: "rest" }, more);
  const whole = element(
    "div",
    { class: "table" },
    title,
    element("div", { class: "wide" }, grid),
    rest,
    empty,
  );
  more.addEventListener("click", () => {
    const next = body.children[FOLDED];
    whole.classList.add("all");
    next?.querySelector<HTMLElement>("vscode-button")?.focus();
  });
  let columns = "";
  return {
    element: whole,
    update(block) {
      setText(title, block.title);
      title.hidden = block.title === "";
      setAttribute(grid, "aria-label", block.title || undefined);
      setText(empty, block.empty);
      empty.hidden = block.rows.length > 0 || block.empty === "";
      grid.hidden = block.rows.length === 0 && block.empty !== "";
      const hasActions = block.rows.some((row) => row.actions.length > 0);
      const wanted = JSON.stringify([block.columns, hasActions]);
      if (wanted !== columns) {
        columns = wanted;
        rows.clear();
        head.replaceChildren(...header(block.columns, hasActions, context));
      }
      const ids = new Set(block.rows.map((row) => row.id));
      for (const id of [...rows.keys()].filter((id) => !ids.has(id))) {
        rows.delete(id);
      }
      const drawn = block.rows.map((row) => {
        const view = rows.get(row.id) ?? new RowView(first.id, row.id, block.columns, hasActions, context);
        rows.set(row.id, view);
        view.update(row);
        return view.element;
      });
      arrange(body, drawn);
      setText(more, context.words.all.replace("{}", `${block.rows.length}`));
      const folds = block.rows.length > FOLDED + 1; // one row more takes as much room as a button
      whole.classList.toggle("folds", folds);
      rest.hidden = !folds;
    },
  };
};

function header(columns: readonly Column[], hasActions: boolean, { words }: Context): HTMLElement[] {
  const cells = columns.map(({ label, align }) => element("th", { scope: "col", class: align }, label));
  const unseen = element("span", { class: "unseen" }, words.actions);
  return hasActions ? [...cells, element("th", { scope: "col" }, unseen)] : cells;
}

/** Its first cell is its heading. */
class RowView {
  readonly element = element("tr");
  private readonly cells: readonly HTMLElement[];
  private readonly buttons: Buttons;

  constructor(
    block: string,
    row: string,
    private readonly columns: readonly Column[],
    hasActions: boolean,
    context: Context,
  ) {
    this.cells = columns.map(({ align, label }, at) =>
      at === 0
        ? element("th", { scope: "row", class: align })
        : element("td", { class: align, "data-label": label }),
    );
    this.buttons = new Buttons(context, { block, row });
    this.element.append(...this.cells);
    if (hasActions) {
      this.element.append(element("td", { class: "actions" }, this.buttons.element));
    }
  }

  update(row: Row): void {
    this.columns.forEach(({ key }, at) => {
      const cell = this.cells[at];
      if (cell) {
        const text = row.cells[key] ?? "";
        fill(cell, text);
        cell.classList.toggle("breaks", LONG_PART.test(text));
      }
    });
    this.buttons.update(row.actions, row.cells[this.columns[0]?.key ?? ""]);
  }
}

/** Make `text` the text of `cell`, with places where it may be broken, and dots that need no font. */
function fill(cell: HTMLElement, text: string): void {
  const isPath = text.includes("/") && LONG_WORD.test(text);
  const hasDot = DOTS.some((dot) => text.includes(dot));
  if (!isPath && !hasDot && !HYPHENED.test(text)) {
    setText(cell, text);
  } else if (cell.textContent !== text) {
    const pieces = isPath || hasDot ? text.split(PIECES) : [text];
    const parts = pieces.flatMap((piece, at): (Node | string)[] => {
      if (DOTS.includes(piece)) {
        const dot = element("span", { class: "dot", "data-dot": piece }, piece);
        return [element("span", { class: "whole" }, dot, pieces[at + 1] ?? "")];
      }
      return DOTS.includes(pieces[at - 1] ?? "") ? [] : [...unbroken(piece), element("wbr")];
    });
    cell.replaceChildren(...parts);
  }
}

function unbroken(text: string): (Node | string)[] {
  const parts = text.split(HYPHENED).filter((part) => part !== "");
  return parts.map((part) => (HYPHENED.test(part) ? element("span", { class: "whole" }, part) : part));
}
