// A panel in a webview of VS Code. The extension keeps its state; this page may go and come at any time.

import type { Answer, FromPage, Kept, ToPage } from "./bridge";
import "./panel.css";
import { memoryOf } from "./memory";
import { type Channel, Panel } from "./panel";
import type { PanelEvent } from "./types";
import { wordsOf } from "./words";

declare function acquireVsCodeApi(): {
  postMessage(message: FromPage): void;
  getState(): Kept | undefined;
  setState(state: Kept): void;
};

type Answered = Extract<ToPage, { type: "answer" }>;

interface Asked {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

class Extension implements Channel {
  private readonly asked = new Map<number, Asked>();
  /** A page before this one may still be answered. */
  private last = Math.floor(Math.random() * 2 ** 40);

  constructor(private readonly post: (message: FromPage) => void) {}

  act(event: PanelEvent): Promise<Answer> {
    this.last += 1;
    const id = this.last;
    this.post({ type: "event", id, event });
    return new Promise((resolve, reject) => this.asked.set(id, { resolve, reject }));
  }

  again(): void {
    this.post({ type: "again" });
  }

  answered({ id, failed, ...answer }: Omit<Answered, "type">): void {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    if (failed) {
      asked?.reject(new Error(answer.message));
    } else {
      asked?.resolve(answer);
    }
  }
}

function main(root: HTMLElement): void {
  const vscode = acquireVsCodeApi();
  const { panel: name, language = "en" } = root.dataset;
  const keep = (memory: object) => vscode.setState({ ...(name && { panel: name }), memory: { ...memory } });
  const kept = vscode.getState()?.memory ?? {};
  const memory = memoryOf(kept, keep);
  keep(kept);
  const extension = new Extension((message) => vscode.postMessage(message));
  const panel = new Panel(root, extension, memory, language);
  panel.notices.connected(wordsOf(language).connecting);
  addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
    switch (data.type) {
      case "show":
        panel.notices.connected("");
        return panel.show(data.panel);
      case "patch":
        return panel.patch(data.patch);
      case "answer":
        return extension.answered(data);
      case "failed":
        panel.notices.connected("");
        return panel.notices.failed(data.message);
    }
  });
  vscode.postMessage({ type: "ready" });
}

const root = document.querySelector<HTMLElement>("main");
if (root) {
  main(root);
}
