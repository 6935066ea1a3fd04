// The language client: one server process, what goes in at its start and what comes out of it.

import * as vscode from "vscode";
import {
  type ClientCapabilities,
  type ConfigurationParams,
  ExecuteCommandRequest,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  State,
  type StaticFeature,
} from "vscode-languageclient/node";
import { canGrow, Ghost } from "./ghost";
import { ACCEPT, moreNotification, statusNotification } from "./protocol";
import { resolveServer, tellFailure } from "./server";
import { explicitSettings } from "./settings";
import type { StatusItem } from "./status";

const DOCUMENTS = [{ scheme: "file" }, { scheme: "untitled" }];

export class Agent implements vscode.Disposable {
  readonly ghost = new Ghost(() => this.client);
  private client: LanguageClient | undefined;
  private starting: Promise<void> | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    readonly log: vscode.LogOutputChannel,
    readonly status: StatusItem,
  ) {}

  /** Start the server; while a start is under way, join it. */
  start(): Promise<void> {
    this.starting ??= this.doStart().finally(() => {
      this.starting = undefined;
    });
    return this.starting;
  }

  async stop(): Promise<void> {
    await this.starting?.catch(() => undefined);
    const client = this.client;
    this.client = undefined;
    await client?.dispose();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Run a command of the server and return its value. */
  async execute<T>(command: string, argument: object, token?: vscode.CancellationToken): Promise<T> {
    if (!this.client?.isRunning()) {
      throw new Error(vscode.l10n.t("IDE-Agent is not running."));
    }
    return this.client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] }, token);
  }

  dispose(): void {
    this.ghost.dispose();
  }

  private async doStart(): Promise<void> {
    if (this.client) {
      return;
    }
    this.status.show({ state: "starting" });
    const server = await resolveServer(this.context, this.log).catch((error: unknown) =>
      this.notSetUp(error),
    );
    if (server === undefined) {
      return;
    }
    const client = new LanguageClient("ideAgent", "IDE-Agent", server, this.options());
    client.registerFeature(this.ourFeature(client));
    client.onNotification(moreNotification, (more) => this.ghost.grow(more));
    client.onNotification(statusNotification, (status) => this.status.show(status));
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running && this.status.current.state === "starting") {
        this.status.show({ state: "ready" });
      } else if (newState === State.Starting) {
        this.status.show({ state: "starting" });
      } else if (newState === State.Stopped && this.client === client) {
        this.status.show({ state: "error", message: vscode.l10n.t("the server stopped") });
      }
    });
    this.client = client;
    try {
      await client.start();
    } catch (error) {
      this.client = undefined;
      this.log.error(String(error));
      this.status.show({ state: "error", message: vscode.l10n.t("the server did not start") });
    }
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
          }
          return next(command, args);
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
        const ideAgent = { inlineCompletionMore: canGrow(), status: true };
        capabilities.experimental = { ...experimental, ideAgent };
      },
      initialize: () => this.ghost.attach(client),
      getState: () => ({ kind: "static" }),
      clear(): void {},
    };
  }
}
