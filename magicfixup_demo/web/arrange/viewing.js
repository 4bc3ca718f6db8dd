// Looking around: the wheel, two fingers, the space bar and the middle button move the view, never the arrangement.

import { belongsToControl } from "../page/shortcuts.js";
import { pinched } from "../canvas/view.js";

const PER_PIXEL = Math.log(1.2) / 100; // a notch of a mouse wheel is about 100 pixels
const PER_PIXEL_PINCHING = 0.01; // trackpads send two-finger zoom as small steps with ctrl held
const PIXELS_PER = [1, 33, 400]; // of a wheel event's units: pixel, line, page
const MOST_AT_ONCE = 300;

/** What a wheel event asks for: { pan: [dx, dy] } in CSS pixels, or { zoom: factor }. */
export function wheelOf({ deltaX, deltaY, deltaMode, ctrlKey, shiftKey }) {
  const [x, y] = [deltaX, deltaY].map((delta) => delta * PIXELS_PER[deltaMode]);
  if (shiftKey) return { pan: x ? [-x, -y] : [-y, 0] };
  if (Math.abs(x) > Math.abs(y)) return { pan: [-x, 0] };
  const limited = Math.min(Math.max(y, -MOST_AT_ONCE), MOST_AT_ONCE);
  return { zoom: Math.exp(-limited * (ctrlKey ? PER_PIXEL_PINCHING : PER_PIXEL)) };
}

export class Viewing {
  #space = false;
  #over = false;
  #clicked = null; // the button that was pressed last by a pointer, and keeps the focus after it

  /** stage: the Stage; pointOf(event) -> CSS point of the canvas; changed() when the pointer's look may have changed. */
  constructor(stage, pointOf, changed) {
    Object.assign(this, { stage, pointOf, changed });
    const { canvas } = stage;
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault()); // no autoscroll
    canvas.addEventListener("pointerenter", () => (this.#over = true));
    canvas.addEventListener("pointerleave", () => (this.#over = false));
    this.#listenForPinches(canvas);
    window.addEventListener("pointerdown", (event) => (this.#clicked = event.target.closest("button")), { capture: true });
    window.addEventListener("keydown", (event) => this.#key(event, true));
    window.addEventListener("keyup", (event) => this.#key(event, false));
    window.addEventListener("blur", () => (this.#space = false));
  }

  /** The space bar is held: a press drags the view. */
  get ready() {
    return this.#space;
  }

  wants = (event) => event.button === 1 || (event.button === 0 && this.#space);

  /** A tool that drags the view along. */
  drag(from) {
    const { stage } = this;
    const before = stage.view;
    stage.canvas.style.cursor = "grabbing";
    let last = from;
    return {
      move: ([x, y]) => {
        stage.panBy(x - last[0], y - last[1]);
        last = [x, y];
      },
      end: () => this.changed(),
      cancel: () => (stage.look(before), this.changed()),
    };
  }

  /** A tool for two fingers; points() -> where they are now. */
  pinch(points) {
    const { stage } = this;
    const [before, from] = [stage.view, points()];
    return {
      move: () => stage.look((_, ...frame) => pinched(before, from, points(), ...frame)),
      end: () => {},
      cancel: () => stage.look(before),
    };
  }

  #wheel(event) {
    event.preventDefault();
    const { pan, zoom } = wheelOf(event);
    if (pan) this.stage.panBy(...pan);
    else this.stage.zoomBy(zoom, this.pointOf(event));
  }

  // Safari tells of two fingers on a trackpad in events of its own.
  #listenForPinches(canvas) {
    let last = 1;
    const listen = (name, then) => canvas.addEventListener(name, (event) => (event.preventDefault(), then(event)));
    listen("gesturestart", () => (last = 1));
    listen("gesturechange", (event) => {
      this.stage.zoomBy(event.scale / last, this.pointOf(event));
      last = event.scale;
    });
  }

  // With the pointer over the canvas again, the space bar is for the view, and not for a button clicked before. A button
  // that was reached by key keeps it.
  #key(event, down) {
    if (event.key !== " ") return;
    const target = event.composedPath()[0];
    const ours = !belongsToControl(event) || (this.#over && target === this.#clicked);
    if (down && !ours) return;
    if (ours) event.preventDefault();
    if (this.#space === down) return;
    this.#space = down;
    this.changed();
  }
}
