// Server-sent events out of a response's body: EventSource cannot send a token.

/** The data of each event, parsed. Throws what the connection throws; ends when the server ends. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let pending = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        return;
      }
      const events = (pending + value).split("\n\n");
      pending = events.pop() ?? "";
      for (const event of events) {
        const data = event.split("\n").flatMap((line) => (line.startsWith("data:") ? [line.slice(5)] : []));
        if (data.length > 0) {
          yield JSON.parse(data.join("\n"));
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
