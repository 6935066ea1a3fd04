// What the user set, and only that: a default sent along would overrule the user's and the workspace's TOML files.

import * as vscode from "vscode";

const CLIENT_ONLY = new Set(["python", "server.path", "completion.stream"]);

/** Explicitly set settings below `ideAgent` for `scope`, nested. */
export function explicitSettings(
  extension: vscode.Extension<unknown>,
  scope?: vscode.Uri,
): Record<string, unknown> {
  const settings = vscode.workspace.getConfiguration("ideAgent", scope ?? null);
  const found: Record<string, unknown> = {};
  for (const key of names(extension)) {
    const seen = settings.inspect(key);
    const isSet = [seen?.globalValue, seen?.workspaceValue, seen?.workspaceFolderValue].some(
      (value) => value !== undefined,
    );
    if (isSet) {
      put(found, key.split("."), settings.get(key));
    }
  }
  return found;
}

function names(extension: vscode.Extension<unknown>): string[] {
  const sections: { properties: Record<string, unknown> }[] = extension.packageJSON.contributes.configuration;
  return sections
    .flatMap((section) => Object.keys(section.properties))
    .map((name) => name.replace(/^ideAgent\./, ""))
    .filter((name) => !CLIENT_ONLY.has(name));
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) {
    return;
  }
  if (rest.length === 0) {
    target[head] = value;
    return;
  }
  const child = (target[head] ?? {}) as Record<string, unknown>;
  target[head] = child;
  put(child, rest, value);
}
