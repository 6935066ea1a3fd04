// What VS Code's extension and its webviews say to each other.

import type { PanelEvent, PanelPatch, PanelState } from "./types";

/** What the server says to what a person did. */
export interface Answer {
  /** What to tell; '' for nothing. */
  readonly message: string;
  /** A warning is not told as a success. Older servers leave it out. */
  readonly level?: "info" | "warning";
}

/** What the extension sends. */
export type ToPage =
  | { readonly type: "show"; readonly panel: PanelState }
  | { readonly type: "patch"; readonly patch: PanelPatch }
  | ({ readonly type: "answer"; readonly id: number; readonly failed: boolean } & Answer)
  | { readonly type: "failed"; readonly message: string };

/** What it is sent. */
export type FromPage =
  | { readonly type: "ready" }
  | { readonly type: "again" }
  | { readonly type: "event"; readonly id: number; readonly event: PanelEvent };

/** What VS Code keeps of the page; the extension finds the panel's name there after a reload of the window. */
export interface Kept {
  readonly panel?: string;
  readonly memory?: Record<string, unknown>;
}
