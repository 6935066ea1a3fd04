// What an action of the user adds to a panel is brought into view; what comes by itself never is.

import type { Block } from "./store";

/** So long after the answer something new is still a consequence of it: changes come by a way of their own. */
const PATIENCE_MS = 2000;

/** Blocks that a press fills anew where they stand; another title tells. Elsewhere titles change by themselves: counts. */
const REFILLED: ReadonlySet<string> = new Set(["about-model", "add", "files", "found"]);

export class Reveal {
  /** The blocks there were when something was pressed; undefined: nothing is awaited. */
  private before: ReadonlyMap<string, string> | undefined;

  constructor() {
    for (const kind of ["wheel", "keydown", "pointerdown", "touchmove"]) {
      // somebody who goes on to something else is not taken away from it
      document.addEventListener(kind, () => this.forget(), { capture: true, passive: true });
    }
  }

  /** Somebody pressed something where `blocks` stand. Call what is returned when that was answered. */
  expect(blocks: readonly Block[]): (done: boolean) => void {
    const before = new Map(blocks.map((block) => [block.id, titleOf(block)]));
    this.before = before;
    return (done) => {
      setTimeout(() => this.before === before && this.forget(), done ? PATIENCE_MS : 0);
    };
  }

  /** The first of `blocks`, which stand there now, that was awaited; it is not told again. */
  found(blocks: readonly Block[]): Block | undefined {
    const before = this.before;
    const found = before && blocks.find((block) => before.get(block.id) !== titleOf(block));
    if (found) {
      this.forget();
    }
    return found;
  }

  private forget(): void {
    this.before = undefined;
  }
}

/** What tells that a block shows something else. */
function titleOf(block: Block): string {
  return REFILLED.has(block.id) && "title" in block ? block.title : "";
}
