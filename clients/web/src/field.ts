// One question of a form: its label, its control, and what was typed but not sent.

import { type Control, controlOf, type Value } from "./controls";
import { element, setText } from "./dom";
import type { FormField } from "./types";
import type { Context } from "./view";

/** Whether what was typed into the one belongs into the other. */
export function isSame(a: FormField, b: FormField): boolean {
  return a.name === b.name && a.kind === b.kind;
}

export class Field {
  readonly element: HTMLElement;
  private readonly control: Control;
  private readonly hint = element("p", { class: "hint" });
  private readonly problem = element("p", { class: "problem" });
  /** What the server last wanted to stand here, and which of that was put here. */
  private given: Value;
  private adopted: Value;
  private isTyped = false;
  private sent: Value | undefined;

  /** `key`: what was typed is remembered under. */
  constructor(
    public field: FormField,
    private readonly key: string,
    private readonly context: Context,
  ) {
    this.control = controlOf(field, nameOf(field), () => this.typed());
    const parts = [this.control.element, this.problem, this.hint];
    const label = element("label", {}, nameOf(field));
    // a check box says what it is by itself
    this.element = element("div", { class: "field" }, ...(field.kind === "check" ? [] : [label]), ...parts);
    label.addEventListener("click", () => this.focus());
    this.given = this.adopted = field.value;
    const remembered = context.memory.get(key) as Value | undefined;
    this.isTyped = remembered !== undefined;
    this.control.offer?.(field.choices);
    this.control.value = remembered ?? field.value;
    this.problem.hidden = true;
    this.update(field);
  }

  /** What the server says of it now; what was typed stays. */
  update(field: FormField): void {
    if (JSON.stringify(field.choices) !== JSON.stringify(this.field.choices)) {
      this.control.offer?.(field.choices);
    }
    this.field = field;
    this.given = field.value;
    if (field.kind === "choice" && !field.choices.some(({ value }) => value === this.control.value)) {
      this.reset(); // what was chosen cannot be had any more
    }
    setText(this.hint, field.hint);
    this.hint.hidden = field.hint === "";
    if (!this.isTyped) {
      this.adopt();
    }
  }

  focus(): void {
    this.control.element.focus();
  }

  /** Whether it can be sent; if not, it says why. */
  check(): boolean {
    const { words } = this.context;
    const { value } = this.control;
    const isEmpty = typeof value === "string" ? value.trim() === "" : value === false;
    const isMissing = this.field.required && isEmpty;
    const problem = this.control.isBroken ? words.number : isMissing ? words.required : "";
    setText(this.problem, problem);
    this.problem.hidden = problem === "";
    this.control.invalid = problem !== "";
    return problem === "";
  }

  /** What is sent; nothing for a number that was left out. */
  take(): Value | undefined {
    this.sent = this.control.value;
    if (this.field.kind !== "number") {
      return this.sent;
    }
    return this.sent === "" ? undefined : Number(this.sent);
  }

  /** The server took what was sent: what it wants to stand here counts again, unless somebody typed on. */
  taken(): void {
    if (this.control.value === this.sent) {
      this.forget();
      this.adopt();
    }
  }

  /** The server took what was sent and wants the question asked anew, unless somebody typed on. */
  cleared(): void {
    if (this.control.value === this.sent) {
      this.reset();
    }
  }

  private reset(): void {
    this.forget();
    this.adopted = this.given;
    this.control.value = this.given;
  }

  /** What was typed does not outlive it. */
  forget(): void {
    this.isTyped = false;
    this.context.memory.set(this.key, undefined);
  }

  private adopt(): void {
    if (this.given !== this.adopted) {
      this.adopted = this.given;
      this.control.value = this.given;
    }
  }

  private typed(): void {
    this.isTyped = true;
    if (this.control.invalid) {
      this.check();
    }
    if (this.field.kind !== "secret") {
      this.context.memory.set(this.key, this.control.value);
    }
  }
}

function nameOf({ label, required }: FormField): string {
  return required ? `${label} *` : label;
}
