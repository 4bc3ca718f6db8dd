// The large picture of a result: as it is, behind a slider, while held as it was, or as a difference; zoom and pan.

import { apply } from "../model/affine.js";
import { fit, isFitted, kept, panned, viewToPhoto, zoomed } from "../canvas/view.js";
import { drawDifference } from "./difference.js";
import { listenToViewer } from "./viewing.js";

const MARGIN = 0;
const STEP = 1.4; // of a zoom button
const PAN_STEP = 60; // CSS pixels
const CRISP_FROM = 3; // screen pixels per picture pixel, from which its pixels are to be seen as squares

export class Viewer {
  #photo = null;
  #view = null; // null: fitted
  #at = 50; // percent of the picture left of which the one before shows
  #drawn = ""; // which pictures the difference was made of

  /** root: the viewer's element; changed(): the view is another one; a label of the zoom is for the page to show. */
  constructor(root, changed) {
    Object.assign(this, { root, changed });
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.parts = { after: part("after"), before: part("before"), difference: part("difference"), slider: part("slider") };
    this.sheets = [...root.querySelectorAll(".mf-sheet")];
    this.parts.slider.addEventListener("input", () => this.slideTo(Number(this.parts.slider.value)));
    for (const image of [this.parts.after, this.parts.before]) image.addEventListener("load", () => this.#drawDifference());
    new ResizeObserver(() => this.place()).observe(root);
    listenToViewer(this);
  }

  /** photo: { width, height }; after, before: addresses of pictures. The view stays where the photo is of equal size. */
  show(photo, after, before) {
    const other = photo.width !== this.#photo?.width || photo.height !== this.#photo?.height;
    this.#photo = photo;
    if (other) this.#view = null;
    setPicture(this.parts.after, after);
    setPicture(this.parts.before, before);
    this.#drawDifference();
    this.place();
  }

  get mode() {
    return this.root.dataset.view;
  }

  /** "slider", "picture" or "difference". */
  set mode(mode) {
    this.root.dataset.view = mode;
    this.parts.slider.tabIndex = mode === "slider" ? 0 : -1;
    this.hold(false);
    this.#drawDifference();
    this.place();
  }

  /** Show the picture before, for as long as it is held. */
  hold(on) {
    this.root.toggleAttribute("data-held", on);
  }

  get size() {
    return { width: this.root.clientWidth, height: this.root.clientHeight };
  }

  /** The matrix from photo pixels to CSS pixels of the viewer. */
  get view() {
    return this.#view ?? fit(this.#photo, this.size, MARGIN);
  }

  get fitted() {
    return this.#view === null;
  }

  /** Screen pixels per photo pixel. */
  get scale() {
    return this.view[0] * window.devicePixelRatio;
  }

  /** change(view, photo, size, margin) -> view. */
  look(change) {
    if (!this.#photo) return;
    const view = kept(change(this.view, this.#photo, this.size, MARGIN), this.#photo, this.size, MARGIN);
    this.#view = isFitted(view, this.#photo, this.size, MARGIN) ? null : view;
    this.place();
  }

  zoomBy = (factor, point = this.#middle) => this.look((view, ...frame) => zoomed(view, factor, point, ...frame));

  panBy = (dx, dy) => this.look((view, ...frame) => panned(view, dx, dy, ...frame));

  fit = () => ((this.#view = null), this.place());

  /** One photo pixel on one screen pixel, with what is at the point staying there. */
  toFull = (point = this.#middle) => this.zoomBy(1 / this.scale, point);

  toggleFull(point) {
    if (this.fitted) this.toFull(point);
    else this.fit();
  }

  zoomIn = () => this.zoomBy(STEP);

  zoomOut = () => this.zoomBy(1 / STEP);

  /** Arrow keys: true when there was somewhere to go. */
  step(dx, dy) {
    if (this.fitted) return false;
    this.panBy(-dx * PAN_STEP, -dy * PAN_STEP);
    return true;
  }

  slideTo(percent) {
    this.#at = Math.min(Math.max(percent, 0), 100);
    this.place();
  }

  /** CSS pixel of the viewer at which the divider stands. */
  get divider() {
    const { left, width } = this.visible;
    return left + (this.#at / 100) * width;
  }

  slideToX(x) {
    const { left, width } = this.visible;
    this.slideTo((100 * (x - left)) / Math.max(width, 1));
  }

  /** The part of the viewer that the picture covers, in CSS pixels. */
  get visible() {
    const { view, size } = this;
    const [x0, y0] = apply(view, [0, 0]);
    const [x1, y1] = apply(view, [this.#photo.width, this.#photo.height]);
    const [left, top] = [Math.max(x0, 0), Math.max(y0, 0)];
    return { left, top, width: Math.min(x1, size.width) - left, height: Math.min(y1, size.height) - top };
  }

  /** The part of the photo in sight, in its pixels: [x0, y0, x1, y1], whole numbers. */
  get box() {
    const { left, top, width, height } = this.visible;
    const [x0, y0] = viewToPhoto(this.view, [left, top]);
    const [x1, y1] = viewToPhoto(this.view, [left + width, top + height]);
    return [Math.floor(x0), Math.floor(y0), Math.ceil(x1), Math.ceil(y1)];
  }

  /** Put everything where it belongs. */
  place() {
    if (!this.#photo || !this.root.clientWidth) return;
    const scale = this.view[0];
    const [x, y] = this.#onPixels(this.view.slice(4));
    const place = { left: `${x}px`, top: `${y}px`, width: `${scale * this.#photo.width}px`, height: `${scale * this.#photo.height}px` };
    for (const sheet of this.sheets) Object.assign(sheet.style, place);
    const { left, top, width, height } = this.visible;
    for (const [name, value] of Object.entries({ left, top, width, height, cut: this.divider })) {
      this.root.style.setProperty(`--${name}`, `${value}px`);
    }
    this.root.style.setProperty("--at", `${this.#at}%`);
    this.parts.slider.value = this.#at;
    this.root.toggleAttribute("data-zoomed", !this.fitted);
    this.root.toggleAttribute("data-crisp", this.scale >= CRISP_FROM);
    this.changed();
  }

  // A point of the viewer, moved to the next corner of a screen pixel: so at full size pixels lie on pixels.
  #onPixels([x, y]) {
    const { left, top } = this.root.getBoundingClientRect();
    const snap = (value, from) => Math.round((value + from) * window.devicePixelRatio) / window.devicePixelRatio - from;
    return [snap(x, left), snap(y, top)];
  }

  get #middle() {
    return [this.root.clientWidth / 2, this.root.clientHeight / 2];
  }

  #drawDifference() {
    const { after, before, difference } = this.parts;
    if (this.mode !== "difference" || ![after, before].every((image) => image.complete && image.naturalWidth)) return;
    const made = `${after.src.length} ${before.src.length} ${after.src.slice(-60)} ${before.src.slice(-60)}`;
    if (made === this.#drawn) return;
    this.#drawn = made;
    drawDifference(difference, after, before);
  }
}

function setPicture(image, address) {
  if (image.getAttribute("src") !== address) image.src = address;
}
