// The canvas: keeps its size in step with the page, knows how the photo lies on it, and draws at most one frame a frame.

import { drawFeedback, drawHandles } from "./handle_overlay.js";
import { drawBox } from "./overlay.js";
import { findLayer, segmentOf } from "../model/collage.js";
import { PIXELS_SHOW_FROM, Picture } from "./picture.js";
import { cameraOf, fit, isFitted, kept, panned, viewOf, zoomed } from "./view.js";

const margin = (stage) => (stage.width < 600 ? 4 : 12);
const MOVING_FRAME_MS = 50;
const LOOKING_MS = 120; // after this long without a change the view is at rest
const MOST_DENSITY = 3;
const MOST_PIXELS = 9_000_000; // of the canvas: a 4K display, and no more on whatever comes

export class Stage {
  #asked = false;
  #ratio = 1; // device pixels per CSS pixel
  #timer = null;
  #looking = null; // a timer while the view is being moved
  #cameras = new WeakMap(); // photo -> its camera; none while it is fitted
  #picture;
  #alone = null; // the state that shows nothing but `source`
  #preview = null; // an Image of the whole photo as it is becoming
  #wanted = null; // its address; one may be asked for before the last has been decoded

  /** A second photo while objects are taken from it: then it alone is shown, without layers. */
  source = null;

  /** The id of the layer whose corners distort it, or null. */
  distorting = null;

  /** What the gesture under way says about itself: { kind, guides?, centre?, angle?, held? }, or null. */
  feedback = null;

  /** The kind of pointer used last: "mouse", "pen" or "touch". Handles follow it. */
  pointerType = matchMedia("(pointer: coarse)").matches ? "touch" : "mouse";

  /** Drawn over the photo and the handles, in this order: (context, view, time in ms) => void; CSS pixels. */
  overlays = [];

  /** Whether an overlay moves by itself and wants more frames. */
  moving = () => false;

  /** `doc` is the Document of document.js, `plates` the Plates of live/plates.js. */
  constructor(canvas, doc, plates) {
    Object.assign(this, { canvas, doc, plates, band: null });
    this.#picture = new Picture(plates);
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.context = canvas.getContext("2d");
    this.size = { width: 1, height: 1 };
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    window.addEventListener("resize", () => window.devicePixelRatio !== this.#ratio && this.resize()); // another display
    this.resize();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    this.size = { width: clientWidth, height: clientHeight };
    const most = Math.sqrt(MOST_PIXELS / Math.max(clientWidth * clientHeight, 1));
    this.#ratio = window.devicePixelRatio;
    this.density = Math.min(this.#ratio || 1, MOST_DENSITY, most);
    this.canvas.width = Math.max(1, Math.round(clientWidth * this.density));
    this.canvas.height = Math.max(1, Math.round(clientHeight * this.density));
    this.#picture.resize(this.canvas.width, this.canvas.height, this.density);
    this.paint();
  }

  /** The photo on show: the document's, or the one that objects are taken from; null when there is none. */
  subject() {
    return this.source ?? this.doc.state.photo;
  }

  /** The matrix photo pixels -> CSS pixels of the canvas. A view that was zoomed keeps its scale and middle when the window changes. */
  get view() {
    const frame = this.#frame();
    const camera = this.#cameras.get(frame[0]);
    return camera ? kept(viewOf(camera, this.size), ...frame) : fit(...frame);
  }

  /** How large the photo is shown; 1 is fitted. */
  get zoom() {
    return this.view[0] / fit(...this.#frame())[0];
  }

  /** Enlarge about a point of the canvas, by default its middle. */
  zoomBy(factor, point = [this.size.width / 2, this.size.height / 2]) {
    this.look(zoomed(this.view, factor, point, ...this.#frame()));
  }

  panBy(dx, dy) {
    this.look(panned(this.view, dx, dy, ...this.#frame()));
  }

  fit() {
    this.#cameras.delete(this.subject());
    this.refresh();
  }

  /** Show the photo as `change(view, photo, stage, margin)` of view.js says, or as a view itself. */
  look(change) {
    const frame = this.#frame();
    if (!this.subject()) return;
    const view = typeof change === "function" ? change(this.view, ...frame) : change;
    if (isFitted(view, ...frame)) return this.fit();
    this.#cameras.set(frame[0], cameraOf(view, this.size));
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => ((this.#looking = null), this.refresh()), LOOKING_MS);
    this.refresh();
  }

  #frame() {
    return [this.subject() ?? { width: 1, height: 1 }, this.size, margin(this.size)];
  }

  /** Draw soon: many requests in one frame are one drawing. */
  refresh() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame((time) => {
      this.#asked = false;
      this.paint(time);
      if (this.moving() && !this.calm.matches) this.#animate();
    });
  }

  // The running outline needs no more than this many frames, and phones like fewer.
  #animate() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.refresh();
    }, MOVING_FRAME_MS);
  }

  /** The pattern of what is clear, for overlays that draw it too. */
  get checker() {
    return this.#picture.checker;
  }

  /** Show a picture over the photo, or with null the photo itself again. */
  preview(url) {
    this.#wanted = url;
    if (!url) return this.#showPreview(null);
    const image = new Image();
    image.onload = () => this.#wanted === url && this.#showPreview(image);
    image.src = url;
  }

  #showPreview(image) {
    this.#preview = image;
    this.canvas.toggleAttribute("data-preview", Boolean(image));
    this.refresh();
  }

  paint(time = 0) {
    const { context, density, canvas } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.subject()) return;
    this.#picture.update(this.#state(), this.view, this.doc.drafting, this.#looking !== null);
    context.drawImage(this.#picture.canvas, 0, 0);
    context.setTransform(density, 0, 0, density, 0, 0);
    if (this.#preview) this.#drawPreview();
    this.#drawTools(this.calm.matches ? 0 : time);
  }

  #state() {
    if (!this.source) return this.doc.state;
    if (this.#alone?.photo !== this.source) this.#alone = { photo: this.source, sources: [], segments: [], layers: [], shadows: false };
    return this.#alone;
  }

  #drawPreview() {
    const { context, view } = this;
    const { width, height } = this.subject();
    context.imageSmoothingEnabled = view[0] < PIXELS_SHOW_FROM;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#preview, view[4], view[5], width * view[0], height * view[3]);
  }

  #drawTools(time) {
    const { context, view, doc } = this;
    const layer = this.source ? null : findLayer(doc.state, doc.chosen);
    if (layer?.id !== this.distorting) this.distorting = null;
    const how = { pointerType: this.pointerType, distorting: this.distorting !== null, feedback: this.feedback };
    if (layer) drawHandles(context, segmentOf(doc.state, layer), layer, view, this.size, how);
    drawFeedback(context, this.feedback, view);
    for (const draw of this.overlays) draw(context, view, time);
    if (this.band) drawBox(context, this.band, view);
  }
}
