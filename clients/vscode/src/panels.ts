// Panels of the server in webviews. The renderer is clients/web; here is what stands between it and the server.
//
// A webview that is hidden is thrown away and made anew when it shows again: the state is kept here, and a page that
// says it is ready gets all of it. After a reload of the window VS Code brings the webviews back by their name.

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import type { Kept } from "../../web/src/bridge";
import type { PanelPatch, PanelState } from "../../web/src/types";
import { PanelView } from "./panel_view";
import { closePanelNotification, OPEN_PANEL, panelEventRequest } from "./protocol";

const VIEW_TYPE = "ideAgent.panel";

/** What panels need of the agent. */
export interface Server {
  readonly isRunning: boolean;
  /** Wait for a server that is on its way; at once where none is. */
  arrived(): Promise<void>;
  /** @throws with a message for the user. */
  execute<T>(command: string, argument: object): Promise<T>;
  /** Let `send` send something. @throws with a message for the user, at once where no server runs. */
  ask<T>(send: (client: LanguageClient) => Promise<T>): Promise<T>;
}

export class Panels implements vscode.WebviewPanelSerializer<Kept>, vscode.Disposable {
  /** By name, which an id begins with: `hub` of `hub@en`. */
  private readonly views = new Map<string, PanelView>();
  /** Those that somebody asked for: they come to the front when they are shown. */
  private readonly asked = new Set<string>();
  private readonly serializer: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly server: Server,
  ) {
    this.serializer = vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, this);
  }

  /** Show the panel called `name`. */
  async open(name: string): Promise<void> {
    await this.server.arrived();
    this.wanted(name);
    try {
      await this.server.execute(OPEN_PANEL, { name });
    } catch (error) {
      this.asked.delete(name);
      throw error;
    }
  }

  /** Somebody asked the server for the panel called `name`. */
  wanted(name: unknown): void {
    if (typeof name === "string") {
      this.asked.add(name);
    }
  }

  show(panel: PanelState): void {
    const name = nameOf(panel.id);
    const isWanted = this.asked.delete(name);
    const known = this.views.get(name);
    if (known) {
      known.show(panel);
      if (isWanted) {
        known.panel.reveal();
      }
      return;
    }
    void closeTabs((tab) => tab.label === panel.title);
    const options = { enableScripts: true, enableFindWidget: true };
    const column = { viewColumn: vscode.ViewColumn.Active, preserveFocus: !isWanted };
    const made = vscode.window.createWebviewPanel(VIEW_TYPE, panel.title, column, options);
    this.adopt(name, made).show(panel);
  }

  patch(patch: PanelPatch): void {
    const view = this.views.get(nameOf(patch.id));
    if (view?.id !== patch.id) {
      // It was closed, or is shown in another language now.
      this.left(patch.id);
    } else if (!view.patch(patch)) {
      void this.refresh(view);
    }
  }

  /** A server was started: it knows of none of the panels that stand here. */
  reopen(): void {
    for (const view of this.views.values()) {
      void this.refresh(view);
    }
  }

  /** VS Code brings back what stood there before the window was reloaded. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, kept: Kept | undefined): Promise<void> {
    const name = kept?.panel;
    if (name === undefined || this.views.has(name)) {
      panel.dispose();
      return;
    }
    const view = this.adopt(name, panel);
    // Only one that can be seen is brought back: a second tab of it is of a time when this one was about to be closed.
    void closeTabs((tab) => tab.label === panel.title && !tab.isActive);
    if (this.server.isRunning) {
      await this.refresh(view);
    }
  }

  /** The webviews stay: VS Code brings them back after a reload of the window. */
  dispose(): void {
    this.serializer.dispose();
  }

  private adopt(name: string, panel: vscode.WebviewPanel): PanelView {
    const view = new PanelView(name, panel, this.extension, {
      act: async (event) => {
        const params = { panel: view.id ?? "", event };
        return await this.server.ask((client) => client.sendRequest(panelEventRequest, params));
      },
      closed: () => {
        this.views.delete(name);
        if (view.id !== undefined) {
          this.left(view.id);
        }
      },
    });
    this.views.set(name, view);
    return view;
  }

  /** Tell the server; one that is gone need not know. */
  private left(panel: string): void {
    const told = this.server.ask((client) => client.sendNotification(closePanelNotification, { panel }));
    told.catch(() => undefined);
  }

  /** Ask for the whole of it, once until it comes. */
  private async refresh(view: PanelView): Promise<void> {
    if (view.isAsking) {
      return;
    }
    view.isAsking = true;
    try {
      await this.server.execute(OPEN_PANEL, { name: view.name });
    } catch (error) {
      view.failed(error instanceof Error ? error.message : String(error));
    } finally {
      view.isAsking = false;
    }
  }
}

/** Close tabs of panels. VS Code brings back what lies behind other tabs when it is shown, and then it may be there twice. */
async function closeTabs(isStale: (tab: vscode.Tab) => boolean): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const ours = tabs.filter(
    ({ input }) => input instanceof vscode.TabInputWebview && input.viewType.endsWith(VIEW_TYPE),
  );
  await vscode.window.tabGroups.close(ours.filter(isStale), true);
}

function nameOf(id: string): string {
  return id.split("@")[0] ?? id;
}
