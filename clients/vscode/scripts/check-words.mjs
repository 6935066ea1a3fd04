// Every text a person reads stands in English and in Turkish, and none is left over.

import { readdirSync, readFileSync } from "node:fs";

const json = (file) => JSON.parse(readFileSync(file, "utf8"));
const problems = [];

function compare(wanted, found, where) {
  for (const key of wanted) {
    if (!found.has(key)) problems.push(`${where}: missing: ${key}`);
  }
  for (const key of found) {
    if (!wanted.has(key)) problems.push(`${where}: left over: ${key}`);
  }
}

const manifest = readFileSync("package.json", "utf8");
const named = new Set([...manifest.matchAll(/"%([\w.]+)%"/g)].map((match) => match[1]));
for (const file of ["package.nls.json", "package.nls.tr.json"]) {
  compare(named, new Set(Object.keys(json(file))), file);
}

const sources = readdirSync("src").map((name) => readFileSync(`src/${name}`, "utf8"));
const calls = sources.flatMap((text) => [...text.matchAll(/l10n\.t\(\s*"((?:[^"\\]|\\.)*)"/g)]);
const spoken = new Set(calls.map((match) => match[1]));
compare(spoken, new Set(Object.keys(json("l10n/bundle.l10n.tr.json"))), "l10n/bundle.l10n.tr.json");

if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
