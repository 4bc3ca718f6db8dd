// A gesture is a pure function of (the layer as it was at pointer-down, the pointer, the modifiers) -> a matrix.
//   start = { kind, matrix, segment, photo, at, ... }   points are photo pixels

import { apply, compose, meanScale, rotation, scaling, translation } from "./affine.js";
import { centreOf, cornersOf } from "./collage.js";

export const MIN_SCALE = 0.02;
export const MAX_SCALE = 20;
const SNAP = Math.PI / 12;
const STAYS_VISIBLE = 0.04; // of the photo's long side, or half of the layer where that is less

const minus = ([x, y], [u, v]) => [x - u, y - v];
const length = ([x, y]) => Math.hypot(x, y);
const angleOf = ([x, y]) => Math.atan2(y, x);

/** shift keeps to one axis. */
export function move(start, to, { shift } = {}) {
  let [dx, dy] = minus(to, start.at);
  if (shift) [dx, dy] = Math.abs(dx) > Math.abs(dy) ? [dx, 0] : [0, dy];
  return keepReachable(compose(translation(dx, dy), start.matrix), start);
}

/** start.corner: 0 to 3, clockwise from the top left. About the opposite corner, or about the centre with alt. */
export function scale(start, to, { alt } = {}) {
  const corners = cornersOf(start.segment, start.matrix);
  const anchor = alt ? centreOf(start.segment, start.matrix) : corners[(start.corner + 2) % 4];
  const [ax, ay] = minus(corners[start.corner], anchor);
  const [x, y] = minus(minus(to, minus(start.at, corners[start.corner])), anchor);
  const wanted = (x * ax + y * ay) / Math.max(ax * ax + ay * ay, 1e-9);
  const factor = clampFactor(wanted, start.matrix);
  return keepReachable(compose(scaling(factor, factor, anchor), start.matrix), start);
}

/** Turn about the centre; shift snaps the layer's own angle to steps of 15 degrees. */
export function rotate(start, to, { shift } = {}) {
  const centre = centreOf(start.segment, start.matrix);
  let turn = angleOf(minus(to, centre)) - angleOf(minus(start.at, centre));
  if (shift) {
    const before = Math.atan2(start.matrix[1], start.matrix[0]);
    turn = Math.round((before + turn) / SNAP) * SNAP - before;
  }
  return keepReachable(compose(rotation(turn, centre), start.matrix), start);
}

/** Two fingers: start.at and start.other go to `to` and `other`; what lies under them stays under them. */
export function pinch(start, to, other) {
  const before = minus(start.other, start.at);
  const after = minus(other, to);
  const factor = clampFactor(length(after) / Math.max(length(before), 1e-6), start.matrix);
  const turned = compose(rotation(angleOf(after) - angleOf(before), start.at), scaling(factor, factor, start.at));
  const between = apply(turned, middle(start.at, start.other));
  const [dx, dy] = minus(middle(to, other), between);
  return keepReachable(compose(translation(dx, dy), compose(turned, start.matrix)), start);
}

/** Move by whole photo pixels, for the arrow keys. */
export const nudge = (start, dx, dy) => keepReachable(compose(translation(dx, dy), start.matrix), start);

const middle = ([x, y], [u, v]) => [(x + u) / 2, (y + v) / 2];

const clampFactor = (factor, matrix) => {
  const now = meanScale(matrix);
  return Math.min(Math.max(factor, MIN_SCALE / now), MAX_SCALE / now);
};

/** Push the layer back so far that a bit of its box stays on the photo: what cannot be seen cannot be grabbed. */
export function keepReachable(matrix, { segment, photo }) {
  const corners = cornersOf(segment, matrix);
  const push = (axis, size) => {
    const values = corners.map((corner) => corner[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = Math.min(STAYS_VISIBLE * Math.max(photo.width, photo.height), (high - low) / 2);
    return Math.max(0, margin - high) - Math.max(0, low - (size - margin));
  };
  const [dx, dy] = [push(0, photo.width), push(1, photo.height)];
  return dx || dy ? compose(translation(dx, dy), matrix) : matrix;
}

const GESTURES = { move, scale, rotate };

/** The matrix of a one-pointer gesture at pointer `to`. */
export const advance = (start, to, modifiers) => GESTURES[start.kind](start, to, modifiers);
