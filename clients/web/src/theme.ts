// Colours of the theme: VS Code's variables; in the browser theme.css defines the same ones.

const QUERIES = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"];

/** The value of a CSS variable as it is now. */
export function colour(name: string): string {
  return getComputedStyle(document.body).getPropertyValue(name).trim();
}

/** Call `changed` whenever the theme may be another; returns what ends that. */
export function onThemeChange(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  for (const target of [document.documentElement, document.body]) {
    observer.observe(target, { attributes: true, attributeFilter: ["class", "style"] });
  }
  const queries = QUERIES.map((query) => matchMedia(query));
  for (const query of queries) {
    query.addEventListener("change", changed);
  }
  return () => {
    observer.disconnect();
    for (const query of queries) {
      query.removeEventListener("change", changed);
    }
  };
}
