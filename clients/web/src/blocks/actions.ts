import { Buttons } from "../buttons";
import type { Maker, OfKind } from "../view";

export const actions: Maker<OfKind<"actions">> = (first, context) => {
  const buttons = new Buttons(context, { block: first.id });
  return { element: buttons.element, update: (block) => buttons.update(block.actions) };
};
