// What VS Code's extension and its webviews say to each other.

import type { PanelEvent, PanelPatch, PanelState } from "./types";

/** What the extension sends. */
export type ToPage =
  | { readonly type: "show"; readonly panel: PanelState }
  | { readonly type: "patch"; readonly patch: PanelPatch }
  | { readonly type: "answer"; readonly id: number; readonly message: string; readonly failed: boolean }
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
