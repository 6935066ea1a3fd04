// Writes src/types.ts from panel.schema.json; with --check it fails when that would change it.

import { readFileSync, writeFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const FILE = "src/types.ts";
const NOTE = "// Written by scripts/types.mjs (`make reference`) from panel.schema.json.";

/** The compiler knows tuples as older drafts spell them, and JSON values by their TypeScript type only. */
function older(value) {
  if (Array.isArray(value)) return value.map(older);
  if (value === null || typeof value !== "object") return value;
  const { prefixItems, ...rest } = value;
  const entries = Object.entries(rest).map(([key, inner]) => [key, older(inner)]);
  return { ...Object.fromEntries(entries), ...(prefixItems && { items: older(prefixItems) }) };
}

const schema = older(JSON.parse(readFileSync("panel.schema.json", "utf8")));
const types = await compile(schema, "Panels", { bannerComment: NOTE, style: { printWidth: 110 } });
if (!process.argv.includes("--check")) {
  writeFileSync(FILE, types);
} else if (readFileSync(FILE, "utf8") !== types) {
  console.error(`${FILE} is not what panel.schema.json says: run \`make reference\``);
  process.exit(1);
}
