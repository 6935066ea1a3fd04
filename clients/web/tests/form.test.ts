import assert from "node:assert/strict";
import { test } from "node:test";
import type { FormField } from "../src/types";
import type { OfKind } from "../src/view";
import { action, field, frame, Shown, set } from "./support";

type Input = HTMLElementTagNameMap["vscode-textfield"];

const form = (...fields: FormField[]): OfKind<"form"> => ({
  ...{ kind: "form", id: "f", title: "Rule", fields },
  submit: action("save"),
  clears: false,
});

const text = (shown: Shown, at = 0) => shown.all("vscode-textfield")[at] as Input;

function type(input: Input, value: string): void {
  input.value = value;
  input.dispatchEvent(new Event("input"));
}

async function send(shown: Shown): Promise<void> {
  shown.find("form").dispatchEvent(new Event("submit", { cancelable: true }));
  await frame();
}

test("values have the type of their field", async () => {
  const shown = new Shown();
  const choices = [
    { value: "a", label: "A" },
    { value: "b", label: "B" },
  ];
  await shown.show(
    form(
      field("name", { value: "n" }),
      field("size", { kind: "number", value: 12 }),
      field("none", { kind: "number" }),
      field("model", { kind: "choice", choices, value: "b" }),
      field("on", { kind: "check", value: true }),
      field("globs", { kind: "lines", value: "x\ny" }),
    ),
  );
  await frame();
  await send(shown);
  const values = { name: "n", size: 12, model: "b", on: true, globs: "x\ny" };
  assert.deepEqual(shown.events, [{ action: "save", block: "f", row: "", args: {}, values }]);
});

test("what is needed is asked for", async () => {
  const shown = new Shown();
  await shown.show(form(field("name", { required: true }), field("other")));
  await send(shown);
  assert.deepEqual(shown.events, []);
  assert.equal(shown.find(".problem").textContent, "This is needed.");
  assert.ok(text(shown).invalid);
  type(text(shown), " \t");
  await send(shown);
  assert.deepEqual(shown.events, []);
  assert.equal(shown.find(".problem").textContent, "This is needed.");
  type(text(shown), "n");
  assert.ok(shown.find(".problem").hidden);
  await send(shown);
  assert.equal(shown.events.length, 1);
});

test("what was typed stays when the form is set or shown anew with the same fields", async () => {
  const shown = new Shown();
  await shown.show(form(field("a"), field("b", { value: "old" })));
  type(text(shown), "half");
  const input = text(shown);
  await shown.patch(set(form(field("a", { value: "theirs", hint: "h" }), field("b", { value: "new" }))));
  assert.equal(text(shown), input);
  assert.deepEqual([input.value, text(shown, 1).value], ["half", "new"]);
  await shown.show(form(field("c"), field("a")));
  assert.equal(text(shown, 1), input);
  assert.equal(input.value, "half");
});

test("a field of another kind starts anew", async () => {
  const shown = new Shown();
  await shown.show(form(field("a")));
  type(text(shown), "half");
  await shown.patch(set(form(field("a", { kind: "secret", value: "" }))));
  assert.equal(text(shown).value, "");
});

test("once it was taken the server's value counts again", async () => {
  const shown = new Shown();
  await shown.show(form(field("a")));
  type(text(shown), "mine");
  shown.answer = async () => {
    await shown.patch(set(form(field("a", { value: "next" }))));
    assert.equal(text(shown).value, "mine");
    return "";
  };
  await send(shown);
  await frame();
  assert.equal(text(shown).value, "next");
});

test("a refused form keeps what was typed", async () => {
  const shown = new Shown();
  await shown.show(form(field("a")));
  type(text(shown), "mine");
  shown.answer = () => Promise.reject(new Error("no"));
  await send(shown);
  await shown.patch(set(form(field("a", { value: "next" }))));
  assert.equal(text(shown).value, "mine");
});

test("what was typed outlives the page, but no secret does", async () => {
  const before = new Shown();
  await before.show(form(field("a"), field("b", { kind: "secret" })));
  type(text(before), "half");
  type(text(before, 1), "hush");
  const after = new Shown(before.remembered);
  await after.show(form(field("a"), field("b", { kind: "secret" })));
  assert.deepEqual([text(after).value, text(after, 1).value], ["half", ""]);
  assert.ok(![...after.remembered.values()].includes("hush"));
});

test("a form that clears is asked anew once it was taken, and only then", async () => {
  const shown = new Shown();
  await shown.show({ ...form(field("a", { value: "first" }), field("b")), clears: true });
  type(text(shown), "mine");
  shown.answer = () => Promise.reject(new Error("no"));
  await send(shown);
  assert.equal(text(shown).value, "mine");
  shown.answer = async () => {
    type(text(shown, 1), "typed on");
    return "";
  };
  await send(shown);
  await frame();
  assert.deepEqual([text(shown).value, text(shown, 1).value], ["first", "typed on"]);
});

test("a secret that was taken is gone", async () => {
  const shown = new Shown();
  await shown.show(form(field("key", { kind: "secret" })));
  type(text(shown), "hush");
  await send(shown);
  await frame();
  assert.equal(text(shown).value, "");
});

const choices = (...values: string[]) => values.map((value) => ({ value, label: value.toUpperCase() }));

test("what is chosen stays while it can be had", async () => {
  const shown = new Shown();
  const model = (value: string, ...all: string[]) =>
    form(field("model", { kind: "choice", value, choices: choices(...all) }));
  await shown.show(model("a", "a", "b"));
  const select = shown.find<HTMLSelectElement>("select");
  select.value = "b";
  select.dispatchEvent(new Event("change"));
  await shown.patch(set(model("a", "a", "b", "c")));
  assert.equal(select.value, "b");
  await shown.patch(set(model("c", "a", "c")));
  assert.equal(select.value, "c");
});

test("after a comma the suggestions begin anew", async () => {
  const shown = new Shown();
  await shown.show(form(field("names", { choices: choices("one") })));
  const offered = () => {
    const options = text(shown).wrappedElement.parentElement?.querySelectorAll("option") ?? [];
    return [...options].map((each) => each.getAttribute("value"));
  };
  for (const [typed, wanted] of Object.entries({ "a, ": "a, one", "a, b": "a, one", a: "one" })) {
    type(text(shown), typed);
    await frame();
    assert.deepEqual(offered(), [wanted]);
  }
});

test("a text may have suggestions, which change while somebody types", async () => {
  const shown = new Shown();
  const model = (...all: string[]) => form(field("model", { choices: choices(...all) }));
  await shown.show(model("a"));
  type(text(shown), "half");
  await shown.patch(set(model("a", "b")));
  await frame();
  const input = text(shown).wrappedElement;
  const offered = input.parentElement?.querySelectorAll("datalist option") ?? [];
  assert.deepEqual(
    [...offered].map((each) => each.getAttribute("value")),
    ["a", "b"],
  );
  assert.equal(input.getAttribute("list"), "suggestions");
  assert.equal(text(shown).value, "half");
});
