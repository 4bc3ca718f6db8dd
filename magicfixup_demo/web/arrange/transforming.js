// The chosen layer in hand: its handles, and the tools that move, scale, turn and distort it. Each frame is computed from
// the layer as it was at pointer-down; the last one becomes the one step to undo.

import { centreOf, changeLayer, cornersOf, segmentOf, setMatrix } from "../model/collage.js";
import { distortBy } from "./distorting.js";
import { advance, pinch, turnOf } from "./gestures.js";
import { alignedTo, linesOf } from "./guides.js";
import { handlesOf, hitHandle, isOnQuad } from "./handles.js";
import { viewToPhoto } from "../canvas/view.js";

const CLINGS = 5; // CSS pixels from an alignment line
const NEAR = 28; // CSS pixels around a layer that still count as on it for two fingers

export class Transforming {
  constructor({ stage, doc }) {
    Object.assign(this, { stage, doc });
  }

  /** Whether the chosen layer can be changed by hand: it is shown, and neither locked nor hidden. */
  get free() {
    const { doc, stage } = this;
    return Boolean(doc.layer && !doc.layer.locked && !doc.layer.hidden && !stage.source);
  }

  handles(pointerType) {
    const { doc, stage } = this;
    const { layer } = doc;
    if (!this.free) return null;
    return handlesOf(segmentOf(doc.state, layer), layer, stage.view, stage.size, pointerType, this.distorting);
  }

  handleAt(point, pointerType) {
    const handles = this.handles(pointerType);
    return handles && hitHandle(handles, point, pointerType);
  }

  /** Corners become corners to distort by, or the other way about. False when there is no layer for it. */
  toggleDistort() {
    if (!this.free) return false;
    const { stage, doc } = this;
    if (!this.leaveDistort()) stage.distorting = doc.chosen;
    doc.choose(doc.chosen); // the page shows what the corners do
    return true;
  }

  get distorting() {
    return this.free && this.stage.distorting === this.doc.chosen;
  }

  /** True when the corners distorted and do so no more. */
  leaveDistort() {
    const had = this.distorting;
    this.stage.distorting = null;
    if (had) this.doc.choose(this.doc.chosen);
    return had;
  }

  /**
   * what: { kind, corner?, side?, layer, at (photo point) }, and for a press that may stay a click `slack` (CSS pixels)
   * and `from` (CSS point); `base` is the state to begin from.
   */
  tool({ kind, corner, side, layer, at, slack = 0, from = null, base = this.doc.state }) {
    const { doc, stage } = this;
    const start = { ...this.#snapshot(base, layer), kind, corner, side, at };
    start.lines = kind === "move" ? linesOf(base, layer.id) : [];
    let moving = slack === 0;
    const over = () => (stage.feedback = null);
    return {
      goesOn: true,
      move: (point, event) => {
        moving ||= Math.hypot(point[0] - from[0], point[1] - from[1]) > slack;
        if (!moving) return;
        const { patch, feedback } = this.#step(start, viewToPhoto(stage.view, point), keysOf(event));
        stage.feedback = feedback;
        doc.draft(changeLayer(base, layer.id, patch));
      },
      end: () => (over(), moving && doc.commit()),
      cancel: () => (over(), doc.dropDraft()),
    };
  }

  /** Two fingers; points() -> where they are now, in CSS pixels. */
  pinch(points) {
    const { doc, stage } = this;
    const { layer, state: base } = doc;
    const photoPoints = () => points().map((point) => viewToPhoto(stage.view, point));
    const [at, other] = photoPoints();
    const start = { ...this.#snapshot(base, layer), at, other };
    stage.feedback = null;
    return {
      move: () => doc.draft(setMatrix(base, layer.id, pinch(start, ...photoPoints()))),
      end: () => doc.commit(),
      cancel: () => doc.dropDraft(),
    };
  }

  /** Whether one of the fingers, or the middle between them, is on the chosen layer or near it. */
  isUnder([first, second]) {
    const corners = this.handles("touch")?.corners;
    const between = [(first[0] + second[0]) / 2, (first[1] + second[1]) / 2];
    return Boolean(corners) && [first, second, between].some((point) => isOnQuad(corners, point, NEAR));
  }

  #snapshot = (base, layer) => ({
    ...{ matrix: layer.matrix, distort: layer.distort, segment: segmentOf(base, layer), photo: base.photo },
  });

  // { patch, feedback }: what changes in the layer, and what is drawn to say why it stands where it does.
  #step(start, to, keys) {
    if (start.kind === "distort") return { patch: { distort: distortBy(start, to, keys) }, feedback: { kind: "distort" } };
    const matrix = advance(start, to, keys);
    if (start.kind === "rotate") return { patch: { matrix }, feedback: turnFeedback(start, to, keys) };
    if (start.kind !== "move" || keys.ctrl) return { patch: { matrix }, feedback: { kind: start.kind } };
    const aligned = alignedTo(start.lines, start.segment, { ...start, matrix }, CLINGS / this.stage.view[0], freeAxes(start, matrix, keys));
    return { patch: { matrix: aligned.matrix }, feedback: { kind: "move", guides: aligned.guides } };
  }
}

const keysOf = (event) => ({ shift: event.shiftKey, alt: event.altKey, ctrl: event.ctrlKey || event.metaKey });

// A move that shift keeps to one axis is not pulled off it.
function freeAxes(start, matrix, { shift }) {
  if (!shift) return [0, 1];
  return matrix[4] !== start.matrix[4] ? [0] : [1];
}

// { angle, held } as turnOf says, where it turns about, and how large it is across, in photo pixels.
function turnFeedback(start, to, keys) {
  const [[x, y], , [u, v]] = cornersOf(start.segment, start.matrix, start.distort);
  const centre = centreOf(start.segment, start.matrix, start.distort);
  return { kind: "rotate", centre, size: Math.hypot(u - x, v - y), ...turnOf(start, to, keys) };
}
