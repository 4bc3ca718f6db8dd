// A gesture is a pure function of (the layer as it was at pointer-down, the pointer, the modifiers) -> a matrix.
//   start = { kind, matrix, distort?, segment, photo, at, ... }   points are photo pixels

import { apply, compose, invert, meanScale, rotation, scaling, translation } from "../model/affine.js";
import { centreOf, cornersOf } from "../model/collage.js";

export const MIN_SCALE = 0.02;
export const MAX_SCALE = 20;
const SNAP = Math.PI / 12;
const QUARTER = Math.PI / 2;
const MAGNET = Math.PI / 60; // this near to upright a turning layer stays upright
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

/**
 * start.corner: 0 to 3, clockwise from the top left. About the opposite corner, or about the centre with alt; keeps the
 * sides' ratio but for shift.
 */
export function scale(start, to, { alt, shift } = {}) {
  if (shift) return stretch(start, to, { alt });
  const corners = cornersOf(start.segment, start.matrix, start.distort);
  const anchor = alt ? centreOf(start.segment, start.matrix, start.distort) : corners[(start.corner + 2) % 4];
  const [ax, ay] = minus(corners[start.corner], anchor);
  const [x, y] = minus(minus(to, minus(start.at, corners[start.corner])), anchor);
  const wanted = (x * ax + y * ay) / Math.max(ax * ax + ay * ay, 1e-9);
  const factor = clampFactor(wanted, start.matrix);
  return keepReachable(compose(scaling(factor, factor, anchor), start.matrix), start);
}

/**
 * Free aspect, along the layer's own axes: by start.side (0 to 3: top, right, bottom, left) one of them, by
 * start.corner both. What lies opposite stays, or the centre with alt.
 */
export function stretch(start, to, { alt } = {}) {
  const local = (point) => apply(invert(start.matrix), point);
  const [handle, opposite] = gripsOf(start).map(local);
  const anchor = alt ? local(centreOf(start.segment, start.matrix, start.distort)) : opposite;
  const [x, y] = minus(local(to), local(start.at));
  const factorAlong = (axis, by) => {
    const length = handle[axis] - anchor[axis];
    return Math.abs(length) < 1e-6 ? 1 : clampAxis((length + by) / length, start.matrix, axis);
  };
  const factors = [start.side % 2 === 0 ? 1 : factorAlong(0, x), start.side % 2 === 1 ? 1 : factorAlong(1, y)];
  return keepReachable(compose(start.matrix, scaling(...factors, anchor)), start);
}

// The corner, or the middle of the side, that is held, and the one opposite to it.
function gripsOf({ segment, matrix, distort, side, corner }) {
  const corners = cornersOf(segment, matrix, distort);
  if (side === undefined) return [corners[corner], corners[(corner + 2) % 4]];
  return [side, side + 2].map((k) => middle(corners[k % 4], corners[(k + 1) % 4]));
}

/** Turn about the centre; shift snaps the layer's own angle to steps of 15 degrees; upright holds it lightly, but for ctrl. */
export function rotate(start, to, keys = {}) {
  const { turn } = turnOf(start, to, keys);
  return keepReachable(compose(rotation(turn, centreOf(start.segment, start.matrix, start.distort)), start.matrix), start);
}

/** { turn, angle, held }: radians to turn by, the layer's own angle then, and whether a snap holds it there. */
export function turnOf(start, to, { shift, ctrl } = {}) {
  const centre = centreOf(start.segment, start.matrix, start.distort);
  const before = Math.atan2(start.matrix[1], start.matrix[0]);
  const wanted = before + angleOf(minus(to, centre)) - angleOf(minus(start.at, centre));
  const step = shift ? SNAP : QUARTER;
  const snapped = Math.round(wanted / step) * step;
  const held = Boolean(shift) || (!ctrl && Math.abs(wanted - snapped) < MAGNET);
  const angle = held ? snapped : wanted;
  return { turn: angle - before, angle, held };
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

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const clampFactor = (factor, matrix) => {
  const now = meanScale(matrix);
  return clamp(factor, MIN_SCALE / now, MAX_SCALE / now);
};

// Never below the smallest scale, so that nothing is turned inside out by its own handle.
const clampAxis = (factor, matrix, axis) => {
  const now = Math.hypot(matrix[2 * axis], matrix[2 * axis + 1]);
  return clamp(factor, MIN_SCALE / now, MAX_SCALE / now);
};

/** Push the layer back so far that a bit of its box stays on the photo: what cannot be seen cannot be grabbed. */
export function keepReachable(matrix, { segment, photo, distort }) {
  const corners = cornersOf(segment, matrix, distort);
  const push = (axis, size) => {
    const values = corners.map((corner) => corner[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = Math.min(STAYS_VISIBLE * Math.max(photo.width, photo.height), (high - low) / 2);
    return Math.max(0, margin - high) - Math.max(0, low - (size - margin));
  };
  const [dx, dy] = [push(0, photo.width), push(1, photo.height)];
  return dx || dy ? compose(translation(dx, dy), matrix) : matrix;
}

const GESTURES = { move, scale, stretch, rotate };

/** The matrix of a one-pointer gesture at pointer `to`. */
export const advance = (start, to, modifiers) => GESTURES[start.kind](start, to, modifiers);
