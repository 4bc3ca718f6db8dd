// The arrangement as plain immutable data, and the pure steps that change it. Twin of schema.Collage.
//   state = { photo, segments: [segment], layers: [{ id, segment, matrix }] }   layers go back to front
//   segment = { id, left, top, width, height, png, ... }   photo pixels; `png` is the base64 mask that covers that box

import { IDENTITY, apply, compose, isIdentity, scaling, translation } from "./affine.js";

export const EMPTY = Object.freeze({ photo: null, segments: [], layers: [] });

export const newId = (prefix) => prefix + Math.random().toString(36).slice(2, 10);

export const findLayer = (state, id) => state.layers.find((layer) => layer.id === id) ?? null;

export const segmentOf = (state, layer) => state.segments.find((segment) => segment.id === layer.segment);

/** Cut a new object out: it appears as a layer on top, right where it was. */
export function addObject(state, segment, layerId) {
  const layer = { id: layerId, segment: segment.id, matrix: IDENTITY };
  return { ...state, segments: [...state.segments, segment], layers: [...state.layers, layer] };
}

export function setMatrix(state, layerId, matrix) {
  return { ...state, layers: state.layers.map((layer) => (layer.id === layerId ? { ...layer, matrix } : layer)) };
}

/** Delete the layer; its segment stays cut out, so a hole opens unless another layer covers it. */
export const removeLayer = (state, layerId) => ({
  ...state,
  layers: state.layers.filter((layer) => layer.id !== layerId),
});

/** A copy on top of its original, moved aside by `offset` so that it can be seen. */
export function duplicateLayer(state, layerId, copyId, [dx, dy]) {
  const index = state.layers.findIndex((layer) => layer.id === layerId);
  if (index < 0) return state;
  const original = state.layers[index];
  const copy = { ...original, id: copyId, matrix: compose(translation(dx, dy), original.matrix) };
  return { ...state, layers: inserted(state.layers, index + 1, copy) };
}

/** Move the layer by `by` places towards the front (+) or the back (-). */
export function reorderLayer(state, layerId, by) {
  const from = state.layers.findIndex((layer) => layer.id === layerId);
  const to = Math.min(Math.max(from + by, 0), state.layers.length - 1);
  if (from < 0 || from === to) return state;
  return { ...state, layers: inserted(without(state.layers, from), to, state.layers[from]) };
}

/** Mirror left and right about the layer's own centre, as it stands on screen. */
export function flipLayer(state, layerId) {
  const layer = findLayer(state, layerId);
  if (!layer) return state;
  const centre = centreOf(segmentOf(state, layer), layer.matrix);
  return setMatrix(state, layerId, compose(scaling(-1, 1, centre), layer.matrix));
}

export const cornersOf = ({ left, top, width, height }, matrix) =>
  [
    [left, top],
    [left + width, top],
    [left + width, top + height],
    [left, top + height],
  ].map((corner) => apply(matrix, corner));

export const centreOf = ({ left, top, width, height }, matrix) => apply(matrix, [left + width / 2, top + height / 2]);

/** Whether anything looks different from the photo: a layer that moved, or a segment that no layer stands for. */
export function hasEdits(state) {
  const shown = new Set(state.layers.map((layer) => layer.segment));
  return state.layers.some((layer) => !isIdentity(layer.matrix)) || state.segments.some(({ id }) => !shown.has(id));
}

/** The JSON that collage_json.py reads. */
export function toJson({ photo, segments, layers }) {
  return {
    version: 1,
    photo: { width: photo.width, height: photo.height },
    segments: segments.map(({ id, left, top, width, height, png }) => ({ id, left, top, width, height, mask: png })),
    layers: layers.map(({ id, segment, matrix }) => ({ id, segment, matrix: [...matrix] })),
  };
}

function inserted(list, index, item) {
  return [...list.slice(0, index), item, ...list.slice(index)];
}

function without(list, index) {
  return [...list.slice(0, index), ...list.slice(index + 1)];
}
