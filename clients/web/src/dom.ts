// Making elements. Text goes in as text, never as HTML.

type Child = Node | string;

/** An element with these attributes; an attribute that is undefined is left out. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | undefined> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    setAttribute(made, name, value);
  }
  made.append(...children);
  return made;
}

/** Set, change or (undefined) take away an attribute. */
export function setAttribute(target: Element, name: string, value: string | undefined): void {
  if (value === undefined) {
    target.removeAttribute(name);
  } else if (target.getAttribute(name) !== value) {
    target.setAttribute(name, value);
  }
}

/** Make `text` the text of `target`; what has it already stays, and so does what is selected in it. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

/** Make `wanted` the children of `parent`, in this order, moving as few as need be; the focus stays. */
export function arrange(parent: Element, wanted: readonly Element[]): void {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) {
    if (!keep.has(child)) {
      child.remove();
    }
  }
  const focused = document.activeElement;
  let at = parent.firstElementChild;
  for (const child of wanted) {
    if (child === at) {
      at = at.nextElementSibling;
    } else {
      parent.insertBefore(child, at);
    }
  }
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

/** Add to the text of `target` where `text` starts with what is there; else put `text` in its place. */
export function growText(target: Element, text: string): void {
  const node = target.firstChild;
  if (node instanceof Text && node.length > 0 && text.startsWith(node.data)) {
    if (text.length > node.length) {
      node.appendData(text.slice(node.length));
    }
  } else {
    setText(target, text);
  }
}
