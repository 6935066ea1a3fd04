// One panel in its webview.

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { Answer, FromPage, ToPage } from "../../web/src/bridge";
import { PanelStore } from "../../web/src/store";
import type { PanelEvent, PanelPatch, PanelState } from "../../web/src/types";

export interface Handlers {
  /** What to tell. @throws with a message for the user. */
  act(event: PanelEvent): Promise<Answer>;
  closed(): void;
}

export class PanelView {
  /** The whole of it was asked for and did not come yet. */
  isAsking = false;
  private readonly store = new PanelStore();
  /** The page is there and listens. */
  private isReady = false;
  /** What went wrong before there was a page to say so. */
  private problem: string | undefined;

  constructor(
    readonly name: string,
    readonly panel: vscode.WebviewPanel,
    extension: vscode.Uri,
    private readonly handlers: Handlers,
  ) {
    const folder = vscode.Uri.joinPath(extension, "out");
    panel.webview.options = { enableScripts: true, localResourceRoots: [folder] };
    panel.iconPath = vscode.Uri.joinPath(extension, "media", "icon.svg");
    panel.webview.onDidReceiveMessage((message: FromPage) => this.received(message));
    panel.onDidChangeViewState(() => {
      this.isReady &&= panel.visible;
    });
    panel.onDidDispose(() => handlers.closed());
    panel.webview.html = page(panel.webview, folder, name);
  }

  /** On the wire; undefined until it was shown. */
  get id(): string | undefined {
    return this.store.state?.id;
  }

  show(panel: PanelState): void {
    this.problem = undefined;
    this.store.show(panel);
    this.replay();
  }

  /** Whether `patch` builds on what is here. */
  patch(patch: PanelPatch): boolean {
    if (!this.store.patch(patch)) {
      return false;
    }
    this.retitle();
    this.post({ type: "patch", patch });
    return true;
  }

  failed(message: string): void {
    this.problem = message;
    this.post({ type: "failed", message });
  }

  private received(message: FromPage): void {
    switch (message.type) {
      case "ready":
        this.isReady = true;
        this.replay();
        return;
      case "again":
        this.replay();
        return;
      case "event":
        void this.act(message.id, message.event);
    }
  }

  private async act(id: number, event: PanelEvent): Promise<void> {
    try {
      this.answer(id, await this.handlers.act(event), false);
    } catch (error) {
      this.answer(id, { message: error instanceof Error ? error.message : String(error) }, true);
    }
  }

  /** In the page, or by VS Code itself when the page is hidden. */
  private answer(id: number, answer: Answer, failed: boolean): void {
    const { message, level } = answer;
    if (this.isReady) {
      this.post({ type: "answer", id, failed, ...answer });
    } else if (failed) {
      void vscode.window.showErrorMessage(message);
    } else if (message && level === "warning") {
      void vscode.window.showWarningMessage(message);
    } else if (message) {
      void vscode.window.showInformationMessage(message);
    }
  }

  private replay(): void {
    const panel = this.store.state;
    if (panel) {
      this.retitle();
      this.post({ type: "show", panel });
    }
    if (this.problem !== undefined) {
      this.post({ type: "failed", message: this.problem });
    }
  }

  private retitle(): void {
    const title = this.store.state?.title ?? "";
    if (this.panel.title !== title) {
      this.panel.title = title;
    }
  }

  private post(message: ToPage): void {
    if (this.isReady) {
      void this.panel.webview.postMessage(message);
    }
  }
}

/** The page runs the renderer and nothing else, and can load nothing from anywhere. */
function page(webview: vscode.Webview, folder: vscode.Uri, name: string): string {
  const nonce = randomBytes(16).toString("base64");
  const address = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(folder, file));
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'unsafe-inline'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const language = vscode.env.language.startsWith("tr") ? "tr" : "en";
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<link rel="stylesheet" href="${address("panel.css")}">
</head>
<body>
<main data-panel="${escaped(name)}" data-language="${language}"></main>
<script nonce="${nonce}" src="${address("panel.js")}"></script>
</body>
</html>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
