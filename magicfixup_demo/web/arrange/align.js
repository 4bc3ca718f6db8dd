// Align a layer's outline to the photo's edges and centre lines. Pure: a layer in, its new matrix out.

import { compose, translation } from "../model/affine.js";
import { cornersOf } from "../model/collage.js";

/** What can be aligned to: where the layer's box goes along one axis. */
const EDGES = {
  left: { axis: 0, target: (low) => -low },
  centre: { axis: 0, target: (low, high, size) => (size - low - high) / 2 },
  right: { axis: 0, target: (low, high, size) => size - high },
  top: { axis: 1, target: (low) => -low },
  middle: { axis: 1, target: (low, high, size) => (size - low - high) / 2 },
  bottom: { axis: 1, target: (low, high, size) => size - high },
};

export const EDGE_NAMES = Object.keys(EDGES);

/** [left, top, right, bottom] in photo pixels of the upright box around the layer as it is shown. */
export function boundsOf(segment, { matrix, distort }) {
  const corners = cornersOf(segment, matrix, distort);
  const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** The layer's matrix once its bounds touch that edge of the photo (or lie on its centre line). */
export function aligned(segment, layer, photo, edge) {
  const { axis, target } = EDGES[edge];
  const bounds = boundsOf(segment, layer);
  const by = target(bounds[axis], bounds[axis + 2], [photo.width, photo.height][axis]);
  return compose(axis === 0 ? translation(by, 0) : translation(0, by), layer.matrix);
}
