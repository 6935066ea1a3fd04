// One server process and the client that speaks with it, made anew for each start. The library's own restarts are off:
// when a server dies while it starts, they leave a client behind that can neither be stopped nor started.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  CloseAction,
  ErrorAction,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
} from "vscode-languageclient/node";

const STOP_MS = 2000;

/** How to start a server. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
}

/** The library's messages go to the log; what a person must know, the agent tells. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

export class Session {
  readonly client: LanguageClient;
  /** The process is gone, whoever ended it; or it could not even be made. */
  readonly ended: Promise<void>;
  private process: ChildProcess | undefined;
  private stopping: Promise<void> | undefined;
  private end: () => void = () => undefined;

  constructor(
    private readonly server: ServerCommand,
    options: LanguageClientOptions,
  ) {
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    this.client = new QuietClient("ideAgent", "IDE-Agent", () => this.launch(), {
      ...options,
      errorHandler: this.errorHandler(),
      initializationFailedHandler: () => false,
    });
  }

  /** Whether there ever was a process: false when the program is missing. */
  get wasLaunched(): boolean {
    return this.process?.pid !== undefined;
  }

  /** @throws whatever kept the server from answering; the process is gone then. */
  async start(): Promise<void> {
    try {
      await this.client.start();
    } catch (error) {
      this.kill();
      if (!this.wasLaunched) {
        this.end();
      }
      await this.ended;
      throw error;
    }
  }

  /** End the process: in good order where it still listens, by force where not. */
  stop(): Promise<void> {
    this.stopping ??= this.doStop();
    return this.stopping;
  }

  private async doStop(): Promise<void> {
    if (!this.wasLaunched) {
      this.end();
    }
    try {
      await this.client.dispose(STOP_MS);
      await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, STOP_MS))]);
    } catch (error) {
      this.client.error("the server does not leave by itself", error);
    }
    this.kill();
    await this.ended;
  }

  private async launch(): Promise<ChildProcess> {
    const { command, args, cwd } = this.server;
    const child = spawn(command, args, { cwd });
    this.process = child;
    child.once("exit", () => {
      // Whoever inherited its output must not keep the client believing in it.
      child.stdout.destroy();
      this.end();
    });
    child.on("error", (error) => this.client.error(command, error));
    await once(child, "spawn");
    return child;
  }

  private kill(): void {
    this.process?.kill("SIGKILL");
  }

  private errorHandler(): ErrorHandler {
    return {
      error: (_error, _message, count) => ({
        action: count !== undefined && count <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown,
        handled: true,
      }),
      closed: () => {
        this.kill();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    };
  }
}
