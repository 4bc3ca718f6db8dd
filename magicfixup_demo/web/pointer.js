// Pointer events -> tools. A tool is { move, end, cancel }; one is made at pointer-down from what lies under it.

import { addObject, newId, segmentOf, setMatrix } from "./collage.js";
import { advance, pinch } from "./gestures.js";
import { cornerCursor, handlesOf, hitHandle } from "./handles.js";
import { isCutOut, layerAt, promptPointAt } from "./hit.js";
import { isInside, viewToPhoto } from "./view.js";

const DRAG_FROM = { mouse: 4, pen: 6, touch: 9 }; // CSS pixels that turn a press into a drag
const MOST_DISTANCE_TO_POINT = { mouse: 10, pen: 14, touch: 22 };

export class Pointers {
  #down = new Map(); // pointer id -> latest CSS point
  #tool = null;

  /** cutOut() -> segment or null; leaveOut() -> whether a click excludes; onHole() says why nothing happens there. */
  constructor({ stage, doc, selection, cutOut, leaveOut, onHole, isLocked }) {
    Object.assign(this, { stage, doc, selection, cutOut, leaveOut, onHole, isLocked });
    const { canvas } = stage;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#end(event));
    canvas.addEventListener("pointercancel", () => this.cancel());
  }

  /** Drop the gesture under way; everything is as before it. True when there was one. */
  cancel() {
    const had = this.#tool !== null;
    this.#tool?.cancel();
    this.#tool = null;
    this.#down.clear();
    return had;
  }

  #begin(event) {
    if (event.button > 0 || !this.doc.state.photo || this.isLocked()) return;
    event.preventDefault();
    this.stage.canvas.focus({ preventScroll: true });
    this.stage.canvas.setPointerCapture(event.pointerId);
    this.stage.touch = event.pointerType === "touch";
    this.#down.set(event.pointerId, this.#point(event));
    if (this.#down.size === 1) this.#tool = this.#toolFor(event);
    else if (this.#down.size === 2 && this.doc.layer) this.#startPinch();
  }

  #move(event) {
    if (!this.#down.has(event.pointerId)) return this.#hover(event);
    this.#down.set(event.pointerId, this.#point(event));
    this.#tool?.move(this.#point(event), event);
  }

  #end(event) {
    if (!this.#down.delete(event.pointerId)) return;
    this.#tool?.end(this.#point(event), event);
    this.#tool = null;
  }

  #point({ clientX, clientY }) {
    const { left, top } = this.stage.canvas.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  #photoPoint = (point) => viewToPhoto(this.stage.view, point);

  #toolFor(event) {
    const { doc, selection } = this;
    const point = this.#point(event);
    const at = this.#photoPoint(point);
    const handle = this.#handleAt(point, event.pointerType);
    if (handle) return this.#transform({ ...handle, layer: doc.layer, at });
    const layer = isInside(doc.state.photo, at) ? layerAt(doc.state, at) : null;
    if (layer) {
      selection.clear();
      doc.choose(layer.id);
      return this.#transform({ kind: "move", layer, at, slack: DRAG_FROM[event.pointerType], from: point });
    }
    return this.#press(point, at, event);
  }

  #handleAt(point, pointerType) {
    const { doc, stage } = this;
    if (!doc.layer) return null;
    const handles = handlesOf(segmentOf(doc.state, doc.layer), doc.layer.matrix, stage.view, stage.size);
    return hitHandle(handles, point, pointerType);
  }

  // Move, scale or turn one layer: each frame is computed from the snapshot, the last one becomes the mark.
  #transform({ kind, corner, layer, at, slack = 0, from = null, base = this.doc.state }) {
    const { doc } = this;
    const start = { kind, corner, at, matrix: layer.matrix, segment: segmentOf(base, layer), photo: base.photo };
    let moving = slack === 0;
    return {
      move: (point, event) => {
        moving ||= Math.hypot(point[0] - from[0], point[1] - from[1]) > slack;
        const keys = { shift: event.shiftKey, alt: event.altKey };
        if (moving) doc.draft(setMatrix(base, layer.id, advance(start, this.#photoPoint(point), keys)));
      },
      end: () => moving && doc.commit(),
      cancel: () => doc.dropDraft(),
    };
  }

  // Goes on from where the first finger has brought the layer, so that both together are one step to undo.
  #startPinch() {
    const { doc } = this;
    this.stage.band = null;
    const points = () => [...this.#down.values()].map(this.#photoPoint);
    const { layer, state: base } = doc;
    const [at, other] = points();
    const start = { at, other, matrix: layer.matrix, segment: segmentOf(base, layer), photo: base.photo };
    this.#tool = {
      move: () => this.#down.size === 2 && doc.draft(setMatrix(base, layer.id, pinch(start, ...points()))),
      end: () => doc.commit(),
      cancel: () => doc.dropDraft(),
    };
  }

  // A press on the photo: a click selects; a drag takes the selected object along, or draws a box.
  #press(point, at, event) {
    const { doc, selection, stage } = this;
    const slack = DRAG_FROM[event.pointerType] ?? DRAG_FROM.mouse;
    const inMask = selection.mask && selection.covers(...at);
    let inner = null;
    const start = () => (inMask && this.#pickUp(at)) || this.#rubberBand(at);
    return {
      move: (to, now) => {
        if (!inner && Math.hypot(to[0] - point[0], to[1] - point[1]) > slack) inner = start();
        inner?.move(to, now);
      },
      end: (to, now) => (inner ? inner.end(to, now) : this.#click(at, now)),
      cancel: () => (inner?.cancel(), (stage.band = null), doc.dropDraft()),
    };
  }

  // Cut out and move in one gesture, which is one step to undo.
  #pickUp(at) {
    const { doc, selection } = this;
    const segment = this.cutOut();
    if (!segment) return null;
    const before = doc.state;
    const base = addObject(before, segment, newId("l"));
    const layer = base.layers.at(-1);
    selection.clear();
    doc.draft(base);
    doc.choose(layer.id);
    return this.#transform({ kind: "move", layer, at, base });
  }

  #rubberBand(at) {
    const { stage, selection, doc } = this;
    const { width, height } = doc.state.photo;
    const clamp = ([x, y]) => [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
    const first = clamp(at);
    const boxTo = (point) => {
      const [x, y] = clamp(this.#photoPoint(point));
      return [Math.min(first[0], x), Math.min(first[1], y), Math.max(first[0], x), Math.max(first[1], y)];
    };
    return {
      move: (point) => ((stage.band = boxTo(point)), stage.refresh()),
      end: (point) => {
        const box = boxTo(point);
        stage.band = null;
        doc.choose(null);
        if (box[2] - box[0] >= 2 && box[3] - box[1] >= 2) selection.clear(), selection.setBox(box);
      },
      cancel: () => ((stage.band = null), stage.refresh()),
    };
  }

  #click(at, event) {
    const { doc, selection, stage } = this;
    const { photo } = doc.state;
    doc.choose(null);
    const reach = (MOST_DISTANCE_TO_POINT[event.pointerType] ?? 10) / stage.view[0];
    const near = selection.active ? promptPointAt(selection.points, at, reach) : -1;
    if (near >= 0) return selection.removePoint(near);
    if (!isInside(photo, at)) return selection.clear();
    if (isCutOut(doc.state, at)) return this.onHole();
    const include = !selection.active || !(event.shiftKey || this.leaveOut());
    selection.addPoint(...at, include);
  }

  #hover(event) {
    const { doc, stage, selection } = this;
    if (!doc.state.photo || event.pointerType === "touch") return;
    const point = this.#point(event);
    const at = this.#photoPoint(point);
    const handle = this.#handleAt(point, event.pointerType);
    let cursor = isInside(doc.state.photo, at) ? "crosshair" : "default";
    if (layerAt(doc.state, at) || (selection.mask && selection.covers(...at))) cursor = "move";
    if (handle?.kind === "rotate") cursor = "grab";
    if (handle?.kind === "scale") {
      const handles = handlesOf(segmentOf(doc.state, doc.layer), doc.layer.matrix, stage.view, stage.size);
      cursor = cornerCursor(handles, handle.corner);
    }
    stage.canvas.style.cursor = cursor;
  }
}
