// What became of suggestions, as far as stable API lets an extension see it: shown, taken word by word, dismissed.

import type { CompletionEvent } from "./protocol";

export class Events {
  private current = "";
  private taken = 0;

  constructor(private readonly send: (event: CompletionEvent) => void) {}

  /** VS Code was given the suggestion, or what is left of it; it says nothing about painting it. */
  shown(completionId: string): void {
    if (completionId !== this.current) {
      this.current = completionId;
      this.taken = 0;
      this.send({ completionId, kind: "shown" });
    }
  }

  /** Text of the shown suggestion came into the document; more than one character at once was accepted, not typed. */
  advanced(completionId: string, length: number): void {
    this.taken += length;
    if (length > 1) {
      this.send({ completionId, kind: "acceptedPartly", acceptedLength: this.taken });
    }
  }

  dismissed(completionId: string): void {
    this.settled();
    this.send({ completionId, kind: "dismissed" });
  }

  /** What became of the shown one is known. */
  settled(): void {
    this.current = "";
  }

  /** It is gone; should it come back, it is shown anew. */
  gone(): void {
    if (this.current !== "") {
      this.send({ completionId: this.current, kind: "hidden" });
      this.settled();
    }
  }
}
