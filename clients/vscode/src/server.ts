// How to start the language server.

import { existsSync } from "node:fs";
import * as vscode from "vscode";
import { ensureEnvironment, NoPython } from "./environment";
import type { ServerCommand } from "./session";

const DOWNLOAD_PAGE = "https://www.python.org/downloads/";

/**
 * The command that starts `ide-agent lsp`.
 *
 * @throws what `ensureEnvironment` throws; `tellFailure` puts it into words.
 */
export async function resolveServer(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): Promise<ServerCommand> {
  const own = vscode.workspace.getConfiguration("ideAgent").get<string>("server.path", "").trim();
  if (own) {
    return { command: own, args: ["lsp"], cwd: workspaceFolder() };
  }
  const command = await ensureEnvironment(context, log);
  // Isolated: a file of the workspace must never be imported in place of one of ours.
  const args = ["-I", "-m", "ide_agent", "lsp"];
  return { command, args, cwd: context.globalStorageUri.fsPath };
}

/** Where a relative `ideAgent.server.path` starts. */
function workspaceFolder(): string | undefined {
  const first = vscode.workspace.workspaceFolders?.[0]?.uri;
  return first?.scheme === "file" && existsSync(first.fsPath) ? first.fsPath : undefined;
}

/** Tell why there is no server; true when the user wants another try. */
export async function tellFailure(error: unknown, log: vscode.LogOutputChannel): Promise<boolean> {
  const retry = vscode.l10n.t("Try again");
  if (error instanceof vscode.CancellationError) {
    const message = vscode.l10n.t("IDE-Agent is not set up yet: the set-up was cancelled.");
    return (await vscode.window.showWarningMessage(message, retry)) === retry;
  }
  if (error instanceof NoPython) {
    const download = vscode.l10n.t("Get Python");
    const choose = vscode.l10n.t("Choose a Python");
    const message = vscode.l10n.t(
      "IDE-Agent needs Python 3.11 or newer (with venv) or uv, and found neither. Install one of them, or tell where your Python is.",
    );
    const answer = await vscode.window.showErrorMessage(message, retry, choose, download);
    if (answer === download) {
      await vscode.env.openExternal(vscode.Uri.parse(DOWNLOAD_PAGE));
    } else if (answer === choose) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "ideAgent.python");
    }
    return answer === retry;
  }
  const reason = error instanceof Error ? error.message : String(error);
  log.error(reason);
  const show = vscode.l10n.t("Show log");
  const message = vscode.l10n.t("IDE-Agent could not be set up: {0}", reason);
  const answer = await vscode.window.showErrorMessage(message, retry, show);
  if (answer === show) {
    log.show();
  }
  return answer === retry;
}

/** Tell that the server is not started any more. */
export async function tellGivenUp(log: vscode.LogOutputChannel): Promise<void> {
  const restart = vscode.l10n.t("Restart");
  const show = vscode.l10n.t("Show log");
  const message = vscode.l10n.t("IDE-Agent stopped again and again and is not started any more.");
  const answer = await vscode.window.showErrorMessage(message, restart, show);
  if (answer === restart) {
    await vscode.commands.executeCommand("ideAgent.restart");
  } else if (answer === show) {
    log.show();
  }
}
