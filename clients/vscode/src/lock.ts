// One window at a time: two that start together must not make the same environment twice.

import { randomUUID } from "node:crypto";
import * as fs from "node:fs/promises";
import * as vscode from "vscode";

const BEAT_MS = 1000;
const POLL_MS = 500;
/** A lock that did not change for so many looks at it has no owner any more. Looks, not time: a machine may sleep. */
const LOOKS = 20;

/**
 * Run `work` while `file` is ours.
 *
 * @param waiting called once when somebody else has it.
 * @throws vscode.CancellationError, or what `work` throws.
 */
export async function withLock(
  file: string,
  token: vscode.CancellationToken,
  waiting: () => void,
  work: () => Promise<void>,
): Promise<void> {
  const id = randomUUID();
  let last: string | undefined;
  let looks = 0;
  while (!(await take(file, id))) {
    if (token.isCancellationRequested) {
      throw new vscode.CancellationError();
    }
    if (last === undefined) {
      waiting();
    }
    const seen = await look(file);
    looks = seen === last ? looks + 1 : 0;
    last = seen;
    if (looks >= LOOKS) {
      await remove(file, seen);
      looks = 0;
    } else {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  const beat = setInterval(() => void touch(file), BEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(beat);
    if ((await fs.readFile(file, "utf8").catch(() => "")) === id) {
      await fs.rm(file, { force: true });
    }
  }
}

async function take(file: string, id: string): Promise<boolean> {
  try {
    await fs.writeFile(file, id, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw error;
    }
    return false;
  }
}

async function touch(file: string): Promise<void> {
  const now = new Date();
  await fs.utimes(file, now, now).catch(() => undefined);
}

/** Owner and heartbeat; empty when the lock is gone. */
async function look(file: string): Promise<string> {
  try {
    const [owner, { mtimeMs }] = await Promise.all([fs.readFile(file, "utf8"), fs.stat(file)]);
    return `${owner} ${mtimeMs}`;
  } catch {
    return "";
  }
}

/** Take the lock away that looks like `seen`. It is moved first: another window may have taken it over just now. */
async function remove(file: string, seen: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await fs.rename(file, aside);
  } catch {
    return;
  }
  if ((await look(aside)) !== seen) {
    await fs.link(aside, file).catch(() => undefined);
  }
  await fs.rm(aside, { force: true });
}
