// Every kind of block and what draws it.

import type { Block } from "../store";
import type { Context, Maker, OfKind, View } from "../view";
import { actions } from "./actions";
import { chart } from "./chart";
import { diff } from "./diff";
import { form } from "./form";
import { image } from "./image";
import { progress } from "./progress";
import { table } from "./table";
import { code, log, text } from "./text";

const MAKERS: { readonly [K in Block["kind"]]: Maker<OfKind<K>> } = {
  text,
  code,
  diff,
  table,
  form,
  progress,
  chart,
  image,
  log,
  actions,
};

/** A view of `block`, empty until its first update; undefined for a kind that a newer server has. */
export function viewOf(block: Block, context: Context): View | undefined {
  const make = MAKERS[block.kind] as Maker<Block> | undefined;
  return make?.(block, context);
}
