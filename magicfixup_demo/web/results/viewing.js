// Mouse, pen, fingers and keys on the large picture of a result.

import { pinched } from "../canvas/view.js";
import { wheelOf } from "../arrange/viewing.js";

const NEAR_DIVIDER = { mouse: 16, pen: 22, touch: 36 }; // CSS pixels
const STILL = 6; // CSS pixels that a press may wander and still be one
const HOLD_MS = 140; // a click shows nothing
const TYPED_IN = 'input:not([type="range"], [type="radio"], [type="checkbox"]), textarea, select, [contenteditable], dialog';

/** What a key does while a result is in view: { hold } | { zoom } | { full } | { fit } | { step: [dx, dy] } | null. */
export function keyOf({ key, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey) return null;
  if (key === "c" || key === "C" || key === " ") return { hold: true };
  if (key === "+" || key === "=") return { zoom: 1 };
  if (key === "-") return { zoom: -1 };
  if (key === "0") return { fit: true };
  if (key === "1") return { full: true };
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  return step ? { step } : null;
}

/** Connect a Viewer's element with its Viewer. */
export function listenToViewer(viewer) {
  const { root } = viewer;
  const fingers = new Map();
  let tool = null;
  const pointOf = (event) => {
    const { left, top } = root.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const begin = (next) => {
    tool?.end();
    tool = next;
  };

  root.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && ![0, 1].includes(event.button)) return;
    root.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, pointOf(event));
    const points = () => [...fingers.values()].slice(0, 2);
    if (fingers.size === 2) begin(pinch(viewer, points));
    else if (fingers.size === 1) begin(press(viewer, pointOf(event), event));
  });
  root.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, pointOf(event));
    tool?.move(pointOf(event));
  });
  const up = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    begin(null);
  };
  root.addEventListener("pointerup", up);
  root.addEventListener("pointercancel", up);
  root.addEventListener("dblclick", (event) => viewer.toggleFull(pointOf(event)));
  root.addEventListener("contextmenu", (event) => event.pointerType === "touch" && event.preventDefault());
  root.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault()); // no autoscroll
  root.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const { pan, zoom } = wheelOf(event);
      if (pan) viewer.panBy(...pan);
      else viewer.zoomBy(zoom, pointOf(event));
    },
    { passive: false },
  );
}

/** Keys for a viewer while `isOpen()`. */
export function listenToKeys(viewer, isOpen) {
  window.addEventListener("keydown", (event) => {
    const target = event.composedPath()[0];
    const does = keyOf(event);
    if (!does || !isOpen() || target.closest?.(TYPED_IN)) return;
    if (event.key === " " && target.closest?.("button, a, summary, input")) return;
    if (does.step && target !== viewer.root) return;
    if (act(viewer, does)) event.preventDefault();
  });
  window.addEventListener("keyup", (event) => keyOf(event)?.hold && viewer.hold(false));
  window.addEventListener("blur", () => viewer.hold(false));
}

/** A button that shows the picture before for as long as it is pressed, by finger, mouse or key. */
export function listenToHoldButton(button, viewer) {
  const hold = (on) => (event) => {
    if (event.key && ![" ", "Enter"].includes(event.key)) return;
    if (event.key) event.preventDefault();
    viewer.hold(on);
  };
  button.addEventListener("pointerdown", (event) => (button.setPointerCapture(event.pointerId), viewer.hold(true)));
  for (const name of ["pointerup", "pointercancel", "blur"]) button.addEventListener(name, hold(false));
  button.addEventListener("keydown", hold(true));
  button.addEventListener("keyup", hold(false));
  button.addEventListener("contextmenu", (event) => event.preventDefault());
}

function act(viewer, { hold, zoom, fit, full, step }) {
  if (step) return viewer.step(...step);
  if (hold) viewer.hold(true);
  if (zoom) (zoom > 0 ? viewer.zoomIn : viewer.zoomOut)();
  if (fit) viewer.fit();
  if (full) viewer.toFull();
  return true;
}

// One finger or the mouse: the divider, the view, or the picture as it was.
function press(viewer, start, { pointerType, button }) {
  const near = Math.abs(start[0] - viewer.divider) <= (NEAR_DIVIDER[pointerType] ?? NEAR_DIVIDER.mouse);
  if (button === 1) return drag(viewer, start);
  if (viewer.mode === "slider" && (viewer.fitted || near)) return slide(viewer, start);
  return holdOrDrag(viewer, start);
}

function slide(viewer, start) {
  viewer.slideToX(start[0]);
  return { move: ([x]) => viewer.slideToX(x), end() {} };
}

function drag(viewer, start) {
  let last = start;
  viewer.root.toggleAttribute("data-dragging", true);
  return {
    move: ([x, y]) => {
      viewer.panBy(x - last[0], y - last[1]);
      last = [x, y];
    },
    end: () => viewer.root.toggleAttribute("data-dragging", false),
  };
}

function holdOrDrag(viewer, start) {
  let dragging = null;
  const timer = setTimeout(() => viewer.hold(true), HOLD_MS);
  const letGo = () => {
    clearTimeout(timer);
    viewer.hold(false);
  };
  return {
    move: (point) => {
      const still = Math.hypot(point[0] - start[0], point[1] - start[1]) <= STILL;
      if (!dragging && (still || viewer.fitted)) return;
      if (!dragging) letGo();
      dragging ??= drag(viewer, start);
      dragging.move(point);
    },
    end: () => {
      letGo();
      dragging?.end();
    },
  };
}

function pinch(viewer, points) {
  const [before, from] = [viewer.view, points()];
  return { move: () => viewer.look((_, ...frame) => pinched(before, from, points(), ...frame)), end() {} };
}
