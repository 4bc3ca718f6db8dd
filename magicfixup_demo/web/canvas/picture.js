// The collage as it lies under the handles, at the resolution of the screen, kept between frames. While one layer is being
// changed, everything else is drawn once and kept, and each frame costs no more than the part that this layer covers.

import { apply, compose, isIdentity, scaling } from "../model/affine.js";
import { boxOf, cornersOf, isInPlace, segmentOf } from "../model/collage.js";
import { makeCanvas } from "./masks.js";
import { drawLayer, drawScene } from "./render.js";
import { reachOf } from "./shadows.js";

const CHECKER = 8; // CSS pixels
export const PIXELS_SHOW_FROM = 4; // CSS pixels per photo pixel: from here on they are shown as squares

export class Picture {
  /** Device pixels, of the stage's size; what lies outside the photo is clear. */
  canvas = makeCanvas(1, 1);
  #context = this.canvas.getContext("2d");
  #scene = makeCanvas(1, 1); // the whole collage at the size of the display picture
  #inScene = null; // the state drawn there
  #shown = {}; // { state, view, rough }: what the canvas shows
  #rest = null; // { state, index, under, over }: everything but one layer
  #spare = makeCanvas(1, 1);
  #version = 0; // of the plates

  /** plates: of live/plates.js. */
  constructor(plates) {
    this.plates = plates;
  }

  resize(width, height, density) {
    Object.assign(this.canvas, { width, height });
    this.density = density;
    this.#shown = {};
    this.#forgetRest();
    this.checker = checkerboard(this.#context, density);
  }

  /**
   * Bring the canvas up to date. `view`: photo -> CSS pixels; `drafting`: a gesture goes on, so the next state is near;
   * `looking`: so is the next view, and this one may be resampled quickly.
   */
  update(state, view, drafting, looking) {
    if (this.#version !== this.plates.version) this.#outdate();
    const { state: before, view: viewBefore, rough } = this.#shown;
    const sameView = before && view.every((value, i) => value === viewBefore[i]);
    if (sameView && state === before && !(rough && !drafting && !looking)) return;
    const index = sameView && drafting && view[0] < PIXELS_SHOW_FROM ? soleChange(before, state) : -1;
    const fast = index >= 0 && !isIdentity(state.layers[index].matrix);
    if (fast) this.#changeLayer(state, view, index);
    else this.#drawAll(state, view, looking);
    this.#shown = { state, view, rough: fast || looking };
  }

  // The ground may be another one.
  #outdate() {
    this.#version = this.plates.version;
    this.#shown = {};
    this.#inScene = null;
    this.#forgetRest();
  }

  #drawAll(state, view, looking) {
    this.#forgetRest();
    this.#drawInto(this.canvas, state, view, looking ? "low" : "high");
  }

  // The scene has the photo's own grid, on which a piece put back leaves no seam; then it is resampled for the screen.
  #drawInto(canvas, state, view, quality) {
    const { photo, segments } = state;
    fitCanvas(this.#scene, photo.bitmap.width, photo.bitmap.height) && (this.#inScene = null);
    if (this.#inScene !== state) drawScene(this.#scene.getContext("2d"), state, this.plates);
    this.#inScene = state;
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const area = this.#photoArea(photo, view);
    context.fillStyle = this.checker;
    if (segments.length) context.fillRect(...within(area));
    context.imageSmoothingEnabled = view[0] < PIXELS_SHOW_FROM;
    context.imageSmoothingQuality = quality;
    context.drawImage(this.#scene, ...area);
  }

  #changeLayer(state, view, index) {
    const layer = state.layers[index];
    this.#rest = this.#restFor(state, view, index);
    const { under, over, last } = this.#rest;
    const area = this.#areaOf(state, layer, view);
    const dirty = last ? union(last, area) : area;
    this.#rest.last = area;
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(...dirty);
    if (dirty[2] && dirty[3]) context.drawImage(under, ...dirty, ...dirty);
    if (layer.hidden || !area[2] || !area[3]) return;
    context.save();
    context.beginPath();
    context.rect(...this.#photoArea(state.photo, view));
    context.clip();
    if (over) context.drawImage(this.#betweenOthers(state, layer, view, over, area), 0, 0, area[2], area[3], ...area);
    else drawLayer(context, state, layer, this.#toDevice(state, view), { moving: true, plates: this.plates });
    context.restore();
  }

  // `under` holds ALL other layers, also those in front. So what is in front needs drawing only where this layer is, and
  // painting it "atop" this layer alone comes to the same as painting all in order, with soft edges and opacity too.
  #betweenOthers(state, layer, view, over, [x, y, width, height]) {
    fitCanvas(this.#spare, Math.max(width, this.#spare.width), Math.max(height, this.#spare.height));
    const context = this.#spare.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    drawLayer(context, state, layer, compose([1, 0, 0, 1, -x, -y], this.#toDevice(state, view)), { moving: true, plates: this.plates });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.globalCompositeOperation = "source-atop";
    context.drawImage(over, x, y, width, height, 0, 0, width, height);
    context.globalCompositeOperation = "source-over";
    return this.#spare;
  }

  #restFor(state, view, index) {
    const others = { ...state, layers: state.layers.filter((_, i) => i !== index) };
    const rest = this.#rest;
    if (rest && rest.index === index && others.layers.every((layer, i) => layer === rest.others[i])) return rest;
    const { width, height } = this.canvas;
    const under = makeCanvas(width, height);
    this.#forgetRest();
    this.#drawInto(under, others, view, "high");
    this.#context.setTransform(1, 0, 0, 1, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    this.#context.drawImage(under, 0, 0);
    return { index, others: others.layers, under, over: this.#inFront(state, view, index), last: null };
  }

  #inFront(state, view, index) {
    const layers = state.layers.slice(index + 1).filter((layer) => !layer.hidden);
    if (!layers.length) return null;
    const canvas = makeCanvas(this.canvas.width, this.canvas.height);
    const context = canvas.getContext("2d");
    for (const layer of layers) drawLayer(context, state, layer, this.#toDevice(state, view), { moving: true, alone: true, plates: this.plates });
    return canvas;
  }

  #forgetRest() {
    for (const canvas of [this.#rest?.under, this.#rest?.over, this.#spare]) if (canvas) fitCanvas(canvas, 1, 1);
    this.#rest = null;
  }

  // Scene pixels -> device pixels.
  #toDevice({ photo }, view) {
    return compose(scaling(this.density, this.density), compose(view, scaling(1 / photo.scale, 1 / photo.scale)));
  }

  #photoArea({ width, height }, view) {
    return [view[4], view[5], width * view[0], height * view[3]].map((value) => value * this.density);
  }

  // Whole device pixels that the layer and its shadow may touch, within the canvas: [x, y, width, height].
  #areaOf(state, layer, view) {
    const segment = segmentOf(state, layer);
    const shadow = isInPlace(layer) ? null : this.plates.shadowOf(state, segment);
    const reach = shadow && reachOf(shadow, layer);
    const shaded = reach ? boxOf({ left: reach[0], top: reach[1], width: reach[2], height: reach[3] }) : [];
    const own = cornersOf(segment, layer.matrix, layer.distort);
    const corners = [...own, ...shaded].map((corner) => apply(view, corner));
    const range = (axis, most) => {
      const values = corners.map((corner) => corner[axis] * this.density);
      const low = Math.min(Math.max(Math.floor(Math.min(...values)) - 2, 0), most);
      return [low, Math.max(Math.min(Math.ceil(Math.max(...values)) + 2, most) - low, 0)];
    };
    const [[x, width], [y, height]] = [range(0, this.canvas.width), range(1, this.canvas.height)];
    return [x, y, width, height];
  }
}

/** The index of the one layer in which two states differ, or -1. */
export function soleChange(before, after) {
  if (before.photo !== after.photo || before.segments !== after.segments || before.sources !== after.sources) return -1;
  if (before.layers.length !== after.layers.length) return -1;
  const changed = after.layers.flatMap((layer, i) => (layer === before.layers[i] ? [] : [i]));
  const [index] = changed;
  return changed.length === 1 && after.layers[index].id === before.layers[index].id ? index : -1;
}

function union([x, y, width, height], [u, v, across, down]) {
  const [left, top] = [Math.min(x, u), Math.min(y, v)];
  return [left, top, Math.max(x + width, u + across) - left, Math.max(y + height, v + down) - top];
}

// The whole pixels inside: at the rim of the photo nothing shines through.
function within([x, y, width, height]) {
  const [left, top] = [Math.ceil(x), Math.ceil(y)];
  return [left, top, Math.floor(x + width) - left, Math.floor(y + height) - top];
}

// True when the size had to change.
function fitCanvas(canvas, width, height) {
  if (canvas.width === width && canvas.height === height) return false;
  Object.assign(canvas, { width, height });
  return true;
}

function checkerboard(context, density) {
  const size = Math.round(CHECKER * density);
  const tile = makeCanvas(2 * size, 2 * size);
  const paint = tile.getContext("2d");
  paint.fillStyle = "#f4f4f7";
  paint.fillRect(0, 0, 2 * size, 2 * size);
  paint.fillStyle = "#c3c3cf";
  paint.fillRect(0, 0, size, size);
  paint.fillRect(size, size, size, size);
  return context.createPattern(tile, "repeat");
}
