// The focus when what had it is taken away or can no longer be pressed: it goes to what stands in its place.

const FOCUSABLE =
  "vscode-button, vscode-textfield, vscode-textarea, vscode-checkbox, select, button, a[href], [tabindex='0']";

/**
 * Call `draw`, which changes the blocks in `root`. Where nothing came in the place of what had the focus, or below it,
 * `heading` gets it: a button of another block would do something else when Enter is pressed once more.
 */
export function keepFocus(root: HTMLElement, heading: HTMLElement, draw: () => void): void {
  const had = document.activeElement;
  if (!(had instanceof HTMLElement) || had === root || !root.contains(had)) {
    draw();
    return;
  }
  const group = had.closest(".buttons");
  const row = had.closest("tr");
  const rows = row?.parentElement;
  const blocks = new Set(root.children);
  const block = [...blocks].find((each) => each.contains(had));
  const before = block ? focusable(block) : [];
  const [inGroup, inRows, inBlock] = [indexOf(group, had), indexOf(rows, row), before.indexOf(had)];
  const place = block ? [...blocks].indexOf(block) : -1;
  const isShown = had.matches(":focus-visible");
  draw();
  if (isUsable(had)) {
    return;
  }
  const beside = group?.isConnected ? around(focusable(group), inGroup) : [];
  const next =
    rows?.isConnected && !row?.isConnected ? (rows.children[inRows] ?? rows.lastElementChild) : null;
  const below = next ? focusable(next) : [];
  const alike = below.filter((each) => each.textContent === had.textContent);
  const after = block && !block.isConnected ? [...root.children].slice(place) : [];
  const inPlace = after.filter((each) => !blocks.has(each)).flatMap(focusable);
  const candidates = [...beside, ...alike, ...below, ...around(before, inBlock), ...inPlace];
  const found = candidates.find(isUsable) ?? heading;
  // One that was just made cannot have the focus before it is drawn.
  const drawn = "updateComplete" in found ? found.updateComplete : undefined;
  found.focus({ preventScroll: !isShown });
  void Promise.resolve(drawn).then(() => found.focus({ preventScroll: !isShown }));
}

function focusable(inside: Element): HTMLElement[] {
  return [...inside.querySelectorAll<HTMLElement>(FOCUSABLE)];
}

function indexOf(parent: Element | null | undefined, child: Element | null): number {
  return parent && child ? [...parent.children].indexOf(child) : -1;
}

/** What stands at `index` and after it, then what stands before it, the nearest first. */
function around(all: readonly HTMLElement[], index: number): HTMLElement[] {
  return [...all.slice(index), ...all.slice(0, index).reverse()];
}

function isUsable(target: HTMLElement): boolean {
  const isDisabled = "disabled" in target && target.disabled === true;
  return target.isConnected && !isDisabled && target.closest("[hidden]") === null;
}
