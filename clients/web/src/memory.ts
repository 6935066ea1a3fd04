// What was typed and how far was scrolled, for as long as the tab lives.

import type { Memory } from "./view";

/** One that is kept as a whole: `keep` is called with all of it after each change. */
export function memoryOf(content: Record<string, unknown>, keep: (content: object) => void): Memory {
  return {
    get: (key) => content[key],
    set(key, value) {
      if (value === undefined) {
        delete content[key];
      } else {
        content[key] = value;
      }
      keep(content);
    },
  };
}
