// A panel on the page. What changes is drawn once a frame, however many patches come in between.

import { viewOf } from "./blocks";
import type { Answer } from "./bridge";
import { confirmed } from "./dialog";
import { arrange, element, setText } from "./dom";
import { keepFocus } from "./focus";
import { Notices } from "./notices";
import { Reveal } from "./reveal";
import { type Block, PanelStore } from "./store";
import type { Action, PanelEvent, PanelPatch, PanelState } from "./types";
import type { Context, Memory, Origin, View } from "./view";
import { wordsOf } from "./words";

/** The way to the server. */
export interface Channel {
  /** Send what a person did; what to tell. An error's message is shown. */
  act(event: PanelEvent): Promise<Answer>;
  /** Ask for the whole panel: a patch is missing. */
  again(): void;
}

interface Drawn {
  readonly view: View;
  block: Block;
}

export class Panel {
  readonly notices: Notices;
  private readonly title = element("h1", { tabindex: "-1" });
  private readonly body = element("div", { class: "blocks" });
  private readonly store = new PanelStore();
  private readonly drawn = new Map<string, Drawn>();
  /** New ones get what they show when they stand on the page: some must know their size. */
  private readonly late = new Map<Block, Drawn>();
  private readonly acting = new Set<string>();
  private readonly reveal = new Reveal();
  private context: Context;
  private isScheduled = false;
  private isDrawn = false;

  /** `language`: of what is said before the first panel is there. */
  constructor(
    root: HTMLElement,
    private readonly channel: Channel,
    private readonly memory: Memory,
    private language: string,
  ) {
    this.context = this.contextIn(language);
    this.notices = new Notices(this.context.words);
    root.replaceChildren(element("header", {}, this.title), this.body, this.notices.element);
    this.title.hidden = true;
    document.documentElement.lang = language;
    document.addEventListener("scrollend", () => this.memory.set("scroll", scrollY));
  }

  show(panel: PanelState): void {
    this.store.show(panel);
    if (this.isDrawn) {
      this.schedule();
    } else {
      this.draw(); // nothing is there that a frame could be spared for
    }
  }

  patch(patch: PanelPatch): void {
    if (this.store.patch(patch)) {
      this.schedule();
    } else {
      this.channel.again();
    }
  }

  private schedule(): void {
    if (!this.isScheduled) {
      this.isScheduled = true;
      requestAnimationFrame(() => {
        this.isScheduled = false;
        this.draw();
      });
    }
  }

  private draw(): void {
    const state = this.store.state;
    if (!state) {
      return;
    }
    if (state.language !== this.language) {
      this.speak(state.language);
    }
    setText(this.title, state.title);
    this.title.hidden = false;
    document.title = state.title;
    keepFocus(this.body, this.title, () => this.drawBlocks(state.blocks));
    this.body.dataset.revision = String(state.revision);
    const scrolled = this.memory.get("scroll");
    if (!this.isDrawn && typeof scrolled === "number") {
      scrollTo({ top: scrolled });
    }
    this.isDrawn = true;
    const added = this.reveal.found(state.blocks);
    if (added) {
      // the focus may move first, and the page with it
      requestAnimationFrame(() =>
        this.drawn.get(added.id)?.view.element.scrollIntoView({ block: "nearest" }),
      );
    }
  }

  private drawBlocks(blocks: readonly Block[]): void {
    this.dropGone(new Map(blocks.map((block) => [block.id, block])));
    const elements = blocks.flatMap((block) => this.drawBlock(block));
    arrange(this.body, elements);
    for (const [block, { view }] of this.late) {
      view.update(block);
    }
    this.late.clear();
  }

  private drawBlock(block: Block): HTMLElement[] {
    const known = this.drawn.get(block.id);
    if (known) {
      if (known.block !== block) {
        known.block = block;
        known.view.update(block);
      }
      return [known.view.element];
    }
    const view = viewOf(block, this.context);
    if (!view) {
      return [];
    }
    view.element.classList.add("block");
    const one = { view, block };
    this.drawn.set(block.id, one);
    this.late.set(block, one);
    return [view.element];
  }

  private dropGone(blocks: ReadonlyMap<string, Block>): void {
    for (const [id, { view, block }] of this.drawn) {
      if (blocks.get(id)?.kind !== block.kind) {
        this.drawn.delete(id);
        view.element.remove();
        view.dispose?.();
      }
    }
  }

  private speak(language: string): void {
    this.language = language;
    this.context = this.contextIn(language);
    this.notices.words = this.context.words;
    document.documentElement.lang = language;
    this.dropGone(new Map());
  }

  private contextIn(language: string): Context {
    const words = wordsOf(language);
    return { words, memory: this.memory, act: (...asked) => this.act(...asked) };
  }

  private async act(action: Action, origin: Origin, values: Record<string, unknown> = {}): Promise<boolean> {
    const { block, row = "" } = origin;
    const key = JSON.stringify([block, row, action.name, action.args]);
    if (this.acting.has(key)) {
      return false;
    }
    this.acting.add(key);
    let answered: ((done: boolean) => void) | undefined;
    let isDone = false;
    try {
      if (action.confirm && !(await confirmed(action, this.context.words))) {
        return false;
      }
      answered = this.reveal.expect(this.store.state?.blocks ?? []);
      this.notices.answered(
        await this.channel.act({ action: action.name, block, row, args: action.args, values }),
      );
      isDone = true;
      return true;
    } catch (error) {
      this.notices.failed(error instanceof Error ? error.message : String(error));
      return false;
    } finally {
      this.acting.delete(key);
      answered?.(isDone);
    }
  }
}
