// Builds dist/ide-agent-<version>.vsix: the bundle, the renderer of panels, the server's wheel and its hash-pinned
// requirements. Offline.
// PYTHON names the Python that has hatchling; without it the repository's .venv, then python3.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

const here = path.resolve(import.meta.dirname, "..");
const root = path.resolve(here, "../..");
process.chdir(here);

function run(command, ...args) {
  execFileSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
}

function python() {
  const own = ["bin/python", "Scripts/python.exe"].map((name) => path.join(root, ".venv", name));
  return process.env.PYTHON ?? own.find(existsSync) ?? "python3";
}

// The renderer of panels goes into the wheel, for browsers, and beside the bundle, for webviews.
execFileSync("node", ["scripts/build.mjs"], { cwd: path.join(root, "clients/web"), stdio: "inherit" });

rmSync("server", { recursive: true, force: true });
mkdirSync("server");
mkdirSync("dist", { recursive: true });
execFileSync(python(), ["-m", "hatchling", "build", "-t", "wheel", "-d", path.join(here, "server")], {
  cwd: root,
  stdio: "inherit",
});
copyFileSync(path.join(root, "requirements/runtime.txt"), "server/requirements.txt");
copyFileSync(path.join(root, "LICENSE"), "LICENSE");

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const [wheel] = readdirSync("server").filter((name) => name.endsWith(".whl"));
if (!wheel?.startsWith(`ide_agent-${version}-`)) {
  console.error(`package.json says ${version}, the wheel is ${wheel}`);
  process.exit(1);
}
run("node", "scripts/build.mjs", "--minify");
run(
  "npx",
  "vsce",
  "package",
  "--no-dependencies",
  "--allow-missing-repository",
  "--out",
  `dist/ide-agent-${version}.vsix`,
);
