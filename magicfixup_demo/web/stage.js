// The canvas: keeps its size in step with the page, and draws one frame whenever something asks for it.

import { drawScene } from "./render.js";
import { drawBox, drawHandles, drawPoints, drawSelection } from "./overlay.js";
import { findLayer, segmentOf } from "./collage.js";
import { makeCanvas } from "./masks.js";
import { fit } from "./view.js";

const margin = (stage) => (stage.width < 600 ? 4 : 12);
const CHECKER = 8;
const OUTLINE_FRAME_MS = 50;

export class Stage {
  #asked = false;
  #timer = null;
  #drawn = null; // the state that the scene shows
  #scene = makeCanvas(1, 1);
  #preview = null; // an Image of the whole photo as it is becoming
  #wanted = null; // its address; one may be asked for before the last has been decoded

  /** `doc` is the Document of document.js, `selection` the Selection of selection.js. */
  constructor(canvas, doc, selection) {
    Object.assign(this, { canvas, doc, selection, band: null, touch: false });
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.context = canvas.getContext("2d");
    this.size = { width: 1, height: 1 };
    this.checker = checkerboard(this.context);
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.resize();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    this.size = { width: clientWidth, height: clientHeight };
    this.density = Math.min(window.devicePixelRatio || 1, 3);
    this.canvas.width = Math.max(1, Math.round(clientWidth * this.density));
    this.canvas.height = Math.max(1, Math.round(clientHeight * this.density));
    this.paint();
  }

  get view() {
    return fit(this.doc.state.photo ?? { width: 1, height: 1 }, this.size, margin(this.size));
  }

  /** Draw soon: many requests in one frame are one drawing. */
  refresh() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame((time) => {
      this.#asked = false;
      this.paint(time);
      if (this.selection.active && !this.calm.matches) this.#animate();
    });
  }

  // The running outline needs no more than this many frames, and phones like fewer.
  #animate() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.refresh();
    }, OUTLINE_FRAME_MS);
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
    const { context, density, size } = this;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, size.width, size.height);
    if (!this.doc.state.photo) return;
    this.#drawPicture();
    this.#drawTools(this.calm.matches ? 0 : time);
  }

  #drawPicture() {
    const { context, view } = this;
    const { photo } = this.doc.state;
    if (this.#scene.width !== photo.bitmap.width || this.#scene.height !== photo.bitmap.height) {
      this.#scene = makeCanvas(photo.bitmap.width, photo.bitmap.height);
    }
    if (this.#drawn !== this.doc.state) drawScene(this.#scene.getContext("2d"), this.doc.state);
    this.#drawn = this.doc.state;
    const area = [view[4], view[5], photo.width * view[0], photo.height * view[3]];
    context.fillStyle = this.checker;
    if (this.doc.state.segments.length) context.fillRect(...area);
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#preview ?? this.#scene, ...area);
  }

  #drawTools(time) {
    const { context, view, selection, doc } = this;
    const layer = findLayer(doc.state, doc.chosen);
    if (layer) drawHandles(context, segmentOf(doc.state, layer), layer.matrix, view, this.size, this.touch);
    if (selection.mask) drawSelection(context, selection.mask, doc.state.photo, view, time);
    if (selection.box && !selection.mask) drawBox(context, selection.box, view);
    if (this.band) drawBox(context, this.band, view);
    drawPoints(context, selection.points, view, selection.waiting, time);
  }
}

function checkerboard(context) {
  const tile = makeCanvas(2 * CHECKER, 2 * CHECKER);
  const paint = tile.getContext("2d");
  paint.fillStyle = "#f4f4f7";
  paint.fillRect(0, 0, 2 * CHECKER, 2 * CHECKER);
  paint.fillStyle = "#c3c3cf";
  paint.fillRect(0, 0, CHECKER, CHECKER);
  paint.fillRect(CHECKER, CHECKER, CHECKER, CHECKER);
  return context.createPattern(tile, "repeat");
}
