// The agent: it has one server running, starts it again when it dies, and stops it; and what goes in at its start.

import * as vscode from "vscode";
import {
  type ClientCapabilities,
  type ConfigurationParams,
  ExecuteCommandRequest,
  type LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  State,
  type StaticFeature,
} from "vscode-languageclient/node";
import { canGrow, Ghost } from "./ghost";
import { Panels, type Server } from "./panels";
import {
  ACCEPT,
  moreNotification,
  OPEN_PANEL,
  patchPanelNotification,
  type Status,
  showPanelNotification,
  statusNotification,
  TOGGLE,
} from "./protocol";
import { resolveServer, tellFailure, tellGivenUp } from "./server";
import { Session } from "./session";
import { explicitSettings } from "./settings";
import type { StatusItem } from "./status";
import { colour } from "./toml";
import { Typing } from "./typing";

const DOCUMENTS = [{ scheme: "file" }, { scheme: "untitled" }];
const MOST_CRASHES = 5;
const CRASHES_WITHIN_MS = 3 * 60 * 1000;
const FIRST_PAUSE_MS = 250;
/** States in which the server answers with nothing for now. */
const WAITING = new Set(["starting", "waiting", "loading", "downloading", "noModel"]);

export class Agent implements Server, vscode.Disposable {
  readonly ghost = new Ghost(() => this.session?.client);
  readonly panels: Panels;
  private readonly typing = new Typing();
  private session: Session | undefined;
  /** Starts and stops, one after the other. */
  private turns: Promise<void> = Promise.resolve();
  private crashes: number[] = [];
  private revival: NodeJS.Timeout | undefined;
  /** What the user switched to in this window; a new server is told. */
  private switchedOn: boolean | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    readonly log: vscode.LogOutputChannel,
    readonly status: StatusItem,
  ) {
    this.panels = new Panels(context.extensionUri, this);
  }

  get isRunning(): boolean {
    return this.session?.client.isRunning() ?? false;
  }

  get isOff(): boolean {
    return this.switchedOn === undefined ? this.status.current.state === "off" : !this.switchedOn;
  }

  /** Start the server unless there is one. */
  start(): Promise<void> {
    return this.inTurn(() => this.doStart());
  }

  stop(): Promise<void> {
    const stopped = this.takeDown();
    return this.inTurn(async () => {
      await stopped;
      await this.takeDown();
    });
  }

  /** Stop the server, do `between` while none runs, and start one, come what may. */
  restart(between: () => Promise<void> = async () => {}): Promise<void> {
    const stopped = this.takeDown();
    this.status.show({ state: "starting" });
    return this.inTurn(async () => {
      await stopped;
      await this.takeDown();
      try {
        await between();
      } finally {
        await this.doStart();
      }
    });
  }

  /** Wait for a server that is on its way, and say so meanwhile; at once where none is. */
  async arrived(): Promise<void> {
    const isComing = () => !this.isRunning && this.status.current.state === "starting";
    if (!isComing()) {
      return;
    }
    const title = vscode.l10n.t("IDE-Agent is starting");
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    await vscode.window.withProgress(options, (_progress, token) => {
      return new Promise<void>((resolve, reject) => {
        const listener = this.status.onDidChange(() => {
          if (!isComing()) {
            listener.dispose();
            resolve();
          }
        });
        token.onCancellationRequested(() => {
          listener.dispose();
          reject(new vscode.CancellationError());
        });
      });
    });
  }

  /** Switch suggestions on or off in this window; what they are then. */
  async toggle(): Promise<boolean> {
    const { enabled } = await this.execute<{ enabled: boolean }>(TOGGLE, { enabled: this.isOff });
    this.switchedOn = enabled;
    return enabled;
  }

  /** Run a command of the server and return its value. */
  execute<T>(command: string, argument: object, token?: vscode.CancellationToken): Promise<T> {
    const params = { command, arguments: [argument] };
    return this.ask((client) => client.sendRequest(ExecuteCommandRequest.type, params, token));
  }

  async ask<T>(send: (client: LanguageClient) => Promise<T>): Promise<T> {
    const session = this.session;
    const notRunning = vscode.l10n.t("IDE-Agent is not running.");
    if (!session?.client.isRunning()) {
      throw new Error(notRunning);
    }
    return Promise.race([
      send(session.client),
      session.ended.then(() => Promise.reject(new Error(notRunning))),
    ]);
  }

  dispose(): void {
    clearTimeout(this.revival);
    this.ghost.dispose();
    this.panels.dispose();
    this.typing.dispose();
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.turns.then(work);
    this.turns = turn.catch(() => undefined);
    return turn;
  }

  /** Not in turn: a start that hangs ends with it. Crashes up to now are forgotten. */
  private takeDown(): Promise<void> {
    clearTimeout(this.revival);
    this.crashes = [];
    const session = this.session;
    this.session = undefined;
    return session?.stop() ?? Promise.resolve();
  }

  private async doStart(): Promise<void> {
    if (this.session) {
      return;
    }
    this.status.show({ state: "starting" });
    const server = await resolveServer(this.context, this.log).catch((error: unknown) =>
      this.notSetUp(error),
    );
    if (server === undefined) {
      return;
    }
    const session = new Session(server, this.options());
    const { client } = session;
    client.registerFeature(this.ourFeature(client));
    client.onNotification(moreNotification, (more) => this.ghost.grow(more));
    client.onNotification(showPanelNotification, ({ panel }) => this.panels.show(panel));
    client.onNotification(patchPanelNotification, (patch) => this.panels.patch(patch));
    client.onNotification(statusNotification, (status) => this.told(status));
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running && this.status.current.state === "starting") {
        this.status.show({ state: "ready" });
      }
    });
    this.session = session;
    void session.ended.then(() => this.ended(session));
    try {
      await session.start();
    } catch (error) {
      this.log.error(String(error));
      return;
    }
    if (this.switchedOn !== undefined) {
      const wanted = { enabled: this.switchedOn };
      this.execute(TOGGLE, wanted).catch((error: unknown) => this.log.warn(String(error)));
    }
    this.panels.reopen();
    this.askForTyped();
  }

  private told(status: Status): void {
    const before = this.status.current.state;
    this.status.show(status);
    if (status.state === "ready" && WAITING.has(before)) {
      this.askForTyped();
    }
  }

  /** What was typed when nobody could answer. */
  private askForTyped(): void {
    if (this.typing.isHere) {
      this.ghost.ask();
    }
  }

  /** Nobody asked it to: it crashed, or could not be started at all. */
  private ended(session: Session): void {
    if (this.session !== session) {
      return;
    }
    this.session = undefined;
    if (!session.wasLaunched) {
      this.status.show({ state: "error", message: vscode.l10n.t("the server did not start") });
      return;
    }
    const now = Date.now();
    this.crashes = [...this.crashes.filter((time) => now - time < CRASHES_WITHIN_MS), now];
    if (this.crashes.length >= MOST_CRASHES) {
      this.status.show({ state: "error", message: vscode.l10n.t("the server stopped") });
      void tellGivenUp(this.log);
      return;
    }
    this.status.show({ state: "starting" });
    const pause = FIRST_PAUSE_MS * 2 ** (this.crashes.length - 1);
    this.revival = setTimeout(() => {
      this.start().catch((error: unknown) => this.log.error(String(error)));
    }, pause);
  }

  /** Not awaited: the message may stand there for hours, and a changed setting must start us meanwhile. */
  private notSetUp(error: unknown): undefined {
    this.status.show({ state: "error", message: vscode.l10n.t("not set up") });
    void tellFailure(error, this.log).then((again) => (again ? this.start() : undefined));
  }

  private options(): LanguageClientOptions {
    const extension = this.context.extension;
    return {
      documentSelector: DOCUMENTS,
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: () => ({
        settings: explicitSettings(extension),
        language: vscode.env.language.startsWith("tr") ? "tr" : "en",
      }),
      middleware: {
        ...this.ghost.middleware,
        executeCommand: (command, args, next) => {
          if (command === ACCEPT) {
            this.ghost.accepted();
          } else if (command === OPEN_PANEL) {
            this.panels.wanted(args[0]?.name);
          }
          return next(command, args);
        },
        window: {
          showDocument: async (params, token, next) => {
            const shown = await next(params, token);
            await colour(params.uri).catch((error: unknown) => this.log.warn(String(error)));
            return shown;
          },
        },
        workspace: {
          configuration: async (params, token, next) => {
            const answers = await next(params, token);
            return Array.isArray(answers)
              ? answers.map((answer, i) => this.answer(params, i, answer))
              : answers;
          },
        },
      },
    };
  }

  private answer(params: ConfigurationParams, index: number, answer: unknown): unknown {
    const item = params.items[index];
    if (item?.section !== "ideAgent") {
      return answer;
    }
    return explicitSettings(
      this.context.extension,
      item.scopeUri ? vscode.Uri.parse(item.scopeUri) : undefined,
    );
  }

  private ourFeature(client: LanguageClient): StaticFeature {
    return {
      fillClientCapabilities(capabilities: ClientCapabilities): void {
        const experimental = (capabilities.experimental ?? {}) as Record<string, unknown>;
        const ideAgent = { inlineCompletionMore: canGrow(), status: true, panels: true };
        capabilities.experimental = { ...experimental, ideAgent };
      },
      initialize: () => this.ghost.attach(client),
      getState: () => ({ kind: "static" }),
      clear(): void {},
    };
  }
}
