// What a field is filled in with.

import "@vscode-elements/elements/dist/vscode-checkbox/index.js";
import "@vscode-elements/elements/dist/vscode-textarea/index.js";
import "@vscode-elements/elements/dist/vscode-textfield/index.js";
import { element, setAttribute } from "./dom";
import type { Choice, FormField } from "./types";

export type Value = FormField["value"];

export interface Control {
  readonly element: HTMLElement;
  value: Value;
  /** What is typed is no value of this kind. */
  readonly isBroken: boolean;
  invalid: boolean;
  /** What can be chosen, or may be meant. */
  offer?(choices: readonly Choice[]): void;
}

/** A control for `field`, with its name for those who cannot see the label. `changed`: somebody typed or chose. */
export function controlOf(field: FormField, name: string, changed: () => void): Control {
  switch (field.kind) {
    case "check":
      return check(name, changed);
    case "choice":
      return choice(name, changed);
    case "lines":
      return lines(name, changed);
    default:
      return line(field.kind, name, changed);
  }
}

function line(kind: "text" | "secret" | "number", name: string, changed: () => void): Control {
  const input = document.createElement("vscode-textfield");
  input.type = kind === "secret" ? "password" : kind;
  input.label = name;
  input.autocomplete = "off";
  let offered: readonly Choice[] = [];
  let before = "";
  const offer = () => {
    void input.updateComplete.then(() => suggest(input.wrappedElement, offered, before));
  };
  input.addEventListener("input", () => {
    changed();
    const typed = /^.*,\s*/s.exec(input.value)?.[0] ?? "";
    if (offered.length > 0 && typed !== before) {
      before = typed;
      offer();
    }
  });
  return {
    element: input,
    get value() {
      return input.value;
    },
    set value(value) {
      input.value = String(value);
    },
    offer(choices) {
      offered = choices;
      offer();
    },
    get isBroken() {
      return kind === "number" && (input.wrappedElement?.validity.badInput ?? false);
    },
    get invalid() {
      return input.invalid;
    },
    set invalid(invalid) {
      input.invalid = invalid;
    },
  };
}

function lines(name: string, changed: () => void): Control {
  const input = document.createElement("vscode-textarea");
  input.label = name;
  input.rows = 5;
  input.resize = "vertical";
  input.addEventListener("input", changed);
  return {
    element: input,
    get value() {
      return input.value;
    },
    set value(value) {
      input.value = String(value);
    },
    isBroken: false,
    get invalid() {
      return input.invalid;
    },
    set invalid(invalid) {
      input.invalid = invalid;
    },
  };
}

/** The browser shows only to a mouse that there is a list. */
const ARROW = "input::-webkit-calendar-picker-indicator { opacity: 1 !important }";

/**
 * Beside `input`, in the same tree: only there it finds the list. The browser compares all that was typed, so each
 * stands behind what was typed `before` the last comma.
 */
function suggest(input: HTMLInputElement | null, choices: readonly Choice[], before: string): void {
  const known = input?.parentElement?.querySelector("datalist");
  const list = known ?? element("datalist", { id: "suggestions" });
  list.replaceChildren(
    ...choices.map(({ value, label }) => element("option", { value: before + value, label })),
  );
  if (input && choices.length > 0 && !known) {
    input.after(list);
    input.setAttribute("list", list.id);
    const root = input.getRootNode();
    if (root instanceof ShadowRoot && "adoptedStyleSheets" in root) {
      const style = new CSSStyleSheet();
      style.replaceSync(ARROW);
      root.adoptedStyleSheets.push(style);
    }
  }
}

/** The system's own: a hundred of them cost nothing, and everybody knows its keys. */
function choice(name: string, changed: () => void): Control {
  const input = element("select", { "aria-label": name });
  input.addEventListener("change", changed);
  return {
    element: input,
    offer(choices) {
      const chosen = input.value;
      input.replaceChildren(...choices.map(({ value, label }) => element("option", { value }, label)));
      input.value = chosen;
    },
    get value() {
      return input.value;
    },
    set value(value) {
      input.value = String(value);
    },
    isBroken: false,
    get invalid() {
      return input.ariaInvalid === "true";
    },
    set invalid(invalid) {
      setAttribute(input, "aria-invalid", invalid ? "true" : undefined);
    },
  };
}

function check(name: string, changed: () => void): Control {
  const input = document.createElement("vscode-checkbox");
  input.label = name;
  input.addEventListener("change", changed);
  return {
    element: input,
    get value() {
      return input.checked;
    },
    set value(value) {
      input.checked = value === true;
    },
    isBroken: false,
    get invalid() {
      return input.invalid;
    },
    set invalid(invalid) {
      input.invalid = invalid;
    },
  };
}
