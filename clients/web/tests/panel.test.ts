import assert from "node:assert/strict";
import { test } from "node:test";
import type { Block } from "../src/store";
import type { OfKind } from "../src/view";
import { action, frame, Shown, set } from "./support";

const actions = (id: string, ...all: ReturnType<typeof action>[]): Block => ({
  kind: "actions",
  id,
  actions: all,
});
const text = (id: string, markdown: string): Block => ({ kind: "text", id, markdown, level: "info" });
const progress = (percent: number | null, detail = ""): Block => ({
  ...{ kind: "progress", id: "p", label: "Pull", percent, detail },
  actions: [],
});

test("blocks are drawn in their order, and moved without being made anew", async () => {
  const shown = new Shown();
  await shown.show(text("a", "one"), text("b", "two"));
  const [first] = shown.all(".block");
  assert.ok(first);
  await shown.patch(set(text("c", "three"), "a"), { op: "title", title: "Q" });
  assert.deepEqual(
    shown.texts(".markdown").map((each) => each.trim()),
    ["three", "one", "two"],
  );
  assert.equal(shown.all(".block")[1], first);
  assert.equal(document.title, "Q");
  await shown.show(text("b", "two"), text("a", "one"));
  assert.equal(shown.all(".block")[1], first);
});

test("what changes between two frames is drawn once", async () => {
  const shown = new Shown();
  await shown.show({ kind: "log", id: "l", text: "", title: "" });
  let drawings = 0;
  const watcher = new MutationObserver((changes) => {
    drawings += changes.length;
  });
  watcher.observe(shown.find(".log pre"), { characterData: true, childList: true, subtree: true });
  for (let revision = 1; revision <= 50; revision += 1) {
    shown.panel.patch({ id: "p@en", revision, ops: [{ op: "append", id: "l", text: `${revision}\n` }] });
  }
  await frame();
  assert.equal(drawings, 1);
  assert.ok(shown.find(".log pre").textContent?.endsWith("49\n50\n"));
});

test("a patch that is missing asks for the whole, once it was shown all is well", async () => {
  const shown = new Shown();
  await shown.show(text("a", "one"));
  shown.panel.patch({ id: "p@en", revision: 5, ops: [set(text("a", "five"))] });
  await frame();
  assert.equal(shown.asked, 1);
  assert.equal(shown.find(".markdown").textContent?.trim(), "one");
});

test("a pressed button says what it is and where it stood", async () => {
  const shown = new Shown();
  shown.answer = async () => "Done.";
  await shown.show(actions("a", action("go", { args: { name: "starter" } })));
  shown.find("vscode-button").click();
  await frame();
  const event = { action: "go", block: "a", row: "", args: { name: "starter" }, values: {} };
  assert.deepEqual(shown.events, [event]);
  assert.equal(shown.find(".notice.answer [role=status]").textContent, "Done.");
});

test("what an action adds is brought into view, what comes by itself is not", async () => {
  const shown = new Shown();
  const seen: string[] = [];
  Element.prototype.scrollIntoView = function (this: Element) {
    seen.push(this.querySelector(".markdown")?.textContent?.trim() ?? "");
  };
  await shown.show(actions("a", action("go")), text("b", "two"));
  await shown.patch(set(text("c", "by itself"), "a"));
  shown.find("vscode-button").click();
  await shown.patch(set(text("b", "changed")));
  await shown.patch(set(text("d", "added"), "a"));
  await shown.patch(set(text("e", "later"), "a"));
  await frame();
  assert.deepEqual(seen, ["added"]);
  shown.find("vscode-button").click();
  document.dispatchEvent(new Event("wheel")); // they went on
  await shown.patch(set(text("f", "too late"), "a"));
  await frame();
  assert.deepEqual(seen, ["added"]);
});

test("a title that changes by itself is not brought into view, a block that is filled anew is", async () => {
  const shown = new Shown();
  const seen: string[] = [];
  Element.prototype.scrollIntoView = function (this: Element) {
    seen.push(this.querySelector("h2")?.textContent?.trim() ?? "");
  };
  const table = (id: string, title: string): Block => ({
    ...{ kind: "table", id, title, empty: "-" },
    columns: [{ key: "a", label: "A", align: "start" }],
    rows: [],
  });
  const kept = [table("about-model", "one"), table("files", "me/one")];
  await shown.show(actions("a", action("go")), table("running", "In memory (1 of 2)"), ...kept);
  for (const filled of [table("about-model", "two"), table("files", "me/two")]) {
    shown.find("vscode-button").click();
    await shown.patch(set(table("running", `In memory (${seen.length} of 3)`)));
    await frame();
    assert.equal(seen.includes(`In memory (${seen.length} of 3)`), false);
    await shown.patch(set(filled));
    await frame();
  }
  assert.deepEqual(seen, ["two", "me/two"]);
});

test("the focus goes to what came for a block that went, though another stands between", async () => {
  const shown = new Shown();
  await shown.show(actions("going", action("stop")), text("answer", "It says"));
  shown.find("vscode-button").focus();
  await shown.patch({ op: "remove", id: "going" }, set(actions("done", action("dismiss"))));
  assert.equal(document.activeElement?.textContent, "dismiss");
});

test("a warning does not look like a success", async () => {
  const shown = new Shown();
  shown.answer = async () => "It is not here.";
  await shown.show(actions("a", action("go")));
  const pressed = async (level: "info" | "warning" | undefined) => {
    shown.level = level;
    shown.find("vscode-button").click();
    await frame();
    return shown.find(".notice.answer").dataset.level;
  };
  assert.equal(await pressed("warning"), "warning");
  assert.equal(await pressed("info"), "info");
  assert.equal(await pressed(undefined), "info");
});

test("a button that is off does nothing", async () => {
  const shown = new Shown();
  await shown.show(actions("a", action("go", { enabled: false })));
  const button = shown.find("vscode-button");
  button.click();
  assert.deepEqual(shown.events, []);
  assert.equal(button.getAttribute("aria-disabled"), "true");
  await shown.patch(set(actions("a", action("go"))));
  assert.equal(shown.find("vscode-button"), button);
  button.click();
  assert.equal(shown.events.length, 1);
});

test("a button that is pressed twice before the answer asks once", async () => {
  const shown = new Shown();
  let done: (message: string) => void = () => undefined;
  shown.answer = () =>
    new Promise((resolve) => {
      done = resolve;
    });
  await shown.show(actions("a", action("go")));
  shown.find("vscode-button").click();
  shown.find("vscode-button").click();
  assert.equal(shown.events.length, 1);
  done("");
  await frame();
  shown.find("vscode-button").click();
  assert.equal(shown.events.length, 2);
});

test("an error is an alert, and the next answer takes it away", async () => {
  const shown = new Shown();
  shown.answer = () => Promise.reject(new Error("No disk."));
  await shown.show(actions("a", action("go")));
  shown.find("vscode-button").click();
  await frame();
  assert.equal(shown.find(".error [role=alert]").textContent, "No disk.");
  shown.answer = async () => "";
  shown.find("vscode-button").click();
  await frame();
  assert.equal(shown.find(".error [role=alert]").textContent, "");
});

test("what must be confirmed is asked about first", async () => {
  const shown = new Shown();
  await shown.show(actions("a", action("rm", { confirm: "Remove it?", style: "danger" })));
  const ask = async (answer: number) => {
    shown.find("vscode-button").click();
    await frame();
    assert.equal(document.querySelector("dialog p")?.textContent, "Remove it?");
    document.querySelectorAll<HTMLElement>("dialog vscode-button")[answer]?.click();
    await frame();
    assert.equal(document.querySelector("dialog"), null);
  };
  await ask(1);
  assert.deepEqual(shown.events, []);
  await ask(0);
  assert.equal(shown.events.length, 1);
});

test("rows of a table come and go, the others stay", async () => {
  const table = (...names: string[]): OfKind<"table"> => ({
    ...{ kind: "table", id: "t", title: "Models", empty: "None." },
    columns: [
      { key: "name", label: "Name", align: "start" },
      { key: "size", label: "Size", align: "end" },
    ],
    rows: names.map((name) => ({ id: name, cells: { name }, actions: [action("use")] })),
  });
  const shown = new Shown();
  await shown.show(table("a", "b"));
  assert.deepEqual(shown.texts("thead th"), ["Name", "Size", "Actions"]);
  assert.deepEqual(shown.texts("tbody th"), ["a", "b"]);
  assert.equal(shown.find("thead th").getAttribute("scope"), "col");
  const [, second] = shown.all("tbody tr");
  assert.ok(second);
  await shown.patch(set(table("b", "c")));
  assert.equal(shown.all("tbody tr")[0], second);
  shown.find("tbody tr:nth-child(2) vscode-button").click();
  assert.deepEqual([shown.events[0]?.block, shown.events[0]?.row], ["t", "c"]);
  assert.equal(shown.find("tbody tr:nth-child(2) vscode-button").getAttribute("aria-label"), "use, c");
  await shown.patch(set(table()));
  assert.equal(shown.find(".empty").textContent, "None.");
  assert.ok(shown.find("table").hidden);
});

test("progress says how far it is, where that is known", async () => {
  const shown = new Shown();
  await shown.show(progress(42.7, "1 MB/s"));
  await frame();
  const bar = () => shown.find("vscode-progress-bar").shadowRoot?.querySelector("[role=progressbar]");
  assert.equal(bar()?.getAttribute("aria-valuenow"), "43");
  assert.equal(bar()?.getAttribute("aria-label"), "Pull");
  assert.equal(shown.find(".detail").textContent, "42 % · 1 MB/s");
  await shown.patch(set(progress(null)));
  await frame();
  assert.equal(bar()?.hasAttribute("aria-valuenow"), false);
});

test("a diff is drawn line by line, and what is none as it stands", async () => {
  const shown = new Shown();
  const diff = (patch: string): Block => ({ kind: "diff", id: "d", path: "a.py", patch, actions: [] });
  await shown.show(diff("--- a\n+++ b\n@@ -1 +1 @@\n-one\n+two\n"));
  assert.deepEqual(shown.texts(".d2h-code-line-ctn"), ["one", "two"]);
  await shown.patch(set(diff("no diff")));
  assert.equal(shown.find(".diff pre").textContent, "no diff");
});

test("an image is drawn from data only", async () => {
  const shown = new Shown();
  const image = (source: string): Block => ({ kind: "image", id: "i", source, alt: "x", boxes: [] });
  await shown.show(image("data:image/png;base64,AAAA"));
  assert.equal(shown.find<HTMLImageElement>("img").getAttribute("src"), "data:image/png;base64,AAAA");
  for (const source of ["https://example.org/a.png", "data:image/svg+xml;base64,AAAA", "data:text/html,x"]) {
    await shown.patch(set(image(source)));
    assert.equal(shown.find("img").hasAttribute("src"), false);
  }
});

test("a kind that a newer server has is left out", async () => {
  const shown = new Shown();
  await shown.show({ kind: "hologram", id: "h" } as unknown as Block, text("a", "one"));
  assert.equal(shown.all(".block").length, 1);
});

test("the renderer's own words follow the panel's language", async () => {
  const shown = new Shown();
  await shown.showIn("tr", { kind: "log", id: "l", text: "", title: "" });
  assert.equal(shown.find("[role=log]").getAttribute("aria-label"), "Günlük");
  assert.equal(document.documentElement.lang, "tr");
});

test("a path may be broken after a slash, a name not at its hyphens; a dot of colour needs no font", async () => {
  const shown = new Shown();
  const columns = [{ key: "a", label: "A", align: "start" as const }];
  const row = (id: string, a: string) => ({ id, cells: { a }, actions: [] });
  const rows = [
    row("1", "https://example.org/api/v1"),
    row("2", "starter 🟢 Running"),
    row("3", "Qwen2.5-Coder-0.5B-Instruct"),
    row("4", "box/qwen3-coder-30b"),
    row("5", "of qwen3-coder, or"),
    row("6", "⏳ Waiting"),
  ];
  await shown.show({ kind: "table", id: "t", title: "", empty: "", columns, rows });
  assert.deepEqual(shown.texts("tbody th"), [
    "https://example.org/api/v1",
    "starter 🟢 Running",
    "Qwen2.5-Coder-0.5B-Instruct",
    "box/qwen3-coder-30b",
    "of qwen3-coder, or",
    "⏳ Waiting",
  ]);
  const [address, state, long, path, name, waits] = shown.all("tbody th").map((each) => each.innerHTML);
  assert.equal(address, "https://<wbr>example.<wbr>org/<wbr>api/<wbr>v1<wbr>");
  const dot = '<span class="dot" data-dot="🟢">🟢</span>';
  assert.equal(state, `starter <wbr><span class="whole">${dot} Running</span>`);
  assert.equal(long, "Qwen2.5-Coder-0.5B-Instruct");
  assert.equal(path, 'box/<wbr><span class="whole">qwen3-coder-30b</span><wbr>');
  assert.equal(name, 'of <span class="whole">qwen3-coder,</span> or<wbr>');
  assert.equal(waits, '<span class="whole"><span class="dot" data-dot="⏳">⏳</span> Waiting</span>');
  assert.deepEqual(shown.all("tbody .breaks").length, 0);
});

const table = (...rows: { id: string; actions: ReturnType<typeof action>[] }[]): Block => ({
  ...{ kind: "table", id: "t", title: "T", empty: "none" },
  columns: [{ key: "a", label: "A", align: "start" }],
  rows: rows.map((row) => ({ ...row, cells: { a: row.id } })),
});

test("the focus goes to what stands in the place of what is gone", async () => {
  const shown = new Shown();
  const remove = action("remove");
  const row = (id: string, ...more: ReturnType<typeof action>[]) => ({ id, actions: [...more, remove] });
  const below: Block = { kind: "actions", id: "a", actions: [action("below")] };
  const focused = () =>
    document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent;
  const on = action("on");
  await shown.show(table(row("1", on), row("2", on), row("3", on)), below);
  shown.all("tbody vscode-button")[2]?.focus();
  await shown.patch(set(table(row("1", on), row("2", action("off")), row("3", on))));
  assert.equal(focused(), "off, 2");
  await shown.patch(set(table(row("1", on), row("2", action("off", { enabled: false })), row("3", on))));
  assert.equal(focused(), "remove, 2");
  await shown.patch(set(table(row("1", on), row("3", on))));
  assert.equal(focused(), "remove, 3");
  await shown.patch(set(table(row("1", on))));
  assert.equal(focused(), "remove, 1");
  await shown.patch(set(table()));
  assert.equal(focused(), "P"); // the panel's heading: “below” would do something else
});

test("the focus goes to the block that replaces one, never to a button of another", async () => {
  const shown = new Shown();
  const bar = (id: string, name: string): Block => ({
    ...{ kind: "progress", id, label: id, detail: "", percent: 1, actions: [action(name)] },
  });
  const focused = () => document.activeElement?.textContent;
  await shown.show(bar("pull", "stop"), table({ id: "found", actions: [action("download")] }));
  shown.find(".progress vscode-button").focus();
  await shown.patch({ op: "remove", id: "pull" }, set(bar("stopped", "go on"), "t"));
  assert.equal(focused(), "go on");
  await shown.patch({ op: "remove", id: "stopped" });
  assert.equal(focused(), "P");
});

test("a long table can be unfolded where it is folded", async () => {
  const shown = new Shown();
  const rows = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ id: `${at}`, actions: [action("get")] }));
  await shown.show(table(...rows(6)));
  assert.ok(!shown.find(".table").classList.contains("folds"));
  await shown.patch(set(table(...rows(7))));
  assert.ok(shown.find(".table").classList.contains("folds"));
  assert.equal(shown.find(".rest").textContent, "Show all 7");
  shown.find(".rest vscode-button").click();
  assert.ok(shown.find(".table").classList.contains("all"));
  assert.equal(document.activeElement?.getAttribute("aria-label"), "get, 5");
});
