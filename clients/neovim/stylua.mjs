// Formats (or with --check compares) the plugin's Lua with StyLua, whose npm package carries it as WebAssembly.
// Usage: node clients/neovim/stylua.mjs [--check]; @johnnymorganz/stylua is looked for in STYLUA_MODULES, then as usual.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(process.env.STYLUA_MODULES ?? here, 'index.js'));
const stylua = require('@johnnymorganz/stylua');

/** The settings of stylua.toml; formatCode takes ownership of them. */
function settings() {
  const config = stylua.Config.new();
  config.column_width = 110;
  config.indent_type = stylua.IndentType.Spaces;
  config.indent_width = 2;
  config.quote_style = stylua.QuoteStyle.AutoPreferSingle;
  return config;
}

const files = readdirSync(here, { recursive: true })
  .map((name) => join(here, name))
  .filter((file) => file.endsWith('.lua') && !file.includes('node_modules') && statSync(file).isFile());

let changed = 0;
for (const file of files) {
  const source = readFileSync(file, 'utf8');
  const formatted = stylua.formatCode(source, settings(), undefined, stylua.OutputVerification.Full);
  if (formatted === source) continue;
  changed += 1;
  console.log(relative(process.cwd(), file));
  if (!process.argv.includes('--check')) writeFileSync(file, formatted);
}
process.exitCode = process.argv.includes('--check') && changed > 0 ? 1 : 0;
