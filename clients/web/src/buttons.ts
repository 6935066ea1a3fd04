// Buttons beside each other.

import "@vscode-elements/elements/dist/vscode-button/index.js";
import { arrange, element, setAttribute, setText } from "./dom";
import type { Action } from "./types";
import type { Context, Origin } from "./view";

type Button = HTMLElementTagNameMap["vscode-button"];

/** A button that looks as its action wants it to. */
export function button(): Button {
  const made = document.createElement("vscode-button");
  // The component presses itself on Space, and the page would scroll as well.
  made.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      event.preventDefault();
    }
  });
  return made;
}

/** Make `target` show `action`. `of`: what it is about, for those who cannot see where it stands. */
export function dress(target: Button, action: Action, of = ""): void {
  setText(target, action.label);
  setAttribute(target, "aria-label", of ? `${action.label}, ${of}` : undefined);
  setAttribute(target, "aria-disabled", action.enabled ? undefined : "true");
  target.secondary = action.style !== "primary";
  target.disabled = !action.enabled;
  target.classList.toggle("danger", action.style === "danger");
}

export class Buttons {
  readonly element = element("div", { class: "buttons" });
  private made: { readonly button: Button; action: Action }[] = [];

  constructor(
    private readonly context: Context,
    private readonly origin: Origin,
  ) {}

  /** Buttons that are still there stay the same, and so does the focus. */
  update(actions: readonly Action[], of = ""): void {
    const left = [...this.made];
    this.made = actions.map((action) => {
      const at = left.findIndex((each) => each.action.name === action.name);
      const known = at < 0 ? undefined : left.splice(at, 1)[0];
      const one = known ?? this.make(action);
      one.action = action;
      dress(one.button, action, of);
      return one;
    });
    arrange(
      this.element,
      this.made.map((each) => each.button),
    );
    this.element.hidden = actions.length === 0;
  }

  private make(action: Action): { readonly button: Button; action: Action } {
    const one = { button: button(), action };
    one.button.addEventListener("click", () => {
      if (one.action.enabled) {
        void this.context.act(one.action, this.origin);
      }
    });
    return one;
  }
}
