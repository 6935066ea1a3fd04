// A panel on a page, and what came out of it.

import "./dom";
import type { Answer } from "../src/bridge";
import { Panel } from "../src/panel";
import type { Block } from "../src/store";
import type { Action, FormField, PanelEvent, PanelPatch } from "../src/types";

type Op = PanelPatch["ops"][number];

/** The next drawing is done. */
export function frame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}

export class Shown {
  readonly root = document.createElement("main");
  readonly events: PanelEvent[] = [];
  readonly remembered = new Map<string, unknown>();
  asked = 0;
  level: Answer["level"] = "info";
  answer: () => Promise<string> = async () => "";
  readonly panel: Panel;
  private revision = 0;

  constructor(remembered: Iterable<[string, unknown]> = []) {
    this.remembered = new Map(remembered);
    document.body.replaceChildren(this.root);
    const act = async (event: PanelEvent) => {
      this.events.push(event);
      const message = await this.answer();
      return { message, ...(this.level && { level: this.level }) };
    };
    const again = () => {
      this.asked += 1;
    };
    const memory = {
      get: (key: string) => this.remembered.get(key),
      set: (key: string, value: unknown) => {
        this.remembered.set(key, value);
      },
    };
    this.panel = new Panel(this.root, { act, again }, memory, "en");
  }

  async show(...blocks: Block[]): Promise<void> {
    await this.showIn("en", ...blocks);
  }

  async showIn(language: string, ...blocks: Block[]): Promise<void> {
    this.panel.show({ id: "p@en", title: "P", language, revision: this.revision, blocks });
    await frame();
  }

  async patch(...ops: Op[]): Promise<void> {
    this.revision += 1;
    this.panel.patch({ id: "p@en", revision: this.revision, ops });
    await frame();
  }

  find<E extends HTMLElement = HTMLElement>(selector: string): E {
    const found = this.root.querySelector<E>(selector);
    if (!found) {
      throw new Error(`no ${selector} in ${this.root.innerHTML}`);
    }
    return found;
  }

  all(selector: string): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>(selector)];
  }

  texts(selector: string): string[] {
    return this.all(selector).map((each) => each.textContent ?? "");
  }
}

export function action(name: string, more: Partial<Action> = {}): Action {
  return { name, label: name, style: "normal", confirm: "", args: {}, enabled: true, ...more };
}

export function field(name: string, more: Partial<FormField> = {}): FormField {
  return { name, label: name, kind: "text", value: "", choices: [], hint: "", required: false, ...more };
}

export function set(block: Block, before = ""): Op {
  return { op: "set", block, before };
}
