// A panel's state as it is now: the whole as it was shown, and the patches since.

import type { PanelPatch, PanelState } from "./types";

export type Block = PanelState["blocks"][number];
type Op = PanelPatch["ops"][number];

/** The server keeps this much of a log; we cut in larger steps, so that most growth is appended to what is drawn. */
const LOG_LENGTH = 200_000;
const LOG_SLACK = 50_000;

export class PanelStore {
  private head: Omit<PanelState, "blocks"> | undefined;
  private blocks = new Map<string, Block>();

  /** All of it; undefined until it was shown. A block that did not change stays the same object. */
  get state(): PanelState | undefined {
    return this.head && { ...this.head, blocks: [...this.blocks.values()] };
  }

  show(panel: PanelState): void {
    const { blocks, ...head } = panel;
    this.head = head;
    this.blocks = new Map(blocks.map((block) => [block.id, block]));
  }

  /** Whether `patch` builds on what is here; if not, ask for the whole. One that is here already changes nothing. */
  patch(patch: PanelPatch): boolean {
    if (this.head?.id !== patch.id || patch.revision > this.head.revision + 1) {
      return false;
    }
    if (patch.revision === this.head.revision + 1) {
      this.head = { ...this.head, revision: patch.revision };
      for (const op of patch.ops) {
        this.apply(op, this.head);
      }
    }
    return true;
  }

  private apply(op: Op, head: Omit<PanelState, "blocks">): void {
    switch (op.op) {
      case "set":
        this.put(op.block, op.before);
        return;
      case "append": {
        const block = this.blocks.get(op.id);
        if (block) {
          this.blocks.set(op.id, grown(block, op.text));
        }
        return;
      }
      case "remove":
        this.blocks.delete(op.id);
        return;
      case "title":
        head.title = op.title;
    }
  }

  private put(block: Block, before: string): void {
    if (this.blocks.has(block.id) || !this.blocks.has(before)) {
      this.blocks.set(block.id, block);
      return;
    }
    const entries = [...this.blocks];
    entries.splice(
      entries.findIndex(([id]) => id === before),
      0,
      [block.id, block],
    );
    this.blocks = new Map(entries);
  }
}

function grown(block: Block, text: string): Block {
  switch (block.kind) {
    case "text":
      return { ...block, markdown: block.markdown + text };
    case "code":
      return { ...block, text: block.text + text };
    case "log": {
      const whole = block.text + text;
      return { ...block, text: whole.length > LOG_LENGTH + LOG_SLACK ? whole.slice(-LOG_LENGTH) : whole };
    }
    default:
      return block;
  }
}
