import "./dom";
import assert from "node:assert/strict";
import { test } from "node:test";
import { inWords } from "../src/blocks/chart";
import { aligned } from "../src/plot";
import { wordsOf } from "../src/words";

test("series share one x; what one has no point for is empty there", () => {
  const series = [
    {
      label: "a",
      points: [
        [2, 20],
        [1, 10],
      ] as [number, number][],
    },
    {
      label: "b",
      points: [
        [2, 5],
        [3, 6],
      ] as [number, number][],
    },
  ];
  const [x, a, b] = aligned(series);
  assert.deepEqual([...(x ?? [])], [1, 2, 3]);
  assert.deepEqual(
    [...(a ?? [])].map((y) => y ?? null),
    [10, 20, null],
  );
  assert.deepEqual(
    [...(b ?? [])].map((y) => y ?? null),
    [null, 5, 6],
  );
  assert.deepEqual(aligned([]), [[]]);
});

test("a chart says what it shows", () => {
  const chart = {
    ...{ kind: "chart" as const, id: "c", title: "", x_label: "", y_label: "" },
    series: [
      {
        label: "loss",
        points: [
          [1, 2],
          [2, 1.5],
        ] as [number, number][],
      },
      { label: "none", points: [] },
    ],
  };
  assert.equal(inWords(chart, wordsOf("en")), "Chart. loss: 2 points, last value 1.5. none: 0 points");
});
