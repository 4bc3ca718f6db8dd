// Alignment while moving: the layer's outline clings lightly to the photo's and other layers' edges and middles. Pure.
//   line = { axis, at, from, to }   axis 0: an upright line at x = `at` from y = `from` to `to`; axis 1: a level one

import { compose, translation } from "../model/affine.js";
import { segmentOf } from "../model/collage.js";
import { boundsOf } from "./align.js";

const SAME = 1e-6; // photo pixels, relative to the photo's size far below what can be seen

/** All lines that a layer may be aligned to: of the photo, and of every other layer that is shown. */
export function linesOf(state, layerId) {
  const { width, height } = state.photo;
  const others = state.layers.filter((layer) => layer.id !== layerId && !layer.hidden);
  const boxes = others.map((layer) => boundsOf(segmentOf(state, layer), layer));
  return [[0, 0, width, height], ...boxes].flatMap((box) => [0, 1].flatMap((axis) => linesAlong(axis, box)));
}

const linesAlong = (axis, box) =>
  stopsOf(axis, box).map((at) => ({ axis, at, from: box[1 - axis], to: box[3 - axis] }));

const stopsOf = (axis, box) => [box[axis], (box[axis] + box[axis + 2]) / 2, box[axis + 2]];

/**
 * { matrix, guides }: the layer moved on by less than `reach` photo pixels per axis, so that a line of its outline lies on
 * one of `lines`, and the lines that it lies on then, long enough to touch both. `axes`: those that may be moved along.
 */
export function alignedTo(lines, segment, layer, reach, axes = [0, 1]) {
  const box = boundsOf(segment, layer);
  const by = [0, 1].map((axis) => (axes.includes(axis) ? nearest(lines, axis, box, reach) : null));
  const moved = box.map((value, i) => value + (by[i % 2] ?? 0));
  const guides = lines.filter(({ axis, at }) => by[axis] !== null && stopsOf(axis, moved).some((stop) => Math.abs(stop - at) < SAME));
  const matrix = by[0] || by[1] ? compose(translation(by[0] ?? 0, by[1] ?? 0), layer.matrix) : layer.matrix;
  return { matrix, guides: guides.map((line) => spanning(line, moved)) };
}

// How far the box is from the nearest line, or null when none is within reach.
function nearest(lines, axis, box, reach) {
  const stops = stopsOf(axis, box);
  const ways = lines.filter((line) => line.axis === axis).flatMap(({ at }) => stops.map((stop) => at - stop));
  const best = ways.reduce((least, way) => (Math.abs(way) < Math.abs(least) ? way : least), Infinity);
  return Math.abs(best) <= reach ? best : null;
}

const spanning = ({ axis, at, from, to }, box) => ({
  ...{ axis, at },
  from: Math.min(from, box[1 - axis]),
  to: Math.max(to, box[3 - axis]),
});
