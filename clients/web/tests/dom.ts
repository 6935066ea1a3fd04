// A page to draw on, and the least of what jsdom lacks. Imported first: the components look for it when they load.

import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><body></body>", {
  pretendToBeVisual: true,
  url: "http://127.0.0.1/",
});
// node has some of these, but jsdom takes its own only
const own = new Set(["CustomEvent", "Event", "EventTarget"]);

for (const name of Object.getOwnPropertyNames(window)) {
  if (own.has(name) || !(name in globalThis)) {
    Object.defineProperty(globalThis, name, { value: window[name], configurable: true, writable: true });
  }
}

Object.assign(globalThis, {
  matchMedia: () => new EventTarget(),
  ResizeObserver: class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
});
Object.assign(ElementInternals.prototype, { setFormValue() {}, setValidity() {} });
Object.assign(HTMLDialogElement.prototype, {
  showModal(this: HTMLDialogElement) {
    this.open = true;
  },
  close(this: HTMLDialogElement, value?: string) {
    this.returnValue = value ?? "";
    this.open = false;
    this.dispatchEvent(new Event("close"));
  },
});
