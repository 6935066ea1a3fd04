// Where the user typed last: a server that could not answer then is asked for that place once it can.

import * as vscode from "vscode";

interface Place {
  readonly uri: string;
  readonly range: vscode.Range;
}

export class Typing implements vscode.Disposable {
  private last: Place | undefined;
  private readonly listener: vscode.Disposable;

  constructor() {
    const editor = vscode.window.activeTextEditor;
    if (editor && editor.document.version > 1) {
      // Changed before anybody told us: where the cursor is, as far as one can know.
      this.last = placeOf(editor.document, editor.selection);
    }
    this.listener = vscode.workspace.onDidChangeTextDocument(({ document, contentChanges: [edit] }) => {
      if (edit && document === vscode.window.activeTextEditor?.document) {
        const end = document.positionAt(edit.rangeOffset + edit.text.length);
        this.last = placeOf(document, new vscode.Range(edit.range.start, end));
      }
    });
  }

  /** Whether the cursor still stands where the user typed last: behind it, or in it before a bracket that was added. */
  get isHere(): boolean {
    const editor = vscode.window.activeTextEditor;
    if (!editor?.selection.isEmpty || editor.document.uri.toString() !== this.last?.uri) {
      return false;
    }
    const { range } = this.last;
    const { active } = editor.selection;
    return range.contains(active) && (range.isEmpty || active.isAfter(range.start));
  }

  dispose(): void {
    this.listener.dispose();
  }
}

function placeOf(document: vscode.TextDocument, range: vscode.Range): Place {
  return { uri: document.uri.toString(), range };
}
