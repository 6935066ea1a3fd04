// Ghost text, and how it grows.
//
// VS Code has no stable API to update a suggestion that it shows. It does ask again when the set of providers changed:
// for each growth the provider is registered anew, the old one is dropped and a trigger is sent that names this
// extension; the new provider answers at once with what has arrived. The trigger's arguments exist from VS Code 1.106.
// This leans on internal behaviour: tests/e2e/vscode holds it to account, `ideAgent.completion.stream` turns it off.
//
// Of several suggestions it tells nobody which one it shows. Our keys for the next and the previous one keep count; who
// goes on with the mouse is believed to see the one that what he types belongs to. A set of providers is asked once by
// hand for a place: for one more suggestion the provider is registered anew too.

import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import {
  type DynamicFeature,
  type InlineCompletionRegistrationOptions,
  InlineCompletionRequest,
  type LanguageClient,
  type Middleware,
} from "vscode-languageclient/node";
import { Events } from "./events";
import { ACCEPT, eventNotification, type More } from "./protocol";

const EXTENSION_ID = "ide-agent.ide-agent";
const GROWTH_INTERVAL_MS = 100;

type Provide = NonNullable<Middleware["provideInlineCompletionItems"]>;
type Next = Parameters<Provide>[4];
type Feature = DynamicFeature<InlineCompletionRegistrationOptions>;

interface Item {
  id: string;
  text: string;
  range: vscode.Range;
  command: vscode.Command | undefined;
}

/** The suggestion that VS Code shows, of those that it was last given. */
interface Live extends Item {
  readonly uri: string;
  version: number;
  position: vscode.Position;
  /** The others for the same place. */
  others: readonly Item[];
  /** The popup entry that it continues. */
  readonly selected: string | undefined;
  /** It grew since the server answered: asked again at the same place, we answer from here. */
  grown: boolean;
}

interface Step {
  readonly by: 1 | -1;
}

/** Whether this VS Code can show a suggestion that grows, and the user wants that. */
export function canGrow(): boolean {
  const [major = 0, minor = 0] = vscode.version.split(".").map((part) => Number.parseInt(part, 10));
  const wanted = vscode.workspace.getConfiguration("ideAgent").get<boolean>("completion.stream", true);
  return wanted && (major > 1 || (major === 1 && minor >= 106));
}

export class Ghost implements vscode.Disposable {
  readonly middleware: Pick<Middleware, "provideInlineCompletionItems"> = {
    provideInlineCompletionItems: (document, position, context, token, next) =>
      this.provide(document, position, context, token, next),
  };
  private readonly disposables: vscode.Disposable[] = [];
  private readonly events: Events;
  private live: Live | undefined;
  /** A growth that overtook the answer it belongs to. */
  private early: More | undefined;
  private registration: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** The user goes on from what shows; until VS Code's request by hand for the list is over. */
  private step: Step | undefined;

  constructor(private readonly client: () => LanguageClient | undefined) {
    this.events = new Events((event) => {
      void this.client()?.sendNotification(eventNotification, event);
    });
    this.disposables.push(
      vscode.workspace.onDidChangeTextDocument((change) => this.textChanged(change)),
      vscode.window.onDidChangeTextEditorSelection((change) => this.selectionChanged(change)),
      vscode.window.onDidChangeActiveTextEditor(() => this.leave()),
    );
  }

  /** Call it when `client` has registered its features: the provider becomes ours to register again. */
  attach(client: LanguageClient): void {
    this.leave();
    feature(client)?.clear();
    this.registration = undefined;
    this.register(client);
  }

  /** Have VS Code ask for the place of the cursor, as if the user had typed, unless something shows there. */
  ask(): void {
    const client = this.client();
    if (!this.live && client?.isRunning()) {
      this.register(client); // those that VS Code has asked for this place already, it does not ask again
      trigger();
    }
  }

  /** More text of a suggestion has come. */
  grow(more: More): void {
    const live = this.live;
    if (live?.id !== more.completionId || live.version !== more.textDocument.version) {
      this.early = more;
      return;
    }
    if (live.text === more.insertText) {
      return;
    }
    live.text = more.insertText;
    live.grown = true;
    if (this.timer === undefined) {
      this.showAgain();
    }
  }

  /** Esc: away with it, and what still arrives of it is not shown. */
  async dismiss(): Promise<void> {
    if (this.live) {
      this.events.dismissed(this.live.id);
    }
    this.leave();
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  }

  /** Go on to another suggestion for the same place, forward (1) or back (-1). */
  async turn(by: 1 | -1): Promise<void> {
    const client = this.client();
    if (this.step) {
      return;
    }
    if (this.live && client?.isRunning() && canGrow()) {
      this.step = { by };
      this.register(client);
    }
    const where = by > 0 ? "showNext" : "showPrevious";
    await vscode.commands.executeCommand(`editor.action.inlineSuggest.${where}`);
  }

  /** The suggestion was taken as a whole. */
  accepted(): void {
    this.events.settled();
    this.leave();
    void vscode.commands.executeCommand("setContext", "ideAgent.accepted", true);
  }

  dispose(): void {
    this.drop();
    vscode.Disposable.from(...this.disposables).dispose();
  }

  private async provide(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
    next: Next,
  ): Promise<vscode.InlineCompletionItem[]> {
    if (context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic) {
      return this.answer(document, position, context, token, next);
    }
    const step = this.step;
    try {
      return await this.answer(document, position, context, token, next, step?.by);
    } finally {
      if (this.step === step) {
        this.step = undefined;
      }
    }
  }

  /** What VS Code is to show; it goes on by `step` from what shows. */
  private async answer(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
    next: Next,
    step = 0,
  ): Promise<vscode.InlineCompletionItem[]> {
    const automatic = context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic;
    const selected = context.selectedCompletionInfo?.text;
    const live = this.live;
    if (automatic && live?.grown && live.selected === selected && isAt(live, document, position)) {
      return [itemOf(live)];
    }
    const version = document.version;
    const answer = await next(document, position, context, token);
    if (token.isCancellationRequested || document.version !== version) {
      return [];
    }
    const [first, ...rest] = this.fromShown(itemsOf(answer, position));
    if (!first) {
      this.drop();
      return [];
    }
    const list = [first, ...rest];
    const shown = list.at(step % list.length) ?? first;
    const fresh: Live = {
      ...shown,
      uri: document.uri.toString(),
      version,
      position,
      others: list.filter((item) => item !== shown),
      selected,
      grown: false,
    };
    const early = this.early;
    this.keep(fresh);
    if (early?.completionId === fresh.id && early.textDocument.version === version) {
      fresh.text = early.insertText;
      fresh.grown = true;
    }
    this.events.shown(fresh.id);
    return list.map((item) => itemOf(item === shown ? fresh : item));
  }

  /** The list from what shows on, and round: VS Code puts that one first, and goes on from there. */
  private fromShown(items: Item[]): Item[] {
    const start = Math.max(
      0,
      items.findIndex((item) => item.id === this.live?.id),
    );
    return [...items.slice(start), ...items.slice(0, start)];
  }

  /** Have VS Code ask again; what grows within the next interval waits for its end. */
  private showAgain(): void {
    const client = this.client();
    const editor = vscode.window.activeTextEditor;
    const live = this.live;
    if (!client?.isRunning() || !editor || !live) {
      return;
    }
    if (!isAt(live, editor.document, editor.selection.active) || !editor.selection.isEmpty) {
      this.drop();
      return;
    }
    this.register(client);
    trigger();
    const shown = live.text;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.live?.grown && this.live.text !== shown) {
        this.showAgain();
      }
    }, GROWTH_INTERVAL_MS);
  }

  /** A new provider, then the old one goes: there is no moment without one. */
  private register(client: LanguageClient): void {
    const old = this.registration;
    const documentSelector = (client.clientOptions.documentSelector ?? []) as string[];
    this.registration = randomUUID();
    feature(client)?.register({ id: this.registration, registerOptions: { documentSelector } });
    if (old !== undefined) {
      feature(client)?.unregister(old);
    }
  }

  /** Text that was typed or accepted out of the suggestion moves it along; the server is asked for the rest. */
  private textChanged(change: vscode.TextDocumentChangeEvent): void {
    const live = this.live;
    const [edit, ...others] = change.contentChanges;
    if (!live || !edit || change.document.uri.toString() !== live.uri) {
      return;
    }
    live.grown = false;
    this.step = undefined;
    const taken = live.position.character - live.range.start.character;
    const known = [live, ...live.others].map((item) => ({ ...item, text: item.text.slice(taken) }));
    const isInserted = others.length === 0 && edit.range.isEmpty && edit.range.start.isEqual(live.position);
    const along = known.find((item) => item.text.startsWith(edit.text));
    if (!isInserted || !along || known.some((item) => item.text === edit.text)) {
      return;
    }
    live.id = along.id;
    live.command = along.command;
    live.others = [];
    live.version = change.document.version;
    live.position = change.document.positionAt(edit.rangeOffset + edit.text.length);
    live.range = new vscode.Range(live.position, live.position);
    live.text = along.text.slice(edit.text.length);
    this.events.shown(live.id);
    this.events.advanced(live.id, edit.text.length);
  }

  private selectionChanged(change: vscode.TextEditorSelectionChangeEvent): void {
    const live = this.live;
    const [selection] = change.selections;
    if (!live || !selection || change.textEditor.document.version !== live.version) {
      return;
    }
    if (!selection.isEmpty || !isAt(live, change.textEditor.document, selection.active)) {
      this.leave();
    }
  }

  private keep(live: Live): void {
    this.early = undefined;
    this.live = live;
    void vscode.commands.executeCommand("setContext", "ideAgent.suggesting", true);
  }

  /** Nobody waits for another one any more. */
  private leave(): void {
    this.step = undefined;
    this.drop();
  }

  private drop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.early = undefined;
    if (this.live) {
      this.events.gone();
      this.live = undefined;
      void vscode.commands.executeCommand("setContext", "ideAgent.suggesting", false);
    }
  }
}

function trigger(): void {
  void vscode.commands.executeCommand("editor.action.inlineSuggest.trigger", {
    providerId: EXTENSION_ID,
    explicit: false,
  });
}

function feature(client: LanguageClient): Feature | undefined {
  return client.getFeature(InlineCompletionRequest.method);
}

function isAt(live: Live, document: vscode.TextDocument, position: vscode.Position): boolean {
  return (
    document.uri.toString() === live.uri &&
    document.version === live.version &&
    position.isEqual(live.position)
  );
}

function itemsOf(answer: Awaited<ReturnType<Next>>, position: vscode.Position): Item[] {
  const items = (Array.isArray(answer) ? answer : answer?.items) ?? [];
  return items.flatMap(({ insertText: text, range, command }) =>
    typeof text === "string"
      ? [{ id: completionId(command), text, range: range ?? new vscode.Range(position, position), command }]
      : [],
  );
}

function completionId(command: vscode.Command | undefined): string {
  if (command?.command !== ACCEPT) {
    return "";
  }
  const [argument] = command.arguments ?? [];
  return String(argument?.completionId ?? "");
}

/** VS Code compares the filter text with the range alone, not with the line as others do: the text itself serves. */
function itemOf(item: Item): vscode.InlineCompletionItem {
  return new vscode.InlineCompletionItem(item.text, item.range, item.command);
}
