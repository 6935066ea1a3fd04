// What draws charts, and what it wants to be given.

import UPlot from "uplot";
import type { Series } from "./types";

export { UPlot };

/** All series over one x: what a series has no point for is null there. */
export function aligned(series: readonly Series[]): UPlot.AlignedData {
  const tables = series.map(({ points }): UPlot.AlignedData => {
    const inOrder = [...points].sort(([a], [b]) => a - b);
    return [inOrder.map(([x]) => x), inOrder.map(([, y]) => y)];
  });
  return tables.length === 0 ? [[]] : UPlot.join(tables);
}
