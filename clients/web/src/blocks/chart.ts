import type UPlot from "uplot";
import { element, setAttribute, setText } from "../dom";
import { Later } from "../later";
import { colour, onThemeChange } from "../theme";
import type { Maker, OfKind } from "../view";
import type { Words } from "../words";

const HEIGHT = 240;
const COLOURS = ["blue", "orange", "green", "purple", "red", "yellow"].map(
  (name) => `--vscode-charts-${name}`,
);

const drawing = new Later(() => import("../plot"));

export const chart: Maker<OfKind<"chart">> = (_block, { words }) => {
  const title = element("h2");
  const box = element("div", { class: "plot", role: "img" });
  const whole = element("div", { class: "chart" }, title, box);
  let plot: UPlot | undefined;
  let made = "";
  let newest: OfKind<"chart"> | undefined;
  const fit = () => {
    if (plot && box.clientWidth > 0 && box.clientWidth !== plot.width) {
      plot.setSize({ width: box.clientWidth, height: HEIGHT });
    }
  };
  const sizes = new ResizeObserver(fit);
  sizes.observe(box);
  const unlisten = onThemeChange(() => plot?.redraw(false));
  return {
    element: whole,
    update(block) {
      setText(title, block.title);
      title.hidden = block.title === "";
      setAttribute(box, "aria-label", inWords(block, words));
      newest = block;
      drawing.with(({ UPlot, aligned }) => {
        if (newest !== block) {
          return;
        }
        const data = aligned(block.series);
        const wanted = JSON.stringify([block.series.map(({ label }) => label), block.x_label, block.y_label]);
        if (plot && wanted === made) {
          plot.setData(data);
        } else {
          made = wanted;
          plot?.destroy();
          plot = new UPlot(options(block, box.clientWidth || 600), data, box);
        }
      });
    },
    dispose() {
      newest = undefined;
      sizes.disconnect();
      unlisten();
      plot?.destroy();
    },
  };
};

/** What the chart shows, for those who cannot see it. */
export function inWords({ title, series }: OfKind<"chart">, words: Words): string {
  const lines = series.map(({ label, points }) => {
    const last = points.at(-1);
    return `${label}: ${points.length} ${words.points}${last ? `, ${words.last} ${last[1]}` : ""}`;
  });
  return [title || words.chart, ...lines].join(". ");
}

function options({ series, x_label, y_label }: OfKind<"chart">, width: number): UPlot.Options {
  const ink = () => colour("--vscode-foreground");
  const axis = (label: string): UPlot.Axis => ({
    ...(label && { label, labelSize: 24 }),
    stroke: ink,
    font: "12px sans-serif",
    labelFont: "12px sans-serif",
    grid: { stroke: () => colour("--panel-line"), width: 1 },
    ticks: { stroke: () => colour("--panel-line"), width: 1 },
  });
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: false } },
    axes: [axis(x_label), { ...axis(y_label), size: 56 }],
    series: [
      { label: x_label || "x", value: hovered },
      ...series.map(({ label, points }, at) => ({
        label,
        value: hovered,
        stroke: () => colour(COLOURS[at % COLOURS.length] ?? "") || ink(),
        // lines must not differ by colour alone
        dash: at === 0 ? [] : [4 + 4 * at, 4],
        width: 2,
        spanGaps: true,
        points: { show: points.length < 2 },
      })),
    ],
    cursor: { drag: { x: false, y: false } },
  };
}

/** What the legend says: the value under the mouse, else the last one. */
function hovered({ data }: UPlot, value: number | null, at: number): string {
  const said = value ?? [...(data[at] ?? [])].findLast((each) => each != null);
  return said == null ? "" : String(Number(said.toPrecision(6)));
}
