// Asking before something is done. VS Code's webviews have no `confirm()`.

import { button, dress } from "./buttons";
import { element } from "./dom";
import type { Action } from "./types";
import type { Words } from "./words";

/** Whether the person says yes to `action.confirm`. */
export function confirmed(action: Action, words: Words): Promise<boolean> {
  const question = element("p", { id: "question" }, action.confirm);
  const yes = button();
  dress(yes, { ...action, style: action.style === "danger" ? "danger" : "primary" });
  const no = button();
  no.textContent = words.cancel;
  no.secondary = true;
  const buttons = element("div", { class: "buttons" }, yes, no);
  const dialog = element("dialog", { "aria-labelledby": "question", role: "alertdialog" }, question, buttons);
  document.body.append(dialog);
  return new Promise((resolve) => {
    const answer = (says: boolean) => {
      resolve(says);
      dialog.close();
      dialog.remove();
    };
    yes.addEventListener("click", () => answer(true));
    no.addEventListener("click", () => answer(false));
    // `close` comes later than the focus goes back, and with it perhaps the next key.
    dialog.addEventListener("cancel", () => answer(false));
    dialog.addEventListener("close", () => answer(false));
    dialog.showModal();
    // Enter must not do it by accident. Before it was drawn it cannot have the focus.
    void no.updateComplete.then(() => no.focus());
  });
}
