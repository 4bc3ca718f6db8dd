// Pointing without a pointer: with no object in hand the arrow keys move a crosshair over the photo, and a key presses there.

import { layerAt } from "../canvas/hit.js";
import { viewToPhoto } from "../canvas/view.js";

const STEP = 8; // CSS pixels for each pixel of a nudge
const ARM = 16; // CSS pixels from the middle

export class Crosshair {
  #at = null; // CSS point of the canvas; null while it is not shown

  /** click(at, event): a press on the photo; choose(layer id); ready(): whether there is something to point at. */
  constructor({ stage, doc, selection, click, choose, ready }) {
    Object.assign(this, { stage, doc, selection, click, choose, ready });
    stage.overlays.push((context) => this.#at && drawCross(context, this.#at));
    stage.canvas.addEventListener("pointerdown", () => (this.#at = null));
  }

  /** Move by a nudge's pixels; from the middle at first. False when the keys are for something else. */
  move(dx, dy) {
    if (!this.#mine() || this.doc.layer) return false;
    const { width, height } = this.stage.size;
    const [x, y] = this.#at ?? [width / 2, height / 2];
    this.#at = [within(x + STEP * dx, width), within(y + STEP * dy, height)];
    this.stage.refresh();
    return true;
  }

  /** As a click there: takes a layer in hand, selects, adds to the selection, or (not `include`) leaves a part out. */
  press(include = true) {
    if (!this.#mine() || !this.#at) return false;
    const at = viewToPhoto(this.stage.view, this.#at);
    const layer = this.stage.source || this.selection.active ? null : layerAt(this.doc.state, at);
    if (layer) this.choose(layer.id);
    else this.click(at, { pointerType: "mouse", shiftKey: !include });
    return true;
  }

  #mine() {
    const { activeElement } = document;
    return this.ready() && (activeElement === this.stage.canvas || activeElement === document.body);
  }
}

const within = (value, size) => Math.min(Math.max(value, 0), size - 1);

function drawCross(context, [x, y]) {
  const path = new Path2D();
  for (const side of [-1, 1]) {
    path.moveTo(x + 4 * side, y);
    path.lineTo(x + ARM * side, y);
    path.moveTo(x, y + 4 * side);
    path.lineTo(x, y + ARM * side);
  }
  context.lineCap = "round";
  for (const [style, width] of [["rgba(16, 16, 24, 0.85)", 5], ["#fff", 2]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke(path);
  }
}
