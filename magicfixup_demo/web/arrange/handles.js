// Where the handles of a layer are on screen, and which one a pointer hits. All in CSS pixels of the canvas. Pure.

import { apply } from "../model/affine.js";
import { cornersOf } from "../model/collage.js";

export const HIT_RADIUS = { mouse: 8, pen: 16, touch: 28 };
export const DRAWN_RADIUS = { mouse: 5.5, pen: 8, touch: 11 };
const ROTATE_DISTANCE = { mouse: 34, pen: 40, touch: 50 };
const MARGIN = 14;
const SIDE_NEEDS = 5; // hit radii of room along a side, so that its own handle is not in the corners' way
const LEAST_MIDDLE = 3; // a corner of a small layer takes no more than this part of its side: the middle is for moving

/**
 * { corners: [4 points], sides: [4 points or null], rotate: point or null, stem: point } of a layer { matrix, distort };
 * `view` maps photo pixels to CSS pixels. Distorting, there are only corners.
 */
export function handlesOf(segment, layer, view, stage, pointerType = "mouse", distorting = false) {
  const corners = cornersOf(segment, layer.matrix, layer.distort).map((corner) => apply(view, corner));
  if (distorting) return { corners, sides: [null, null, null, null], rotate: null, stem: null };
  const room = SIDE_NEEDS * (HIT_RADIUS[pointerType] ?? HIT_RADIUS.mouse);
  const sides = corners.map((corner, k) => {
    const next = corners[(k + 1) % 4];
    return distance(corner, next) >= room ? middle(corner, next) : null;
  });
  return { corners, sides, ...turning(corners, stage, ROTATE_DISTANCE[pointerType] ?? ROTATE_DISTANCE.mouse) };
}

// Over the top side, or below the bottom where there is no room above; always on the stage.
function turning(corners, stage, away) {
  const above = rotateHandle(corners, 0, 1, away);
  const below = rotateHandle(corners, 2, 3, away);
  const { point, stem } = fits(above.point, stage) || !fits(below.point, stage) ? above : below;
  return { rotate: [clamp(point[0], MARGIN, stage.width - MARGIN), clamp(point[1], MARGIN, stage.height - MARGIN)], stem };
}

/**
 * { kind: "rotate" }, { kind: "scale", corner }, { kind: "distort", corner } where only the corners can be had,
 * { kind: "stretch", side }, or null. The nearest within reach wins; a small layer keeps its middle free to drag.
 */
export function hitHandle(handles, point, pointerType) {
  const radius = HIT_RADIUS[pointerType] ?? HIT_RADIUS.mouse;
  const reach = Math.min(radius, Math.max(HIT_RADIUS.mouse, smallestSide(handles.corners) / LEAST_MIDDLE));
  const kind = handles.rotate ? "scale" : "distort";
  const targets = [
    { at: handles.rotate, limit: radius, hit: { kind: "rotate" } },
    ...handles.corners.map((at, corner) => ({ at, limit: reach, hit: { kind, corner } })),
    ...handles.sides.map((at, side) => ({ at, limit: reach, hit: { kind: "stretch", side } })),
  ];
  let best = null;
  for (const { at, limit, hit } of targets) {
    const away = at ? distance(at, point) : Infinity;
    if (away <= limit && (!best || away < best.away)) best = { away, hit };
  }
  return best?.hit ?? null;
}

/** The mouse pointer that fits a handle: the direction in which it pulls, as it lies on screen. */
export function handleCursor(handles, { kind, corner, side }) {
  if (kind === "rotate") return "grab";
  if (kind === "distort") return "crosshair";
  const [from, to] = side === undefined ? [corner, corner + 2] : [side, side + 2];
  const at = (k) => (side === undefined ? handles.corners[k % 4] : middle(handles.corners[k % 4], handles.corners[(k + 1) % 4]));
  const [[x, y], [u, v]] = [at(from), at(to)];
  const eighths = Math.round(Math.atan2(v - y, u - x) / (Math.PI / 4)) + 4;
  return ["ew-resize", "nwse-resize", "ns-resize", "nesw-resize"][eighths % 4];
}

/** Whether a point is on a convex quad, or no further than `margin` from it. */
export function isOnQuad(corners, point, margin) {
  const sign = (k) => {
    const [[x, y], [u, v]] = [corners[k], corners[(k + 1) % 4]];
    return Math.sign((u - x) * (point[1] - y) - (v - y) * (point[0] - x));
  };
  const signs = [0, 1, 2, 3].map(sign);
  if (signs.every((one) => one >= 0) || signs.every((one) => one <= 0)) return true;
  return corners.some((corner, k) => toSegment(point, corner, corners[(k + 1) % 4]) <= margin);
}

function toSegment([px, py], [x, y], [u, v]) {
  const length = Math.max((u - x) ** 2 + (v - y) ** 2, 1e-9);
  const t = clamp(((px - x) * (u - x) + (py - y) * (v - y)) / length, 0, 1);
  return Math.hypot(px - x - t * (u - x), py - y - t * (v - y));
}

function rotateHandle(corners, i, j, away) {
  const stem = middle(corners[i], corners[j]);
  const centre = middle(corners[0], corners[2]);
  const out = [stem[0] - centre[0], stem[1] - centre[1]];
  const norm = Math.max(Math.hypot(...out), 1e-6);
  return { stem, point: stem.map((value, axis) => value + (out[axis] / norm) * away) };
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const middle = ([x, y], [u, v]) => [(x + u) / 2, (y + v) / 2];

const distance = ([x, y], [u, v]) => Math.hypot(u - x, v - y);

const fits = ([x, y], { width, height }) => x >= MARGIN && y >= MARGIN && x <= width - MARGIN && y <= height - MARGIN;

const smallestSide = (corners) => Math.min(distance(corners[0], corners[1]), distance(corners[1], corners[2]));
