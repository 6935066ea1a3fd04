import { element, setAttribute } from "../dom";
import type { Box } from "../types";
import type { Maker, OfKind } from "../view";

const SOURCE = /^data:image\/(png|jpeg|webp|gif);base64,/;
const SVG = "http://www.w3.org/2000/svg";

export const image: Maker<OfKind<"image">> = () => {
  const picture = element("img");
  const boxes = document.createElementNS(SVG, "svg");
  boxes.setAttribute("aria-hidden", "true"); // the list says what they are
  const labels = element("ul", { class: "unseen" });
  const draw = (found: readonly Box[]) => {
    const { naturalWidth: width, naturalHeight: height } = picture;
    boxes.setAttribute("viewBox", `0 0 ${width} ${height}`);
    boxes.replaceChildren(...found.flatMap((box) => drawn(box, Math.max(width, height))));
  };
  let current: readonly Box[] = [];
  picture.addEventListener("load", () => draw(current));
  return {
    element: element(
      "figure",
      { class: "image" },
      element("div", { class: "frame" }, picture, boxes),
      labels,
    ),
    update(block) {
      current = block.boxes;
      picture.alt = block.alt;
      setAttribute(picture, "src", SOURCE.test(block.source) ? block.source : undefined);
      labels.replaceChildren(...current.map(({ label }) => element("li", {}, label)));
      labels.hidden = current.every(({ label }) => label === "");
      draw(current);
    },
  };
};

/** `extent`: of the image, so that lines and letters look the same on small and on large ones. */
function drawn({ x, y, width, height, label }: Box, extent: number): SVGElement[] {
  const frame = document.createElementNS(SVG, "rect");
  const sizes = { x, y, width, height, "stroke-width": extent / 200 };
  for (const [name, value] of Object.entries(sizes)) {
    frame.setAttribute(name, String(value));
  }
  if (label === "") {
    return [frame];
  }
  const letters = extent / 24;
  const text = document.createElementNS(SVG, "text");
  text.textContent = label;
  text.setAttribute("x", String(x));
  text.setAttribute("y", String(y >= letters * 1.4 ? y - letters * 0.4 : y + letters * 1.2));
  text.setAttribute("font-size", String(letters));
  text.setAttribute("stroke-width", String(letters / 6));
  return [frame, text];
}
