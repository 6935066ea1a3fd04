// What all blocks have in common.

import type { Block } from "./store";
import type { Action } from "./types";
import type { Words } from "./words";

/** Where an action stood. */
export interface Origin {
  readonly block: string;
  readonly row?: string;
}

/** What lives as long as the window and a little longer: what was typed, how far was scrolled. */
export interface Memory {
  get(key: string): unknown;
  /** Undefined forgets. */
  set(key: string, value: unknown): void;
}

/** What a block may use of the panel that it stands in. */
export interface Context {
  readonly words: Words;
  readonly memory: Memory;
  /** Ask if need be, send it, show the answer. Whether it was done. */
  act(action: Action, origin: Origin, values?: Record<string, unknown>): Promise<boolean>;
}

/** A block on the page. */
export interface View<B extends Block = Block> {
  readonly element: HTMLElement;
  /** Show `block`, which has the id and the kind that the view was made for. */
  update(block: B): void;
  /** It is taken away for good. */
  dispose?(): void;
}

export type Maker<B extends Block> = (block: B, context: Context) => View<B>;
export type OfKind<K extends Block["kind"]> = Extract<Block, { kind: K }>;
