// The host, as a page in the browser may speak with it.

import { eventsOf } from "./sse";
import type { PanelEvent, PanelPatch, PanelState } from "./types";

export type Message =
  | { readonly type: "show"; readonly panel: PanelState }
  | { readonly type: "patch"; readonly patch: PanelPatch }
  | { readonly type: "error"; readonly error: { readonly message: string } };

/** The host said no. Its message is meant to be read. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The session of this tab; it outlives a reload. */
const SESSION = "session";

export class Host {
  /** `panel` as it stands in the address, `language` as it is asked for. */
  constructor(
    private readonly panel: string,
    private readonly language: string,
    private readonly storage: Storage,
  ) {}

  /** Change the secret of a link, which works once, for a session. Throws `Refusal`. */
  async enter(once: string): Promise<void> {
    const answer = await this.request("/panels/enter", { once });
    const { session } = (await answer.json()) as { session: string };
    this.storage.setItem(SESSION, session);
  }

  /** What was done in the panel; what to tell. Throws `Refusal`, or what `fetch` throws. */
  async act(event: PanelEvent): Promise<string> {
    const answer = await this.request(this.path("/event"), event);
    return ((await answer.json()) as { message: string }).message;
  }

  /** The panel, and what changes in it. Ends when the host ends it. Throws as `act` does. */
  async *watch(signal: AbortSignal): AsyncGenerator<Message> {
    const answer = await this.request(this.path("/events"), undefined, signal);
    if (answer.body) {
      yield* eventsOf(answer.body) as AsyncGenerator<Message>;
    }
  }

  private path(what: string): string {
    return `/panels/${this.panel}${what}?language=${this.language}`;
  }

  private async request(path: string, body?: object, signal?: AbortSignal): Promise<Response> {
    const headers = new Headers({ authorization: `Bearer ${this.storage.getItem(SESSION) ?? ""}` });
    if (body) {
      headers.set("content-type", "application/json");
    }
    const answer = await fetch(path, {
      method: body ? "POST" : "GET",
      headers,
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    if (!answer.ok) {
      throw new Refusal(answer.status, await messageOf(answer));
    }
    return answer;
  }
}

async function messageOf(answer: Response): Promise<string> {
  try {
    return ((await answer.json()) as { error: { message: string } }).error.message;
  } catch {
    return `${answer.status} ${answer.statusText}`;
  }
}
