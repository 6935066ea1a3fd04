// Written by scripts/types.mjs (`make reference`) from panel.schema.json.

/**
 * Written by scripts/panel_schema.py (`make reference`) from ide_agent.panels.blocks
 */
export type Panels = PanelState | PanelPatch | PanelEvent;
export type JsonValue = unknown;

/**
 * A whole panel, as ``show`` carries it.
 */
export interface PanelState {
  id: string;
  title: string;
  language: string;
  revision: number;
  blocks: (
    | TextBlock
    | CodeBlock
    | DiffBlock
    | TableBlock
    | FormBlock
    | ProgressBlock
    | ChartBlock
    | ImageBlock
    | LogBlock
    | ActionsBlock
  )[];
}
/**
 * Markdown. It can grow (`append`).
 */
export interface TextBlock {
  kind: "text";
  id: string;
  markdown: string;
  level: "info" | "warning" | "error" | "success";
}
/**
 * Source code. It can grow.
 */
export interface CodeBlock {
  kind: "code";
  id: string;
  text: string;
  language: string;
  title: string;
  actions: Action[];
}
/**
 * A button. Pressed, it comes back as an event with `name` and `args`.
 */
export interface Action {
  name: string;
  label: string;
  style: "normal" | "primary" | "danger";
  confirm: string;
  args: {
    [k: string]: JsonValue;
  };
  enabled: boolean;
}
/**
 * A change of one file, as a unified diff (GNU diffutils, “Unified Format”).
 */
export interface DiffBlock {
  kind: "diff";
  id: string;
  path: string;
  patch: string;
  actions: Action[];
}
/**
 * Rows with the same columns.
 */
export interface TableBlock {
  kind: "table";
  id: string;
  columns: Column[];
  rows: Row[];
  title: string;
  empty: string;
}
/**
 * Of a table. `end`: numbers.
 */
export interface Column {
  key: string;
  label: string;
  align: "start" | "end";
}
/**
 * Of a table. `cells` by the key of their column; one that is missing is empty.
 */
export interface Row {
  id: string;
  cells: {
    [k: string]: string;
  };
  actions: Action[];
}
/**
 * Questions; `submit` comes back with ``values`` by the fields' names.
 */
export interface FormBlock {
  kind: "form";
  id: string;
  fields: FormField[];
  submit: Action;
  title: string;
  clears: boolean;
}
/**
 * A question. `value` is text, a number or a truth value, as its kind demands.
 */
export interface FormField {
  name: string;
  label: string;
  kind: "text" | "secret" | "number" | "choice" | "check" | "lines";
  value: string | number | boolean;
  choices: Choice[];
  hint: string;
  required: boolean;
}
/**
 * Of a field.
 */
export interface Choice {
  value: string;
  label: string;
}
/**
 * How far something is. Without `percent` nobody knows.
 */
export interface ProgressBlock {
  kind: "progress";
  id: string;
  label: string;
  percent: number | null;
  detail: string;
  actions: Action[];
}
/**
 * Lines over a common x. A point is added by setting the block anew.
 */
export interface ChartBlock {
  kind: "chart";
  id: string;
  series: Series[];
  title: string;
  x_label: string;
  y_label: string;
}
/**
 * A line of a chart: points (x, y), in the order of x.
 */
export interface Series {
  label: string;
  points: [number, number][];
}
/**
 * An image as a ``data:`` URI (PNG, JPEG, WebP or GIF).
 */
export interface ImageBlock {
  kind: "image";
  id: string;
  source: string;
  alt: string;
  boxes: Box[];
}
/**
 * A rectangle on an image, in its pixels.
 */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
  label: string;
}
/**
 * Lines of text, the last in view. It can grow.
 */
export interface LogBlock {
  kind: "log";
  id: string;
  text: string;
  title: string;
}
/**
 * Buttons beside each other.
 */
export interface ActionsBlock {
  kind: "actions";
  id: string;
  actions: Action[];
}
/**
 * Changes that lead from ``revision - 1`` to `revision`.
 */
export interface PanelPatch {
  id: string;
  revision: number;
  ops: (SetOp | AppendOp | RemoveOp | TitleOp)[];
}
/**
 * Put `block` in place of the one with its id; a new one goes before `before`, else to the end.
 */
export interface SetOp {
  op: "set";
  block:
    | TextBlock
    | CodeBlock
    | DiffBlock
    | TableBlock
    | FormBlock
    | ProgressBlock
    | ChartBlock
    | ImageBlock
    | LogBlock
    | ActionsBlock;
  before: string;
}
/**
 * Add `text` to the text of a block that can grow.
 */
export interface AppendOp {
  op: "append";
  id: string;
  text: string;
}
/**
 * Take the block away.
 */
export interface RemoveOp {
  op: "remove";
  id: string;
}
/**
 * Another title for the panel.
 */
export interface TitleOp {
  op: "title";
  title: string;
}
/**
 * What a person did in a panel.
 */
export interface PanelEvent {
  action: string;
  block?: string;
  row?: string;
  args?: {
    [k: string]: JsonValue;
  };
  values?: {
    [k: string]: JsonValue;
  };
}
