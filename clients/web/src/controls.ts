// What a field is filled in with.

import "@vscode-elements/elements/dist/vscode-checkbox/index.js";
import "@vscode-elements/elements/dist/vscode-single-select/index.js";
import "@vscode-elements/elements/dist/vscode-textarea/index.js";
import "@vscode-elements/elements/dist/vscode-textfield/index.js";
import type { FormField } from "./types";

export type Value = FormField["value"];

export interface Control {
  readonly element: HTMLElement;
  value: Value;
  /** What is typed is no value of this kind. */
  readonly isBroken: boolean;
  invalid: boolean;
}

/** A control for `field`, with its name for those who cannot see the label. `changed`: somebody typed or chose. */
export function controlOf(field: FormField, name: string, changed: () => void): Control {
  switch (field.kind) {
    case "check":
      return check(name, changed);
    case "choice":
      return choice(field, name, changed);
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
  input.addEventListener("input", changed);
  return {
    element: input,
    get value() {
      return input.value;
    },
    set value(value) {
      input.value = String(value);
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

function choice(field: FormField, name: string, changed: () => void): Control {
  const input = document.createElement("vscode-single-select");
  input.label = name;
  input.options = field.choices.map(({ value, label }) => ({
    ...{ value, label, description: "" },
    ...{ selected: false, disabled: false },
  }));
  input.addEventListener("change", changed);
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
