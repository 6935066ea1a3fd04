// The host, as a page in the browser may speak with it.

import type { Answer } from "./bridge";
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
const UNAUTHORIZED = 401;
const HMAC = { name: "HMAC", hash: "SHA-256" };

export class Host {
  /** Whoever answers at this address knows the session already: it may be shown to him. */
  private isProven = false;
  /** He gave us the session just now. */
  private isFresh = false;

  /** `panel` as it stands in the address, `language` as it is asked for. */
  constructor(
    private readonly panel: string,
    private readonly language: string,
    private readonly storage: Storage,
  ) {}

  /** Change the secret of a link, which works once, for a session. Throws `Refusal`. */
  async enter(once: string): Promise<void> {
    const answer = await send("/panels/enter", { once });
    const { session } = (await answer.json()) as { session: string };
    this.storage.setItem(SESSION, session);
    this.isFresh = true;
  }

  /** What was done in the panel; what to tell. Throws `Refusal`, or what `fetch` throws. */
  async act(event: PanelEvent): Promise<Answer> {
    const answer = await this.request(this.path("/event"), event);
    return (await answer.json()) as Answer;
  }

  /** The panel, and what changes in it. Ends when the host ends it. Throws as `act` does. */
  async *watch(signal: AbortSignal): AsyncGenerator<Message> {
    this.isProven = this.isFresh; // later another program may have the port
    this.isFresh = false;
    try {
      const answer = await this.request(this.path("/events"), undefined, signal);
      if (answer.body) {
        yield* eventsOf(answer.body) as AsyncGenerator<Message>;
      }
    } finally {
      this.isProven = false; // or have it the next time
    }
  }

  private path(what: string): string {
    return `/panels/${this.panel}${what}?language=${this.language}`;
  }

  private async request(path: string, body?: object, signal?: AbortSignal): Promise<Response> {
    const session = this.storage.getItem(SESSION) ?? "";
    if (!this.isProven) {
      await prove(session);
      this.isProven = true;
    }
    return await send(path, body, signal, { authorization: `Bearer ${session}` });
  }
}

/** Ask whoever answers here whether he knows `session`, without telling it. Throws `Refusal` when he does not. */
async function prove(session: string): Promise<void> {
  const refusal = new Refusal(UNAUTHORIZED, "");
  if (session === "") {
    throw refusal;
  }
  const nonce = crypto.randomUUID();
  const question = { ends: session.split(".")[0], nonce };
  const answer = await send("/panels/prove", question).catch((error: unknown) => {
    throw error instanceof Refusal && error.status < 500 ? refusal : error;
  });
  const key = await crypto.subtle.importKey("raw", bytes(session), HMAC, false, ["verify"]);
  const { proof } = (await answer.json()) as { proof: string };
  const digest = Uint8Array.from(proof.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  if (!(await crypto.subtle.verify("HMAC", key, digest, bytes(`host ${location.port} ${nonce}`)))) {
    throw refusal;
  }
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

async function send(
  path: string,
  body?: object,
  signal?: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  const answer = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: body ? { ...headers, "content-type": "application/json" } : headers,
    ...(body && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  if (!answer.ok) {
    throw new Refusal(answer.status, await messageOf(answer));
  }
  return answer;
}

async function messageOf(answer: Response): Promise<string> {
  try {
    return ((await answer.json()) as { error: { message: string } }).error.message;
  } catch {
    return `${answer.status} ${answer.statusText}`;
  }
}
