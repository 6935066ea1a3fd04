// Runs tests/*.test.ts in node, bundled first: the sources import each other as a bundler resolves them.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import * as esbuild from "esbuild";

mkdirSync("out", { recursive: true });
const folder = mkdtempSync("out/tests-");
try {
  const tests = readdirSync("tests").filter((name) => name.endsWith(".test.ts"));
  await esbuild.build({
    entryPoints: tests.map((name) => `tests/${name}`),
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "node",
    external: ["jsdom"],
    outExtension: { ".js": ".mjs" },
    sourcemap: "inline",
    logLevel: "warning",
  });
  const files = tests.map((name) => `${folder}/${name.replace(/ts$/, "mjs")}`);
  const flags = ["--enable-source-maps", "--test", "--test-reporter=dot"];
  process.exitCode = spawnSync(process.execPath, [...flags, ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
