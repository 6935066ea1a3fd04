// Keeps a panel in the browser up to date, whatever becomes of the host.

import type { Answer } from "./bridge";
import { type Host, Refusal } from "./host";
import type { Channel, Panel } from "./panel";
import type { PanelEvent } from "./types";
import type { Words } from "./words";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;

export class Live implements Channel {
  private stream = new AbortController();

  constructor(
    private readonly host: Host,
    private readonly words: Words,
  ) {}

  async act(event: PanelEvent): Promise<Answer> {
    try {
      return await this.host.act(event);
    } catch (error) {
      if (error instanceof Refusal) {
        throw error.status === 401 ? new Error(this.words.closed) : error;
      }
      throw new Error(this.words.noAnswer);
    }
  }

  again(): void {
    this.stream.abort();
  }

  /** Until the host says that this may not be seen. */
  async follow(panel: Panel): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      this.stream = new AbortController();
      try {
        for await (const message of this.host.watch(this.stream.signal)) {
          if (message.type === "error") {
            panel.notices.failed(message.error.message);
            continue;
          }
          failures = 0;
          panel.notices.connected("");
          if (message.type === "show") {
            panel.show(message.panel);
          } else {
            panel.patch(message.patch);
          }
        }
      } catch (error) {
        if (error instanceof Refusal && error.status >= 400 && error.status < 500) {
          panel.notices.connected("");
          panel.notices.failed(error.status === 401 ? this.words.closed : error.message);
          return;
        }
      }
      if (!this.stream.signal.aborted) {
        panel.notices.connected(this.words.lost);
        await pause(failures);
      }
    }
  }
}

/** Longer each time; not at all where the network comes back or somebody looks again. */
function pause(failures: number): Promise<void> {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
  return new Promise((resolve) => {
    const timer = setTimeout(end, longest);
    function end(): void {
      clearTimeout(timer);
      removeEventListener("online", end);
      document.removeEventListener("visibilitychange", end);
      resolve();
    }
    addEventListener("online", end);
    document.addEventListener("visibilitychange", end);
  });
}
