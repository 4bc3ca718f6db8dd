// Where a layer belongs before anybody moves it, and the way back there. Pure.

import { IDENTITY, compose, scaling, translation } from "../model/affine.js";
import { findLayer, photoOf, segmentOf } from "../model/collage.js";

const MOST_OF_PHOTO = 0.8; // how much of the photo's sides an object from elsewhere may take at first

/** An object of the photo belongs where it was cut; one from another photo in the middle, as large as it was there. */
export function homeOf(state, segment) {
  return segment.source ? fitted(photoOf(state, segment), segment, state.photo) : IDENTITY;
}

/** source pixels -> photo pixels: the object centred, as large in the photo as it is in its own, and never too large. */
export function fitted(source, segment, photo) {
  const [sx, sy] = ["width", "height"].map((side) => photo[side] / source[side]);
  const most = Math.min((MOST_OF_PHOTO * photo.width) / segment.width, (MOST_OF_PHOTO * photo.height) / segment.height);
  const scale = Math.min(sx, sy, most);
  const middle = [segment.left + segment.width / 2, segment.top + segment.height / 2];
  const move = translation(photo.width / 2 - middle[0], photo.height / 2 - middle[1]);
  return compose(move, scaling(scale, scale, middle));
}

/** The layer's shape and place as they were when it was cut out; its name, order and opacity stay. */
export function resetLayer(state, id) {
  const layer = findLayer(state, id);
  const home = { ...layer, matrix: homeOf(state, segmentOf(state, layer)), distort: null };
  return { ...state, layers: state.layers.map((each) => (each.id === id ? home : each)) };
}

/**
 * The photo as it was opened, with the cut-outs kept: one layer for each, in its place, also for what was deleted;
 * copies and what came from other photos go.
 */
export function resetAll(state, newId) {
  const segments = state.segments.filter((segment) => !segment.source);
  const layers = segments.map((segment) => {
    const { id, name = "" } = state.layers.find((layer) => layer.segment === segment.id) ?? { id: newId("l") };
    return { id, segment: segment.id, matrix: IDENTITY, name };
  });
  return { ...state, sources: [], segments, layers };
}
