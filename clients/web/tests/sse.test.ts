import assert from "node:assert/strict";
import { test } from "node:test";
import { eventsOf } from "../src/sse";

function body(...chunks: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) {
        controller.enqueue(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
      }
      controller.close();
    },
  });
}

async function all(stream: ReadableStream<Uint8Array>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const event of eventsOf(stream)) {
    found.push(event);
  }
  return found;
}

test("events come whole, however they were cut", async () => {
  const text = 'data: {"a":1}\n\n: a comment\n\ndata: {"b":"ğ"}\n\n';
  const bytes = new TextEncoder().encode(text);
  assert.deepEqual(await all(body(text)), [{ a: 1 }, { b: "ğ" }]);
  assert.deepEqual(await all(body(...[...bytes].map((byte) => Uint8Array.of(byte)))), [{ a: 1 }, { b: "ğ" }]);
});

test("data of several lines is one event, and what is cut off is none", async () => {
  assert.deepEqual(await all(body('data: {"a":\ndata: 1}\n\ndata: {"b"')), [{ a: 1 }]);
});

test("who stops listening ends the stream", async () => {
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
    cancel: () => {
      cancelled = true;
    },
  });
  for await (const event of eventsOf(endless)) {
    assert.equal(event, 1);
    break;
  }
  assert.ok(cancelled);
});
