// Small JPEGs as data addresses, of a photo or of a whole arrangement.

import { makeCanvas } from "./masks.js";
import { drawScene } from "./render.js";

const HOLE = "#c8c8d2";

/** picture: a bitmap or a canvas; longest: pixels of the longer side. */
export function thumbnail(picture, longest) {
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = makeCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = HOLE;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.8);
}

export function thumbnailOf(state, longest) {
  const canvas = makeCanvas(state.photo.bitmap.width, state.photo.bitmap.height);
  drawScene(canvas.getContext("2d"), state);
  return thumbnail(canvas, longest);
}
