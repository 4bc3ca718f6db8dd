// What lies under a point of the photo. A segment answers `covers(x, y)` in pixels of the photo that it was cut from.

import { segmentOf, sourcePoint } from "../model/collage.js";

/** Whether the layer's cut-out covers the point. */
export function layerCovers(state, layer, point) {
  const segment = segmentOf(state, layer);
  return segment.covers(...sourcePoint(segment, layer, point));
}

/** All layers under the point that can be taken in hand, from the front to the back: neither hidden nor locked. */
export const layersAt = (state, point) =>
  state.layers.filter((layer) => !layer.hidden && !layer.locked && layerCovers(state, layer, point)).reverse();

/** The topmost of them, or null. */
export const layerAt = (state, point) => layersAt(state, point)[0] ?? null;

/** Whether the photo's pixel there is cut out. (Where a layer covers it, layerAt is asked first.) */
export const isCutOut = (state, [x, y]) => state.segments.some((segment) => !segment.source && segment.covers(x, y));

/** Index of the prompt point within `radius` of the point, or -1. */
export function promptPointAt(points, [x, y], radius) {
  const distances = points.map(([px, py]) => Math.hypot(px - x, py - y));
  const nearest = Math.min(...distances);
  return nearest <= radius ? distances.indexOf(nearest) : -1;
}
