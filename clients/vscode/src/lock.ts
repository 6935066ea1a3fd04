// One window at a time: two that start together must not make the same environment twice.

import * as fs from "node:fs/promises";
import * as vscode from "vscode";

const RETRY_MS = 500;

/** Run `work` while `file` is ours; a lock whose owner is gone is taken over. */
export async function withLock(
  file: string,
  token: vscode.CancellationToken,
  work: () => Promise<void>,
): Promise<void> {
  while (!(await take(file))) {
    if (token.isCancellationRequested) {
      throw new vscode.CancellationError();
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  try {
    await work();
  } finally {
    await fs.rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    await fs.writeFile(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw error;
    }
  }
  const owner = Number.parseInt(await fs.readFile(file, "utf8").catch(() => ""), 10);
  if (!Number.isNaN(owner) && !isAlive(owner)) {
    await fs.rm(file, { force: true });
  }
  return false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
