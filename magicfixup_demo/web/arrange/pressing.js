// A press on the photo itself: a click selects; a drag takes the selected object along, or draws a box.

import { addObject, newId } from "../model/collage.js";
import { isCutOut, promptPointAt } from "../canvas/hit.js";
import { isInside, viewToPhoto } from "../canvas/view.js";

export const DRAG_FROM = { mouse: 4, pen: 6, touch: 9 }; // CSS pixels that turn a press into a drag
const MOST_DISTANCE_TO_POINT = { mouse: 10, pen: 14, touch: 22 };
const LEAST_BOX = 2; // photo pixels

export class Pressing {
  /** transform(what) -> a tool that moves a layer; for the rest see Pointers. */
  constructor({ stage, doc, selection, cutOut, leaveOut, onHole, transform }) {
    Object.assign(this, { stage, doc, selection, cutOut, leaveOut, onHole, transform });
  }

  /** The tool of a press at `point` (CSS) and `at` (photo). */
  tool(point, at, event) {
    const { doc, selection, stage } = this;
    const slack = DRAG_FROM[event.pointerType] ?? DRAG_FROM.mouse;
    const inMask = !stage.source && !selection.editing && selection.mask && selection.covers(...at);
    let inner = null;
    const start = () => (inMask && this.#pickUp(at)) || this.#rubberBand(at);
    return {
      get goesOn() {
        return inner?.goesOn;
      },
      move: (to, now) => {
        if (!inner && Math.hypot(to[0] - point[0], to[1] - point[1]) > slack) inner = start();
        inner?.move(to, now);
      },
      end: (to, now) => (inner ? inner.end(to, now) : this.click(at, now)),
      cancel: () => (inner?.cancel(), (stage.band = null)),
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
    return this.transform({ kind: "move", layer, at, base });
  }

  #rubberBand(at) {
    const { stage, selection, doc } = this;
    const { width, height } = stage.subject();
    const clamp = ([x, y]) => [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
    const first = clamp(at);
    const boxTo = (point) => {
      const [x, y] = clamp(viewToPhoto(stage.view, point));
      return [Math.min(first[0], x), Math.min(first[1], y), Math.max(first[0], x), Math.max(first[1], y)];
    };
    return {
      move: (point) => ((stage.band = boxTo(point)), stage.refresh()),
      end: (point) => {
        const box = boxTo(point);
        stage.band = null;
        doc.choose(null);
        if (box[2] - box[0] >= LEAST_BOX && box[3] - box[1] >= LEAST_BOX) selection.setBox(box);
      },
      cancel: () => ((stage.band = null), stage.refresh()),
    };
  }

  /** A click on the photo at `at`, whatever layers lie over it. */
  click(at, event) {
    const { doc, selection, stage } = this;
    doc.choose(null);
    const reach = (MOST_DISTANCE_TO_POINT[event.pointerType] ?? MOST_DISTANCE_TO_POINT.mouse) / stage.view[0];
    const near = selection.active ? promptPointAt(selection.points, at, reach) : -1;
    if (near >= 0) return selection.removePoint(near);
    if (!isInside(stage.subject(), at)) return selection.dismiss();
    if (!stage.source && isCutOut(doc.state, at)) return this.onHole(at);
    const include = !selection.active || !(event.shiftKey || this.leaveOut());
    selection.addPoint(...at, include);
  }
}
