// Where the handles of a layer are on screen, and which one a pointer hits. All in CSS pixels of the canvas.

import { apply } from "./affine.js";
import { cornersOf } from "./collage.js";

export const HIT_RADIUS = { mouse: 8, pen: 16, touch: 28 };
const ROTATE_DISTANCE = 34;
const MARGIN = 14;

/** { corners: [4 points], rotate: point, stem: point } of a layer; `view` maps photo pixels to CSS pixels. */
export function handlesOf(segment, matrix, view, stage) {
  const corners = cornersOf(segment, matrix).map((corner) => apply(view, corner));
  const inside = (corner) => [clamp(corner[0], MARGIN, stage.width - MARGIN), clamp(corner[1], MARGIN, stage.height - MARGIN)];
  const above = rotateHandle(corners, 0, 1);
  const below = rotateHandle(corners, 2, 3);
  const { point, stem } = fits(above.point, stage) || !fits(below.point, stage) ? above : below;
  return { corners, rotate: inside(point), stem };
}

/** "rotate", or { corner: 0..3 }, or null. The nearest within reach wins; a small layer keeps its middle free to drag. */
export function hitHandle(handles, [x, y], pointerType) {
  const radius = HIT_RADIUS[pointerType] ?? HIT_RADIUS.mouse;
  const targets = [{ at: handles.rotate, hit: { kind: "rotate" } }];
  handles.corners.forEach((at, corner) => targets.push({ at, hit: { kind: "scale", corner } }));
  const reach = Math.min(radius, Math.max(8, smallestSide(handles.corners) / 3));
  let best = null;
  for (const { at, hit } of targets) {
    const distance = Math.hypot(at[0] - x, at[1] - y);
    const limit = hit.kind === "rotate" ? radius : reach;
    if (distance <= limit && (!best || distance < best.distance)) best = { distance, hit };
  }
  return best?.hit ?? null;
}

/** The mouse pointer that fits a corner: the diagonal it is nearest to on screen. */
export function cornerCursor(handles, corner) {
  const [x, y] = handles.corners[corner];
  const [u, v] = handles.corners[(corner + 2) % 4];
  return (x - u) * (y - v) > 0 ? "nwse-resize" : "nesw-resize";
}

function rotateHandle(corners, i, j) {
  const stem = [(corners[i][0] + corners[j][0]) / 2, (corners[i][1] + corners[j][1]) / 2];
  const centre = [(corners[0][0] + corners[2][0]) / 2, (corners[0][1] + corners[2][1]) / 2];
  const out = [stem[0] - centre[0], stem[1] - centre[1]];
  const norm = Math.max(Math.hypot(...out), 1e-6);
  return { stem, point: stem.map((value, axis) => value + (out[axis] / norm) * ROTATE_DISTANCE) };
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const fits = ([x, y], { width, height }) => x >= MARGIN && y >= MARGIN && x <= width - MARGIN && y <= height - MARGIN;

const smallestSide = (c) => Math.min(Math.hypot(c[0][0] - c[1][0], c[0][1] - c[1][1]), Math.hypot(c[1][0] - c[2][0], c[1][1] - c[2][1]));
