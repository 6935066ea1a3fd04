// The settings file in colour: VS Code itself knows no TOML.

import * as vscode from "vscode";

const OURS = "config.toml";
/** The nearest thing that VS Code brings along: sections, keys, comments. */
const INSTEAD = "ini";

/** Give our settings file, which the server had shown, a language where none claims it. */
export async function colour(address: string): Promise<void> {
  const uri = vscode.Uri.parse(address);
  if (uri.scheme !== "file" || !uri.path.endsWith(`/${OURS}`)) {
    return;
  }
  const document = await vscode.workspace.openTextDocument(uri);
  if (document.languageId === "plaintext") {
    const known = await vscode.languages.getLanguages();
    await vscode.languages.setTextDocumentLanguage(document, known.includes("toml") ? "toml" : INSTEAD);
  }
}
