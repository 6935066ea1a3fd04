// Markdown that needs no parser.

/** One line that begins like a sentence, without anything that Markdown could take for more than text. */
const PLAIN = /^[\p{L}\p{N}“"](?:[^\\`*_[\]<>&~|\n]|\\[!-/:-@[-`{-~])*$/u;
/** How a list begins, such as `1.` */
const NUMBERED = /^\d+[.)](?:\s|$)/;

/** The text that `markdown` shows as one paragraph; undefined where that needs a parser. */
export function plainOf(markdown: string): string | undefined {
  const text = markdown.trimEnd();
  if (!PLAIN.test(text) || NUMBERED.test(text)) {
    return undefined;
  }
  return text.replace(/\\([!-/:-@[-`{-~])/g, "$1");
}
