// The status item: which model, how it is, and a menu behind it.

import * as vscode from "vscode";
import type { State, Status } from "./protocol";

const ICONS: Record<State, string> = {
  starting: "$(loading~spin)",
  ready: "$(sparkle)",
  waiting: "$(watch)",
  loading: "$(loading~spin)",
  downloading: "$(cloud-download)",
  noModel: "$(warning)",
  off: "$(circle-slash)",
  error: "$(error)",
};

export class StatusItem implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly changed = new vscode.EventEmitter<Status>();
  readonly onDidChange = this.changed.event;
  current: Status = { state: "starting" };

  constructor() {
    this.item = vscode.window.createStatusBarItem("ideAgent.status", vscode.StatusBarAlignment.Right, 100);
    this.item.name = "IDE-Agent";
    this.show(this.current);
    this.item.show();
  }

  show(told: Status): void {
    const status = { ...told, ...this.knownModel(told) };
    this.current = status;
    const label = describe(status);
    this.item.text = `${ICONS[status.state] ?? ICONS.ready} ${shortText(status)}`;
    this.item.tooltip = `IDE-Agent: ${label}`;
    this.item.accessibilityInformation = { label: `IDE-Agent, ${label}`, role: "button" };
    this.item.backgroundColor = background(status.state);
    this.item.command = hasNone(status) ? "ideAgent.models.panel" : "ideAgent.menu";
    void this.tellWalkthrough(status);
    this.changed.fire(status);
  }

  /** A walkthrough counts only what becomes true after it was opened. */
  async openWalkthrough(id: string): Promise<void> {
    await this.tellWalkthrough({ state: "starting" });
    await vscode.commands.executeCommand("workbench.action.openWalkthrough", id);
    await this.tellWalkthrough(this.current);
  }

  /** A status that names no model keeps the one before, where there is one. */
  private knownModel(status: Status): Pick<Status, "model"> {
    const model = status.model ?? this.current.model;
    const isGone = status.state === "starting" || status.state === "noModel" || status.state === "error";
    return isGone || model === undefined ? {} : { model };
  }

  private async tellWalkthrough(status: Status): Promise<void> {
    const running = status.state !== "error" && status.state !== "starting";
    await vscode.commands.executeCommand("setContext", "ideAgent.running", running);
    const hasModel = running && Boolean(status.model);
    await vscode.commands.executeCommand("setContext", "ideAgent.hasModel", hasModel);
  }

  dispose(): void {
    this.item.dispose();
    this.changed.dispose();
  }
}

/** Whether there is no model, or none any more: what helps is the panel of models. */
function hasNone(status: Status): boolean {
  return status.state === "noModel" || (status.state === "ready" && status.model === "");
}

/** What the status means, in words. */
export function describe(status: Status): string {
  const named = status.text === undefined ? [status.model] : [status.text];
  // what the server says of that state names a shell command; the menu has the download itself
  const message = status.state === "noModel" ? undefined : status.message;
  const state = hasNone(status) ? shortText(status) : words(status.state);
  const parts = [message ?? state, ...named, status.engine];
  return parts.filter((part) => part !== undefined && part !== "").join(" · ");
}

function words(state: State): string {
  switch (state) {
    case "starting":
      return vscode.l10n.t("starting");
    case "ready":
      return vscode.l10n.t("ready");
    case "waiting":
      return vscode.l10n.t("waiting for a place in memory");
    case "loading":
      return vscode.l10n.t("loading the model");
    case "downloading":
      return vscode.l10n.t("downloading");
    case "noModel":
      return vscode.l10n.t("no model yet");
    case "off":
      return vscode.l10n.t("suggestions are off");
    case "error":
      return vscode.l10n.t("something is wrong");
  }
}

function shortText(status: Status): string {
  if (status.state === "downloading" && status.progress !== undefined) {
    return `${Math.round(status.progress)} %`;
  }
  if (status.state === "noModel") {
    return vscode.l10n.t("no model yet");
  }
  if (status.state === "starting") {
    return `IDE-Agent ${words(status.state)}`;
  }
  return status.text || status.model || (hasNone(status) ? vscode.l10n.t("no model in memory") : "IDE-Agent");
}

function background(state: State): vscode.ThemeColor | undefined {
  if (state === "error") {
    return new vscode.ThemeColor("statusBarItem.errorBackground");
  }
  if (state === "noModel") {
    return new vscode.ThemeColor("statusBarItem.warningBackground");
  }
  return undefined;
}
