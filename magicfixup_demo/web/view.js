// How the photo lies on the canvas: one matrix from photo pixels to CSS pixels, and back.

import { apply, invert } from "./affine.js";

/** Fit the photo into a stage of CSS pixels with a margin, centred; never enlarged more than `most` times. */
export function fit(photo, stage, margin, most = 4) {
  const width = Math.max(stage.width - 2 * margin, 1);
  const height = Math.max(stage.height - 2 * margin, 1);
  const scale = Math.min(width / photo.width, height / photo.height, most);
  const x = (stage.width - photo.width * scale) / 2;
  const y = (stage.height - photo.height * scale) / 2;
  return [scale, 0, 0, scale, x, y];
}

export const viewToPhoto = (view, point) => apply(invert(view), point);

export const isInside = (photo, [x, y]) => x >= 0 && y >= 0 && x < photo.width && y < photo.height;
