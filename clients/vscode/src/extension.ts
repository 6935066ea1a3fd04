import * as vscode from "vscode";
import { Agent } from "./client";
import { registerCommands } from "./commands";
import { StatusItem } from "./status";

const RESTARTING_SETTINGS = ["ideAgent.server.path", "ideAgent.python", "ideAgent.completion.stream"];

let agent: Agent | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("IDE-Agent", { log: true });
  const status = new StatusItem();
  const started = new Agent(context, log, status);
  agent = started;
  context.subscriptions.push(log, status, started);
  registerCommands(context, started);
  const failed = (error: unknown) => log.error(String(error));
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (RESTARTING_SETTINGS.some((name) => change.affectsConfiguration(name))) {
        started.restart().catch(failed);
      }
    }),
  );
  // Not awaited: a first start takes a minute, and the commands must work meanwhile.
  started.start().catch(failed);
}

export async function deactivate(): Promise<void> {
  await agent?.stop();
  agent = undefined;
}
