// Bundles the renderer twice: for browsers into the server, which serves it as its page, and for VS Code's webview.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as esbuild from "esbuild";

const PAGE = "../../server/ide_agent/panels/page";
const WEBVIEW = "../vscode/out";

const options = {
  bundle: true,
  format: "iife",
  target: ["chrome120", "firefox121", "safari17"],
  minify: !process.argv.includes("--watch"),
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};
const builds = [
  // One file: what came later could come from another program that has the port by then.
  { ...options, format: "esm", entryPoints: ["src/browser.ts"], outfile: `${PAGE}/panel.js` },
  { ...options, entryPoints: ["src/webview.ts"], outfile: `${WEBVIEW}/panel.js` },
];

if (process.argv.includes("--watch")) {
  for (const build of builds) {
    await (await esbuild.context(build)).watch();
  }
} else {
  for (const build of builds) {
    const folder = dirname(build.outfile);
    const { metafile } = await esbuild.build(build);
    writeFileSync(`${folder}/panel.licenses.txt`, licenses(Object.keys(metafile.inputs)));
  }
}

/** The licences of the packages that went in, which must go where they go. */
function licenses(inputs) {
  const folders = inputs.flatMap((file) => file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []);
  const texts = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    return `${name} ${version} (${license})\n\n${licenseOf(folder).trim()}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

function licenseOf(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) {
    throw new Error(`${folder} has no licence`);
  }
  return readFileSync(`${folder}/${file}`, "utf8");
}
