// The arrangement as plain immutable data, and the pure steps that change it. Twin of schema.Collage.
//   state = { photo, sources: [photo], segments: [segment], layers: [layer], shadows }   layers go back to front; shadows:
//           whether objects take theirs along, false for what an old file holds
//   photo = { id, token, name, width, height, picture, bitmap, scale, reopen, origin, ready? }   id "" for the one being edited
//   segment = { id, left, top, width, height, png, source?, ... }   pixels of the photo `source` names, or of the photo
//   layer = { id, segment, matrix, distort?, name?, hidden?, locked?, opacity?, shadow?, softness? }   see schema.Layer

import { IDENTITY, apply, compose, invert, isIdentity, scaling, translation } from "./affine.js";
import * as homography from "./homography.js";

export const WITH_SHADOWS = 3; // of the JSON; twin of collage_json.py
export const WITHOUT_SHADOWS = 2; // and what is older
export const MOST_SHADOW = 1.5;

export const EMPTY = Object.freeze({ photo: null, sources: [], segments: [], layers: [], shadows: true });

export const newId = (prefix) => prefix + Math.random().toString(36).slice(2, 10);

export const findLayer = (state, id) => state.layers.find((layer) => layer.id === id) ?? null;

export const segmentOf = (state, layer) => state.segments.find((segment) => segment.id === layer.segment);

/** The photo that a segment was cut from. */
export const photoOf = (state, segment) =>
  segment.source ? state.sources.find(({ id }) => id === segment.source) : state.photo;

/** { id: token } of the other photos, for the server. */
export const sourceTokens = (state) => Object.fromEntries((state.sources ?? []).map(({ id, token }) => [id, token]));

export const opacityOf = (layer) => layer.opacity ?? 1;

/** Times the strength of the shadow that was found of its object. */
export const shadowStrength = (layer) => layer.shadow ?? 1;

/** How much softer that shadow is than it was found, 0 to 1. */
export const softnessOf = (layer) => layer.softness ?? 0;

/** Whether objects take their shadows along. */
export const hasShadows = ({ shadows }) => shadows !== false;

/** Cut a new object out: it appears as a layer on top, right where it was. */
export function addObject(state, segment, layerId) {
  const layer = { id: layerId, segment: segment.id, matrix: IDENTITY };
  return { ...state, segments: [...state.segments, segment], layers: [...state.layers, layer] };
}

/** An object of another photo, on top. `source` is that photo; `matrix` takes its pixels to the photo's. */
export function addForeign(state, source, segment, layerId, matrix) {
  const known = state.sources.some(({ id }) => id === source.id);
  const layer = { id: layerId, segment: segment.id, matrix };
  return {
    ...state,
    sources: known ? state.sources : [...state.sources, source],
    segments: [...state.segments, { ...segment, source: source.id }],
    layers: [...state.layers, layer],
  };
}

/** Change some of a layer's fields: { matrix, distort, name, hidden, locked, opacity, shadow, softness }. */
export function changeLayer(state, layerId, patch) {
  return { ...state, layers: state.layers.map((layer) => (layer.id === layerId ? { ...layer, ...patch } : layer)) };
}

export const setMatrix = (state, layerId, matrix) => changeLayer(state, layerId, { matrix });

/** Put another mask in a segment's place; its layers keep what they show where they show it, also when distorted. */
export function replaceSegment(state, id, segment) {
  const old = state.segments.find((other) => other.id === id);
  if (!old) return state;
  const source = old.source ? { source: old.source } : {};
  const rebased = (layer) =>
    layer.segment === id && layer.distort ? { ...layer, distort: rebaseDistort(layer.distort, old, segment) } : layer;
  return {
    ...state,
    segments: state.segments.map((other) => (other === old ? { ...segment, id, ...source } : other)),
    layers: state.layers.map(rebased),
  };
}

/** Delete the layer. Its segment stays cut out, so a hole opens unless another layer covers it; one of another photo goes. */
export function removeLayer(state, layerId) {
  const layers = state.layers.filter((layer) => layer.id !== layerId);
  const shown = new Set(layers.map((layer) => layer.segment));
  const segments = kept(state.segments, ({ id, source }) => !source || shown.has(id));
  const used = new Set(segments.map(({ source }) => source));
  return { ...state, sources: kept(state.sources, ({ id }) => used.has(id)), segments, layers };
}

/** A copy on top of its original, moved aside by `offset` so that it can be seen. */
export function duplicateLayer(state, layerId, copyId, [dx, dy]) {
  const index = state.layers.findIndex((layer) => layer.id === layerId);
  if (index < 0) return state;
  const original = state.layers[index];
  const copy = { ...original, id: copyId, locked: false, matrix: compose(translation(dx, dy), original.matrix) };
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
  const centre = centreOf(segmentOf(state, layer), layer.matrix, layer.distort);
  return setMatrix(state, layerId, compose(scaling(-1, 1, centre), layer.matrix));
}

/** Corners of a segment's box, clockwise from the top left, in pixels of the photo that it was cut from. */
export const boxOf = ({ left, top, width, height }) => [
  [left, top],
  [left + width, top],
  [left + width, top + height],
  [left, top + height],
];

/** Where a layer shows the corners of its segment's box, in photo pixels. */
export function cornersOf(segment, matrix, distort = null) {
  const corners = boxOf(segment);
  return (distort ? homography.moved(corners, distort) : corners).map((corner) => apply(matrix, corner));
}

/** Where a layer shows the middle of its segment's box. */
export const centreOf = (segment, matrix, distort = null) => shownAt(segment, { matrix, distort }, middleOf(segment));

/** A source pixel -> where the layer shows it. */
export const shownAt = (segment, { matrix, distort }, point) =>
  apply(matrix, distort ? homography.apply(warpOf(segment, distort), point) : point);

/** The homography of a distort: the segment's box to the displaced corners, in source pixels. */
export function warpOf(segment, distort) {
  const corners = boxOf(segment);
  return homography.fromQuads(corners, homography.moved(corners, distort));
}

/** Whether the server takes a distort: the box stays convex and is not turned over. */
export const isSoundDistort = (segment, distort) => homography.isSound(boxOf(segment), distort);

/** A photo point -> the source pixel that the layer shows there. */
export function sourcePoint(segment, { matrix, distort }, point) {
  const flat = apply(invert(matrix), point);
  return distort ? homography.apply(homography.invert(warpOf(segment, distort)), flat) : flat;
}

/** Segments of the photo itself that no longer stand, whole, where they were: twin of removed_objects in engine/plate.py. */
export function removedSegments({ segments, layers }) {
  const standing = new Set(layers.filter(isInPlace).map((layer) => layer.segment));
  return segments.filter(({ id, source }) => !source && !standing.has(id));
}

/** Whether a layer shows its object, whole, where it was cut out. */
export const isInPlace = (layer) => isIdentity(layer.matrix) && !layer.distort && !layer.hidden && opacityOf(layer) === 1;

/** Whether anything looks different from the photo: a layer that changed or is foreign, or a segment without a layer. */
export function hasEdits(state) {
  const own = new Map(state.segments.map((segment) => [segment.id, !segment.source]));
  const shown = new Set(state.layers.map((layer) => layer.segment));
  const differs = (layer) => (own.get(layer.segment) ? !isInPlace(layer) : !layer.hidden);
  return state.layers.some(differs) || state.segments.some(({ id, source }) => !source && !shown.has(id));
}

/** Whether two states are the same arrangement of the same things, though one was made anew. */
export function isSameArrangement(one, other) {
  const same = (key) => (one[key] ?? []).length === (other[key] ?? []).length && (one[key] ?? []).every((item, i) => item === other[key][i]);
  const layers = (state) => JSON.stringify(state.layers.map(layerJson));
  return one.photo === other.photo && hasShadows(one) === hasShadows(other) && same("sources") && same("segments") && layers(one) === layers(other);
}

/** The JSON that collage_json.py reads; what says nothing beyond the default is left out. */
export function toJson({ photo, sources, segments, layers, shadows }) {
  return {
    version: hasShadows({ shadows }) ? WITH_SHADOWS : WITHOUT_SHADOWS,
    photo: { width: photo.width, height: photo.height },
    ...(sources?.length ? { sources: sources.map(({ id, width, height }) => ({ id, width, height })) } : {}),
    segments: segments.map(segmentJson),
    layers: layers.map(layerJson),
  };
}

const segmentJson = ({ id, left, top, width, height, png, source }) => ({
  ...{ id, left, top, width, height, mask: png },
  ...(source ? { source } : {}),
});

const layerJson = ({ id, segment, matrix, distort, name, hidden, locked, opacity, shadow, softness }) => ({
  ...{ id, segment, matrix: [...matrix] },
  ...(distort ? { distort: distort.map((offset) => [...offset]) } : {}),
  ...(name ? { name } : {}),
  ...(hidden ? { hidden } : {}),
  ...(locked ? { locked } : {}),
  ...(opacity !== undefined && opacity !== 1 ? { opacity } : {}),
  ...(shadow !== undefined && shadow !== 1 ? { shadow } : {}),
  ...(softness ? { softness } : {}),
});

const middleOf = ({ left, top, width, height }) => [left + width / 2, top + height / 2];

// The same homography told by another box's corners. Far from the old box it may fold; then the layer lies flat again.
function rebaseDistort(distort, from, to) {
  const warp = warpOf(from, distort);
  const offsets = boxOf(to).map(([x, y]) => {
    const [u, v] = homography.apply(warp, [x, y]);
    return [u - x, v - y];
  });
  return isSoundDistort(to, offsets) ? offsets : null;
}

function kept(list, wanted) {
  return list.every(wanted) ? list : list.filter(wanted);
}

function inserted(list, index, item) {
  return [...list.slice(0, index), item, ...list.slice(index)];
}

function without(list, index) {
  return [...list.slice(0, index), ...list.slice(index + 1)];
}
