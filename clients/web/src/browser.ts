// A panel as a page of the host: /panels/{name}/page?language=en#secret

import "./browser.css";
import { Host, Refusal } from "./host";
import { Live } from "./live";
import { memoryOf } from "./memory";
import { Panel } from "./panel";
import { wordsOf } from "./words";

async function main(root: HTMLElement): Promise<void> {
  const name = location.pathname.split("/").at(-2) ?? "";
  const language = new URLSearchParams(location.search).get("language") ?? "en";
  const words = wordsOf(language);
  const once = location.hash.slice(1);
  // Whoever looks at the address bar, or at a bookmark, has no use for the secret.
  history.replaceState(null, "", location.pathname + location.search);
  const host = new Host(name, language, sessionStorage);
  const live = new Live(host, words);
  const panel = new Panel(root, live, memory(`panel ${name}`), language);
  panel.notices.connected(words.connecting);
  if (once !== "") {
    try {
      await host.enter(once);
    } catch (error) {
      if (error instanceof Refusal) {
        panel.notices.connected("");
        panel.notices.failed(words.gone);
        return;
      }
      // The host is gone for the moment; a session of before may still do.
    }
  }
  await live.follow(panel);
}

function memory(key: string) {
  const content = JSON.parse(sessionStorage.getItem(key) ?? "{}") as Record<string, unknown>;
  return memoryOf(content, (all) => sessionStorage.setItem(key, JSON.stringify(all)));
}

const root = document.querySelector<HTMLElement>("main");
if (root) {
  void main(root);
}
