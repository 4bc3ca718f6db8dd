// Draws the collage for the eyes. collage.py is THE renderer; a browser test holds this one to it.

import { IDENTITY, compose, isIdentity, scaling } from "../model/affine.js";
import { isInPlace, opacityOf, photoOf, segmentOf } from "../model/collage.js";
import { warpedCutout } from "./distort.js";
import { makeCanvas } from "./masks.js";
import { drawShadow } from "./shadows.js";

let base = { photo: null, segments: [], ground: null, canvas: null }; // what lies under the layers, as drawn last

/** Where nothing is known of the photo without its objects, nor of their shadows. See live/plates.js. */
const NOTHING = { groundOf: () => null, shadowOf: () => null, litOf: (_, segment) => segment };

/** Draw the whole collage into a canvas of the scene's size; what is left clear is hole. */
export function drawScene(context, state, plates = NOTHING) {
  const { photo, layers } = state;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  context.globalCompositeOperation = "copy";
  context.drawImage(baseOf(state, plates.groundOf(state)), 0, 0);
  context.globalCompositeOperation = "source-over";
  for (const layer of layers) if (!layer.hidden) drawLayer(context, state, layer, IDENTITY, { plates });
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
}

/**
 * Draw one layer, and below it its shadow; `outer` maps scene pixels to those of the context, which holds all that lies
 * below unless `alone`. `moving`: a gesture goes on.
 */
export function drawLayer(context, state, layer, outer, { moving = false, alone = false, plates = NOTHING } = {}) {
  const { photo } = state;
  const segment = plates.litOf(state, segmentOf(state, layer));
  const shadow = isInPlace(layer) ? null : plates.shadowOf(state, segment);
  if (shadow) drawShadow(context, shadow, layer, compose(outer, scaling(photo.scale, photo.scale)), opacityOf(layer));
  const still = isIdentity(layer.matrix) && !layer.distort && !segment.source;
  if (still && opacityOf(layer) === 1 && !alone) return putBack(context, segment, outer);
  const { scale } = photoOf(state, segment);
  const [a, b, c, d, e, f] = layer.matrix;
  const zoom = photo.scale / scale; // its own photo may be shown at another size than this one
  context.globalAlpha = opacityOf(layer);
  context.imageSmoothingEnabled = !still || !isIdentity(outer);
  context.imageSmoothingQuality = "high";
  context.setTransform(...compose(outer, [a * zoom, b * zoom, c * zoom, d * zoom, e * photo.scale, f * photo.scale]));
  if (layer.distort) drawDistorted(context, warpedCutout(segment, layer.distort, scale, moving));
  else context.drawImage(segment.cutout, segment.sx, segment.sy);
}

function drawDistorted(context, { canvas, x, y, scale, scaleY }) {
  context.drawImage(canvas, x, y, canvas.width / scale, canvas.height / scaleY);
}

// Whole and where it was cut: the photo itself again, but for where a soft edge stands before another layer.
function putBack(context, { cutout, original, sx, sy }, outer) {
  context.setTransform(...outer);
  context.globalAlpha = 1;
  context.imageSmoothingEnabled = !isIdentity(outer);
  context.globalCompositeOperation = cutout === original ? "source-over" : "source-atop";
  context.drawImage(cutout, sx, sy);
  context.globalCompositeOperation = "destination-over";
  if (cutout !== original) context.drawImage(original, sx, sy);
  context.globalCompositeOperation = "source-over";
}

// One is kept: memory counts on a phone, and a gesture changes layers, not segments.
function baseOf({ photo, segments }, ground) {
  const own = segments.filter((segment) => !segment.source);
  if (!own.length) return photo.bitmap;
  const sameSegments = base.segments.length === own.length && own.every((one, i) => one === base.segments[i]);
  const same = base.photo === photo && base.ground === ground && sameSegments;
  if (!same) base = { photo, segments: own, ground, canvas: cutOutOf(photo, own, ground) };
  return base.canvas;
}

// The ground reaches beyond what was removed, so that it lies under objects that stand there still: what is laid over it
// mixes with it as with another layer, and only where there is none the photo is put back. Twin of `laid_over` in
// engine/arrangement.py.
function cutOutOf(photo, segments, ground) {
  const canvas = makeCanvas(photo.bitmap.width, photo.bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(photo.bitmap, 0, 0);
  cutOut(context, segments);
  for (const { image, left, top } of ground?.patches ?? []) context.drawImage(image, left, top);
  cutOut(context, ground?.open ?? []);
  return canvas;
}

function cutOut(context, segments) {
  context.globalCompositeOperation = "destination-out";
  for (const segment of segments) context.drawImage(segment.hole, segment.sx, segment.sy);
  context.globalCompositeOperation = "source-over";
}
