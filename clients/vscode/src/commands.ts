// Commands of the palette and the menu behind the status item.

import * as vscode from "vscode";
import type { Agent } from "./client";
import { removeEnvironments } from "./environment";
import { HOST_RESTART, HUB, PULL, REMOTE, ROUTES } from "./protocol";
import { describe } from "./status";

/** A server that hangs never answers. */
const HOST_PATIENCE_MS = 5000;
const SAMPLE = `def fibonacci(n: int) -> int:
    """Return the n-th Fibonacci number."""
    `;

export function registerCommands(context: vscode.ExtensionContext, agent: Agent): void {
  const handlers: Record<string, () => unknown> = {
    "ideAgent.menu": () => menu(agent),
    "ideAgent.toggle": () => toggle(agent),
    "ideAgent.downloadStarter": () => downloadStarter(agent),
    "ideAgent.models.panel": () => agent.panels.open(HUB),
    "ideAgent.routes.panel": () => agent.panels.open(ROUTES),
    "ideAgent.remote.panel": () => agent.panels.open(REMOTE),
    "ideAgent.restart": () => restart(agent),
    "ideAgent.reinstall": () => reinstall(context, agent),
    "ideAgent.showLog": () => agent.log.show(),
    "ideAgent.openSettings": () =>
      vscode.commands.executeCommand("workbench.action.openSettings", `@ext:${context.extension.id}`),
    "ideAgent.openWalkthrough": () => agent.status.openWalkthrough(`${context.extension.id}#firstGhostText`),
    "ideAgent.trySample": trySample,
    "ideAgent.dismiss": () => agent.ghost.dismiss(),
    "ideAgent.next": () => agent.ghost.turn(1),
    "ideAgent.previous": () => agent.ghost.turn(-1),
  };
  for (const [name, handler] of Object.entries(handlers)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, () => told(handler)));
  }
}

/** Errors of a command are told once, in words; VS Code would add its own. */
async function told(handler: () => unknown): Promise<unknown> {
  try {
    return await handler();
  } catch (error) {
    if (!(error instanceof vscode.CancellationError)) {
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
    return undefined;
  }
}

async function menu(agent: Agent): Promise<void> {
  const entry = (icon: string, label: string, command: string) => ({ label: `$(${icon}) ${label}`, command });
  const download = entry(
    "cloud-download",
    vscode.l10n.t("Download the starter model (93 MB)"),
    "ideAgent.downloadStarter",
  );
  const chosen = await vscode.window.showQuickPick(
    [
      agent.isOff
        ? entry("play", vscode.l10n.t("Turn suggestions on"), "ideAgent.toggle")
        : entry("circle-slash", vscode.l10n.t("Turn suggestions off"), "ideAgent.toggle"),
      ...(agent.status.current.state === "noModel" ? [download] : []),
      entry("library", vscode.l10n.t("Models"), "ideAgent.models.panel"),
      entry("list-ordered", vscode.l10n.t("Routing Rules"), "ideAgent.routes.panel"),
      entry("cloud", vscode.l10n.t("Remote Models"), "ideAgent.remote.panel"),
      entry("refresh", vscode.l10n.t("Restart"), "ideAgent.restart"),
      entry("output", vscode.l10n.t("Show log"), "ideAgent.showLog"),
      entry("gear", vscode.l10n.t("Settings"), "ideAgent.openSettings"),
      entry("book", vscode.l10n.t("First ghost text"), "ideAgent.openWalkthrough"),
    ],
    { title: "IDE-Agent", placeHolder: describe(agent.status.current) },
  );
  if (chosen) {
    await vscode.commands.executeCommand(chosen.command);
  }
}

async function toggle(agent: Agent): Promise<void> {
  const enabled = await agent.toggle();
  const message = enabled ? vscode.l10n.t("Suggestions are on.") : vscode.l10n.t("Suggestions are off.");
  vscode.window.setStatusBarMessage(`IDE-Agent: ${message}`, 3000);
}

/** The server's own progress has no cancel button in VS Code, so the download is shown here. */
async function downloadStarter(agent: Agent): Promise<void> {
  await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t("Downloading the starter model"),
      cancellable: true,
    },
    async (progress, token) => {
      let reached = 0;
      const listener = agent.status.onDidChange((status) => {
        if (status.state === "downloading" && status.progress !== undefined) {
          progress.report({
            increment: status.progress - reached,
            message: `${Math.round(status.progress)} %`,
          });
          reached = status.progress;
        }
      });
      try {
        await agent.execute(PULL, { name: "starter" }, token);
      } catch (error) {
        if (!token.isCancellationRequested) {
          throw error;
        }
      } finally {
        listener.dispose();
      }
    },
  );
}

/** The host first, then the server; when the server is what is broken, it alone. */
async function restart(agent: Agent): Promise<void> {
  const patience = new Promise((resolve) => setTimeout(resolve, HOST_PATIENCE_MS));
  const host = agent.execute(HOST_RESTART, {}).catch((error: unknown) => agent.log.warn(String(error)));
  await Promise.race([host, patience]);
  await agent.restart();
}

async function reinstall(context: vscode.ExtensionContext, agent: Agent): Promise<void> {
  await agent.restart(() => removeEnvironments(context, agent.log));
}

async function trySample(): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: "python", content: SAMPLE });
  const editor = await vscode.window.showTextDocument(document, vscode.ViewColumn.Beside);
  const end = document.positionAt(SAMPLE.length);
  editor.selection = new vscode.Selection(end, end);
  await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
}
