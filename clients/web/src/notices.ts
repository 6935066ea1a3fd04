// What the panel tells the person who looks at it: answers, errors, how the connection is.

import type { Answer } from "./bridge";
import { element, setText } from "./dom";
import type { Words } from "./words";

class Notice {
  readonly element: HTMLElement;
  private readonly text = element("span");
  private readonly close = element("button", { type: "button", class: "close" }, "×");

  constructor(role: "status" | "alert", kind: string) {
    // The region stands there before it says anything: only then is it read out.
    this.element = element(
      "div",
      { class: `notice ${kind}` },
      element("div", { role }, this.text),
      this.close,
    );
    this.close.addEventListener("click", () => this.say("", ""));
    this.say("", "");
  }

  /** '' for nothing. `close`: what its button is called; it has none without. */
  say(text: string, close: string): void {
    setText(this.text, text);
    this.element.classList.toggle("silent", text === "");
    this.close.hidden = text === "" || close === "";
    this.close.setAttribute("aria-label", close);
  }
}

export class Notices {
  private readonly connection = new Notice("status", "connection");
  private readonly answer = new Notice("status", "answer");
  private readonly error = new Notice("alert", "error");
  readonly element = element(
    "div",
    { class: "notices" },
    this.connection.element,
    this.answer.element,
    this.error.element,
  );

  constructor(public words: Words) {}

  /** How the connection is; '' when all is well. */
  connected(text: string): void {
    this.connection.say(text, "");
  }

  answered({ message, level }: Answer): void {
    this.answer.element.dataset.level = level ?? "info";
    this.answer.say(message, this.words.close);
    this.error.say("", "");
  }

  failed(text: string): void {
    this.answer.say("", "");
    this.error.say(text, this.words.close);
  }
}
