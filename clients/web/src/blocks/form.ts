import { button, dress } from "../buttons";
import { arrange, element, setAttribute, setText } from "../dom";
import { Field, isSame } from "../field";
import type { FormField } from "../types";
import type { Maker, OfKind } from "../view";

export const form: Maker<OfKind<"form">> = (first, context) => {
  const title = element("h2");
  const questions = element("div", { class: "fields" });
  const send = button();
  send.type = "submit";
  const whole = element(
    "form",
    { novalidate: "" },
    title,
    questions,
    element("div", { class: "buttons" }, send),
  );
  let fields: Field[] = [];
  let { submit, clears } = first;

  const fieldOf = (field: FormField): Field => {
    const known = fields.find((each) => isSame(each.field, field));
    known?.update(field);
    return known ?? new Field(field, `${first.id} ${field.name} ${field.kind}`, context);
  };

  whole.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = fields.filter((field) => !field.check());
    wrong[0]?.focus();
    if (wrong.length > 0 || !submit.enabled) {
      return;
    }
    const asked = fields;
    const values = asked.map((each) => [each.field.name, each.take()] as const);
    const given = values.filter(([, value]) => value !== undefined);
    void context.act(submit, { block: first.id }, Object.fromEntries(given)).then((done) => {
      for (const each of done ? asked : []) {
        if (clears || each.field.kind === "secret") {
          each.cleared();
        } else {
          each.taken();
        }
      }
    });
  });

  return {
    element: whole,
    update(block) {
      ({ submit, clears } = block);
      setText(title, block.title);
      title.hidden = block.title === "";
      setAttribute(whole, "aria-label", block.title || block.submit.label);
      const kept = block.fields.map(fieldOf);
      for (const gone of fields.filter((each) => !kept.includes(each))) {
        gone.forget();
      }
      fields = kept;
      arrange(
        questions,
        fields.map((each) => each.element),
      );
      dress(send, block.submit);
    },
    dispose() {
      for (const each of fields) {
        each.forget();
      }
    },
  };
};
