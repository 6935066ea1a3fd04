// Finding a Python to make our own environment with.

import { spawn } from "node:child_process";
import * as vscode from "vscode";

export interface Python {
  readonly command: string;
  readonly args: readonly string[];
  readonly version: string;
  /** False on Debian without python3-venv. */
  readonly canMakeEnvironments: boolean;
}

const OLDEST = [3, 11] as const;
const CANDIDATES: readonly (readonly string[])[] = [
  ["python3"],
  ["python"],
  ...(process.platform === "win32" ? [["py", "-3"]] : []),
  ["python3.13"],
  ["python3.12"],
  ["python3.11"],
  ["python3.14"],
];
const PROBE =
  "import sys, json, importlib.util as u;" +
  "print(json.dumps([list(sys.version_info[:3]), bool(u.find_spec('venv') and u.find_spec('ensurepip'))]))";

/** The Python that the user set; empty when it is ours to find. */
export function wantedPython(): string {
  return vscode.workspace.getConfiguration("ideAgent").get<string>("python", "").trim();
}

/** The user's Python, or the first on the PATH that is new enough; one that can make environments wins. */
export async function findPython(): Promise<Python | undefined> {
  const wanted = wantedPython();
  let second: Python | undefined;
  for (const [command = "", ...args] of wanted ? [[wanted]] : CANDIDATES) {
    const python = await probe(command, args);
    if (python?.canMakeEnvironments) {
      return python;
    }
    second ??= python;
  }
  return second;
}

/** Whether uv is on the PATH. */
export async function hasUv(): Promise<boolean> {
  return (await output("uv", ["--version"])) !== undefined;
}

async function probe(command: string, args: readonly string[]): Promise<Python | undefined> {
  const text = await output(command, [...args, "-I", "-c", PROBE]);
  if (text === undefined) {
    return undefined;
  }
  try {
    const [version, canMakeEnvironments] = JSON.parse(text) as [[number, number, number], boolean];
    const [major, minor] = version;
    const isNewEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
    return isNewEnough ? { command, args, version: version.join("."), canMakeEnvironments } : undefined;
  } catch {
    return undefined;
  }
}

/** What the program prints, or undefined when it is missing, fails, or does not answer (a store stub on Windows). */
function output(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"], timeout: 10_000 });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.on("error", () => resolve(undefined));
    child.on("close", (code) => resolve(code === 0 ? text : undefined));
  });
}
