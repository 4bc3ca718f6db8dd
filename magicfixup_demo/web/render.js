// Draws the collage for the eyes. collage.py is THE renderer; a browser test holds this one to it.

import { isIdentity } from "./affine.js";
import { segmentOf } from "./collage.js";
import { makeCanvas } from "./masks.js";

const bases = new WeakMap(); // segments array -> the photo with all of them cut out

/** Draw the whole collage into a canvas of the scene's size; what is left clear is hole. */
export function drawScene(context, state) {
  const { photo, segments, layers } = state;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalCompositeOperation = "copy";
  context.drawImage(segments.length ? baseOf(photo, segments) : photo.bitmap, 0, 0);
  context.globalCompositeOperation = "source-over";
  for (const layer of layers) drawLayer(context, photo, segmentOf(state, layer), layer.matrix);
  context.setTransform(1, 0, 0, 1, 0, 0);
}

function drawLayer(context, photo, segment, matrix) {
  const [a, b, c, d, e, f] = matrix;
  context.imageSmoothingEnabled = !isIdentity(matrix);
  context.imageSmoothingQuality = "high";
  context.setTransform(a, b, c, d, e * photo.scale, f * photo.scale);
  context.drawImage(segment.cutout, segment.sx, segment.sy);
}

function baseOf(photo, segments) {
  if (!bases.has(segments)) {
    const canvas = makeCanvas(photo.bitmap.width, photo.bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(photo.bitmap, 0, 0);
    context.globalCompositeOperation = "destination-out";
    for (const segment of segments) context.drawImage(segment.hole, segment.sx, segment.sy);
    bases.set(segments, canvas);
  }
  return bases.get(segments);
}
