// What became of suggestions, as far as stable API lets an extension see it: shown, taken word by word, dismissed.

import type { CompletionEvent } from "./protocol";

export class Events {
  private lastShown = "";
  private readonly taken = new Map<string, number>();

  constructor(private readonly send: (event: CompletionEvent) => void) {}

  /** VS Code was given the suggestion; it says nothing about painting it. */
  shown(completionId: string): void {
    if (completionId !== this.lastShown) {
      this.lastShown = completionId;
      this.taken.clear();
      this.send({ completionId, kind: "shown" });
    }
  }

  /** Text of the suggestion came into the document; more than one character at once was accepted, not typed. */
  advanced(completionId: string, length: number): void {
    const acceptedLength = (this.taken.get(completionId) ?? 0) + length;
    this.taken.set(completionId, acceptedLength);
    if (length > 1) {
      this.send({ completionId, kind: "acceptedPartly", acceptedLength });
    }
  }

  dismissed(completionId: string): void {
    this.send({ completionId, kind: "dismissed" });
  }
}
