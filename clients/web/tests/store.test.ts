import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, PanelStore } from "../src/store";
import type { PanelPatch, PanelState } from "../src/types";

type Op = PanelPatch["ops"][number];

function text(id: string, markdown = ""): Block {
  return { kind: "text", id, markdown, level: "info" };
}

function panel(revision: number, ...blocks: Block[]): PanelState {
  return { id: "p@en", title: "P", language: "en", revision, blocks };
}

function patch(revision: number, ...ops: Op[]): PanelPatch {
  return { id: "p@en", revision, ops };
}

function shown(...blocks: Block[]): PanelStore {
  const store = new PanelStore();
  store.show(panel(1, ...blocks));
  return store;
}

const ids = (store: PanelStore) => store.state?.blocks.map(({ id }) => id);

test("nothing was shown yet", () => {
  assert.equal(new PanelStore().state, undefined);
  assert.equal(new PanelStore().patch(patch(1)), false);
});

test("a block that is set stays where it is", () => {
  const store = shown(text("a"), text("b"));
  assert.ok(store.patch(patch(2, { op: "set", block: text("a", "new"), before: "b" })));
  assert.deepEqual(store.state, panel(2, text("a", "new"), text("b")));
});

test("a new one goes before the one that is named, or to the end", () => {
  const store = shown(text("a"), text("b"));
  store.patch(patch(2, { op: "set", block: text("c"), before: "b" }));
  store.patch(patch(3, { op: "set", block: text("d"), before: "" }));
  store.patch(patch(4, { op: "set", block: text("e"), before: "gone" }));
  assert.deepEqual(ids(store), ["a", "c", "b", "d", "e"]);
});

test("text grows, and what did not change stays the same object", () => {
  const other = text("b");
  const store = shown(text("a", "one"), other, { kind: "log", id: "l", text: "1", title: "" });
  store.patch(patch(2, { op: "append", id: "a", text: " two" }, { op: "append", id: "l", text: "2" }));
  const [grown, same, log] = store.state?.blocks ?? [];
  assert.deepEqual(grown, text("a", "one two"));
  assert.equal(same, other);
  assert.deepEqual(log, { kind: "log", id: "l", text: "12", title: "" });
});

test("a log does not grow for ever, and keeps its end", () => {
  const store = shown({ kind: "log", id: "l", text: "x".repeat(249_999), title: "" });
  store.patch(patch(2, { op: "append", id: "l", text: "yz" }));
  const [log] = store.state?.blocks ?? [];
  assert.ok(log?.kind === "log" && log.text.length === 200_000 && log.text.endsWith("xyz"));
});

test("blocks go and titles change", () => {
  const store = shown(text("a"), text("b"));
  store.patch(patch(2, { op: "remove", id: "a" }, { op: "title", title: "Q" }, { op: "remove", id: "none" }));
  assert.deepEqual(store.state, { ...panel(2, text("b")), title: "Q" });
});

test("a patch that is here already changes nothing, one too far asks for the whole", () => {
  const store = shown(text("a", "1"));
  assert.ok(store.patch(patch(1, { op: "append", id: "a", text: "2" })));
  assert.equal(store.patch(patch(3, { op: "append", id: "a", text: "2" })), false);
  assert.deepEqual(store.state, panel(1, text("a", "1")));
  assert.equal(store.patch({ ...patch(2), id: "other@en" }), false);
});
