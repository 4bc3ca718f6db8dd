// The tools that make or change a selection by hand, beside plain clicks: box, lasso, brush, eraser.
// A gesture is { move(point, event), end(point, event), cancel() }; points are CSS pixels of the canvas.

import { isInside, viewToPhoto } from "../canvas/view.js";
import { polygonPatch } from "./raster.js";
import { Stroke } from "./stroke.js";

export const TOOLS = ["select", "box", "lasso", "brush", "eraser"];
export const SIZES = { least: 4, most: 240, step: 1.2 }; // CSS pixels across: zooming in makes a finer brush
const LEAST_DRAG = 4; // CSS pixels; less is a click
const LEAST_BOX = 2; // photo pixels

export class SelectTools {
  active = "select";
  brush = { size: 40, softness: 0.25 };
  stroke = null; // a Stroke under way
  lasso = null; // { points (photo pixels), erase } under way
  band = null; // { box, erase } under way
  ring = null; // where the brush is shown, in CSS pixels

  /**
   * stage, doc, selection: see editor.js; leaveOut() -> whether its button is pressed; click(at, event): a plain click
   * with a tool that draws; hint: the HoverPreview; tellEmpty(): nothing is there to erase from; changed(): the rail.
   */
  constructor({ stage, doc, selection, leaveOut, click, hint, tellEmpty, changed }) {
    Object.assign(this, { stage, doc, selection, leaveOut, click, hint, tellEmpty, changed });
  }

  get brushing() {
    return this.active === "brush" || this.active === "eraser";
  }

  choose(name) {
    this.active = name;
    this.ring = null;
    this.hint.clear();
    if (name !== "select") this.doc.choose(null);
    this.changed();
  }

  /** Change the brush: { size } or { softness }, and show it for a moment where it can be seen. */
  setBrush(change) {
    const { size, softness } = { ...this.brush, ...change };
    this.brush = { size: clamp(size, SIZES.least, SIZES.most), softness: clamp(softness, 0, 1) };
    this.changed();
  }

  /** A step larger (+1) or smaller (-1); false where no brush is in hand. */
  resize(by) {
    if (!this.brushing) return false;
    this.setBrush({ size: Math.round(this.brush.size * SIZES.step ** by + 0.5 * by) });
    return true;
  }

  /** The gesture of a press at `point` (CSS) and `at` (photo) with the tool in hand; null leaves it to others. */
  toolFor(point, at, event) {
    this.hint.clear();
    const { active } = this;
    if (active === "select") return null;
    const erase = active === "eraser" || this.#takesAway(event);
    if (this.brushing) return this.#brushGesture(point, erase);
    return active === "lasso" ? this.#lassoGesture(point, at, erase) : this.#boxGesture(point, at, erase);
  }

  /** The pointer is over photo point `at` with no button down, or (null) over something else. */
  hover(at, event) {
    const { stage, selection } = this;
    this.ring = at && this.brushing ? this.#cssPoint(event) : null;
    if (this.brushing && at) stage.canvas.style.cursor = "none";
    else if (this.active !== "select" && at) stage.canvas.style.cursor = "crosshair";
    const hinting = at && this.active === "select" && !selection.active && event.buttons === 0;
    this.hint.at(hinting && this.hint.allows(at) ? at : null);
    stage.refresh();
  }

  #takesAway(event) {
    return this.selection.active && (event.shiftKey || event.altKey || this.leaveOut());
  }

  #cssPoint({ clientX, clientY }) {
    const { left, top } = this.stage.canvas.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  #photoPoint = (point) => viewToPhoto(this.stage.view, point);

  #scenePoint(point) {
    const { scale } = this.stage.subject();
    return this.#photoPoint(point).map((value) => value * scale);
  }

  get #grid() {
    const { bitmap } = this.stage.subject();
    return { width: bitmap.width, height: bitmap.height };
  }

  #brushGesture(point, erase) {
    const { stage, selection, brush } = this;
    if (erase && !selection.mask) return this.tellEmpty(), NOTHING;
    const radius = ((brush.size / 2) * stage.subject().scale) / stage.view[0];
    const stroke = new Stroke(selection.mask, { radius, softness: brush.softness }, erase, this.#grid);
    const to = (next) => {
      this.ring = next;
      stroke.to(this.#scenePoint(next));
      stage.refresh();
    };
    this.doc.choose(null);
    this.stroke = stroke;
    to(point);
    const over = () => ((this.stroke = null), stage.refresh());
    return {
      move: to,
      end: (last, event) => {
        to(last);
        over();
        if (event.pointerType === "touch") this.ring = null;
        selection.addShape(stroke.result, erase, brush.softness > 0);
      },
      cancel: over,
    };
  }

  #lassoGesture(from, at, erase) {
    const { stage, selection } = this;
    const { scale } = stage.subject();
    const lasso = { points: [at], erase };
    const over = () => ((this.lasso = null), stage.refresh());
    let drawn = false;
    return {
      move: (point) => {
        drawn ||= isFar(from, point);
        lasso.points.push(this.#photoPoint(point));
        if (drawn) this.lasso = lasso;
        stage.refresh();
      },
      end: (point, event) => {
        over();
        if (!drawn) return this.click(at, event);
        this.doc.choose(null);
        selection.addShape(polygonPatch(lasso.points.map(([x, y]) => [x * scale, y * scale]), this.#grid), erase);
      },
      cancel: over,
    };
  }

  #boxGesture(from, at, erase) {
    const { stage, selection } = this;
    const { width, height } = stage.subject();
    const boxTo = (point) => {
      const [[x0, y0], [x1, y1]] = [at, this.#photoPoint(point)].map(([x, y]) => [clamp(x, 0, width), clamp(y, 0, height)]);
      return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
    };
    const over = () => ((this.band = null), stage.refresh());
    return {
      move: (point) => ((this.band = { box: boxTo(point), erase }), stage.refresh()),
      end: (point, event) => {
        over();
        if (!isFar(from, point)) return isInside(stage.subject(), at) && this.click(at, event);
        const box = boxTo(point);
        this.doc.choose(null);
        if (box[2] - box[0] >= LEAST_BOX && box[3] - box[1] >= LEAST_BOX) selection.setBox(box, erase);
      },
      cancel: over,
    };
  }
}

const NOTHING = { move() {}, end() {}, cancel() {} };

const isFar = ([x, y], [u, v]) => Math.hypot(u - x, v - y) >= LEAST_DRAG;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
