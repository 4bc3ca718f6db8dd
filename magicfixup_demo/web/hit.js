// What lies under a point of the photo. A segment answers `covers(x, y)` in photo pixels of its own place.

import { apply, invert } from "./affine.js";
import { segmentOf } from "./collage.js";

/** The topmost layer whose cut-out covers the point, or null. */
export function layerAt(state, point) {
  for (const layer of [...state.layers].reverse()) {
    const [x, y] = apply(invert(layer.matrix), point);
    if (segmentOf(state, layer).covers(x, y)) return layer;
  }
  return null;
}

/** Whether the photo's pixel there is cut out. (Where a layer covers it, layerAt is asked first.) */
export const isCutOut = (state, [x, y]) => state.segments.some((segment) => segment.covers(x, y));

/** Index of the prompt point within `radius` of the point, or -1. */
export function promptPointAt(points, [x, y], radius) {
  const distances = points.map(([px, py]) => Math.hypot(px - x, py - y));
  const nearest = Math.min(...distances);
  return nearest <= radius ? distances.indexOf(nearest) : -1;
}
