// The part of docs/protocol.md that LSP itself does not have.

import {
  NotificationType,
  type Range,
  RequestType,
  type VersionedTextDocumentIdentifier,
} from "vscode-languageclient/node";
import type { Answer } from "../../web/src/bridge";
import type { PanelEvent, PanelPatch, PanelState } from "../../web/src/types";

export const ACCEPT = "ideAgent.completion.accept";
export const TOGGLE = "ideAgent.completion.toggle";
export const PULL = "ideAgent.models.pull";
export const HOST_RESTART = "ideAgent.host.restart";
export const OPEN_PANEL = "ideAgent.panels.open";

/** The panel of models. */
export const HUB = "hub";
/** The panel of routing rules. */
export const ROUTES = "routes";
/** The panel of remote models. */
export const REMOTE = "remote";

export interface More {
  readonly textDocument: VersionedTextDocumentIdentifier;
  readonly completionId: string;
  /** The whole suggestion so far. */
  readonly insertText: string;
  readonly range: Range;
  readonly done: boolean;
}

export interface CompletionEvent {
  readonly completionId: string;
  readonly kind: "shown" | "hidden" | "acceptedPartly" | "dismissed";
  /** UTF-16 code units taken so far. */
  readonly acceptedLength?: number;
}

export type State =
  | "starting"
  | "ready"
  | "waiting"
  | "loading"
  | "downloading"
  | "noModel"
  | "off"
  | "error";

export interface Status {
  readonly state: State;
  readonly model?: string;
  readonly engine?: string;
  readonly message?: string;
  /** 0–100. */
  readonly progress?: number;
  /** The model and its state in one line. */
  readonly text?: string;
}

export const moreNotification = new NotificationType<More>("ideAgent/inlineCompletion/more");
export const eventNotification = new NotificationType<CompletionEvent>("ideAgent/inlineCompletion/event");
export const statusNotification = new NotificationType<Status>("ideAgent/status");

export const showPanelNotification = new NotificationType<{ panel: PanelState }>("ideAgent/panel/show");
export const patchPanelNotification = new NotificationType<PanelPatch>("ideAgent/panel/patch");
export const closePanelNotification = new NotificationType<{ panel: string }>("ideAgent/panel/close");
export const panelEventRequest = new RequestType<{ panel: string; event: PanelEvent }, Answer, void>(
  "ideAgent/panel/event",
);
