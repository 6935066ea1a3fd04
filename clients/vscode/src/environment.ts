// Our own Python environment, made on first start from what the .vsix carries.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";
import { withLock } from "./lock";
import { findPython, hasUv, type Python, wantedPython } from "./python";

const HOST_STOP_MS = 20_000;
const UNUSED_MS = 7 * 24 * 3600 * 1000;

/** No Python that would do, and no uv that could fetch one. */
export class NoPython extends Error {}

interface Bundle {
  readonly wheel: string;
  readonly requirements: string;
  /** Changes with the wheel or its requirements. */
  readonly fingerprint: string;
}

type Report = (message: string) => void;
type Run = (command: string, args: readonly string[]) => Promise<void>;

/**
 * The Python of an environment that holds the server; made, or made anew, if need be.
 *
 * @throws NoPython, vscode.CancellationError, or an Error that tells what failed.
 */
export async function ensureEnvironment(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): Promise<string> {
  const bundle = await readBundle(context);
  const folder = await folderOf(context, bundle);
  if (await isReady(folder)) {
    await removeUnused(path.dirname(folder), folder, log);
    return pythonOf(folder);
  }
  await alone(folder, async (token, report) => {
    if (!(await isReady(folder))) {
      await make(folder, bundle, token, log, report);
    }
  });
  return pythonOf(folder);
}

/** Throw all environments away; the next start makes a new one. The host is stopped first: it runs from one of them. */
export async function removeEnvironments(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): Promise<void> {
  const current = await folderOf(context, await readBundle(context));
  await alone(current, async (token) => {
    if (await isReady(current)) {
      const stop = ["-I", "-m", "ide_agent", "host", "stop"];
      await execute(pythonOf(current), stop, token, log, () => undefined, HOST_STOP_MS).catch(
        (error: unknown) => log.warn(String(error)),
      );
    }
    const storage = path.dirname(current);
    for (const name of await environments(storage)) {
      const folder = path.join(storage, name);
      // The stamp goes first: what is left when the rest cannot be removed must not count as an environment.
      await fs.rm(stampOf(folder), { force: true });
      await fs.rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    }
  });
}

/** Do `work` on `folder` while no other window does, and show that. */
async function alone(
  folder: string,
  work: (token: vscode.CancellationToken, report: Report) => Promise<void>,
): Promise<void> {
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: vscode.l10n.t("Setting up IDE-Agent (only once)"),
    cancellable: true,
  };
  await vscode.window.withProgress(options, (progress, token) => {
    const report: Report = (message) => progress.report({ message });
    const waiting = () => report(vscode.l10n.t("another window is doing it"));
    return withLock(`${folder}.lock`, token, waiting, () => work(token, report));
  });
}

async function make(
  folder: string,
  bundle: Bundle,
  token: vscode.CancellationToken,
  log: vscode.LogOutputChannel,
  report: Report,
): Promise<void> {
  await fs.rm(folder, { recursive: true, force: true });
  report(vscode.l10n.t("looking for Python"));
  const python = await findPython();
  const read = await reader(bundle, report);
  const run: Run = (command, args) => execute(command, args, token, log, read);
  if (python?.canMakeEnvironments) {
    await makeWithPip(folder, bundle, python, run);
  } else if ((python || !wantedPython()) && (await hasUv())) {
    await makeWithUv(folder, bundle, python, run);
  } else {
    throw new NoPython();
  }
  await fs.writeFile(stampOf(folder), JSON.stringify({ python: python?.version ?? "uv" }));
  log.info(`environment ready: ${folder}`);
}

async function makeWithPip(folder: string, bundle: Bundle, python: Python, run: Run): Promise<void> {
  await run(python.command, [...python.args, "-I", "-m", "venv", folder]);
  const pip = [
    "-I",
    "-m",
    "pip",
    "install",
    "--disable-pip-version-check",
    "--no-input",
    "--progress-bar",
    "off",
  ];
  await run(pythonOf(folder), [...pip, "--require-hashes", "-r", bundle.requirements]);
  await run(pythonOf(folder), [...pip, "--no-deps", bundle.wheel]);
}

async function makeWithUv(
  folder: string,
  bundle: Bundle,
  python: Python | undefined,
  run: Run,
): Promise<void> {
  await run("uv", ["venv", "--no-project", "--python", python?.command ?? ">=3.11", folder]);
  const install = ["pip", "install", "--python", pythonOf(folder)];
  await run("uv", [...install, "--require-hashes", "-r", bundle.requirements]);
  await run("uv", [...install, "--no-deps", bundle.wheel]);
}

function execute(
  command: string,
  args: readonly string[],
  token: vscode.CancellationToken,
  log: vscode.LogOutputChannel,
  read: (line: string) => void,
  timeout?: number,
): Promise<void> {
  if (token.isCancellationRequested) {
    return Promise.reject(new vscode.CancellationError());
  }
  log.info(`$ ${command} ${args.join(" ")}`);
  const { PYTHONHOME: _home, PYTHONPATH: _path, VIRTUAL_ENV: _env, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"], timeout });
    const cancelled = token.onCancellationRequested(() => child.kill());
    let last = "";
    const split = (chunk: Buffer) => {
      for (const line of chunk.toString().split(/\r?\n/)) {
        if (line.trim()) {
          last = line.trim();
          log.info(last);
          read(last);
        }
      }
    };
    child.stdout.on("data", split);
    child.stderr.on("data", split);
    child.on("error", reject);
    child.on("close", (code) => {
      cancelled.dispose();
      if (token.isCancellationRequested) {
        reject(new vscode.CancellationError());
      } else if (code === 0) {
        resolve();
      } else {
        reject(new Error(last || `${command}: ${code}`));
      }
    });
  });
}

/** Takes the lines that pip or uv writes, and says in plain words how far it is. */
async function reader(bundle: Bundle, report: Report): Promise<(line: string) => void> {
  const requirements = await fs.readFile(bundle.requirements, "utf8");
  const wanted = requirements.match(/^[\w.-]+==/gm)?.length ?? 1;
  let begun = 0;
  return (line) => {
    if (line.startsWith("Collecting ")) {
      begun += 1;
      const percent = Math.min(99, Math.round((100 * begun) / wanted));
      report(vscode.l10n.t("downloading, {0} %", percent));
    } else if (line.startsWith("Downloading ") && begun === 0) {
      report(vscode.l10n.t("downloading")); // uv does not name all
    } else if (/^(Installing collected|Prepared |Installed )/.test(line)) {
      report(vscode.l10n.t("installing"));
    }
  };
}

async function readBundle(context: vscode.ExtensionContext): Promise<Bundle> {
  const folder = path.join(context.extensionPath, "server");
  const wheel = (await fs.readdir(folder)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) {
    throw new Error(`no wheel in ${folder}`);
  }
  const files = [path.join(folder, wheel), path.join(folder, "requirements.txt")] as const;
  const hash = createHash("sha256");
  for (const file of files) {
    hash.update(await fs.readFile(file));
  }
  return { wheel: files[0], requirements: files[1], fingerprint: hash.digest("hex").slice(0, 12) };
}

/** Where the environment belongs that `bundle` makes; the folder around it exists. */
async function folderOf(context: vscode.ExtensionContext, bundle: Bundle): Promise<string> {
  const storage = context.globalStorageUri.fsPath;
  await fs.mkdir(storage, { recursive: true });
  return path.join(storage, `env-${bundle.fingerprint}`);
}

/** Marks an environment as complete, and as used today. */
async function isReady(folder: string): Promise<boolean> {
  const now = new Date();
  try {
    await fs.utimes(stampOf(folder), now, now);
    await fs.access(pythonOf(folder));
    return true;
  } catch {
    return false;
  }
}

/** Environments of older versions: windows that were not reloaded yet may still run from them, so not at once. */
async function removeUnused(storage: string, current: string, log: vscode.LogOutputChannel): Promise<void> {
  for (const name of await environments(storage)) {
    const folder = path.join(storage, name);
    const used = await fs.stat(stampOf(folder)).catch(() => fs.stat(folder));
    if (folder !== current && Date.now() - used.mtimeMs > UNUSED_MS) {
      log.info(`removing ${folder}`);
      await fs
        .rm(folder, { recursive: true, force: true })
        .catch((error: unknown) => log.warn(String(error)));
    }
  }
}

async function environments(storage: string): Promise<string[]> {
  const entries = await fs.readdir(storage, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && entry.name.startsWith("env-"))
    .map((entry) => entry.name);
}

function stampOf(folder: string): string {
  return path.join(folder, "ide-agent-ready.json");
}

function pythonOf(folder: string): string {
  return process.platform === "win32"
    ? path.join(folder, "Scripts", "python.exe")
    : path.join(folder, "bin", "python");
}
