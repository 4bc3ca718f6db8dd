// Masks in the browser: PNG -> alpha on the scene's pixel grid -> cut-out, and back to PNG.
// The scene is the display-sized photo; `photo.scale` is scene pixels per photo pixel (at most 1).

import { decontaminate, reachOf } from "./decontaminate.js";

/** The photo is cut out where a mask is at least this; below it counts as outside. Twin of CUT_THRESHOLD in collage.py. */
export const CUT = 13;

export function makeCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, width);
  canvas.height = Math.max(1, height);
  return canvas;
}

/** Bytes of a base64 picture -> ImageBitmap. */
export async function decodePicture(url) {
  const blob = await (await fetch(url)).blob();
  return createImageBitmap(blob);
}

/**
 * A mask record { left, top, width, height, mask } -> a live mask: `alpha` of sw x sh scene pixels whose top left
 * is scene pixel (sx, sy): 0 or 255 when the record's mask is hard, all between when it is soft. On the scene's own grid,
 * so that a piece put back leaves no seam. `photo` is the one it was selected on.
 */
export async function readMask(record, photo) {
  const bitmap = await decodePicture("data:image/png;base64," + record.mask);
  const width = record.width ?? bitmap.width;
  const height = record.height ?? bitmap.height;
  const { left, top } = record;
  const sx = Math.floor(left * photo.scale);
  const sy = Math.floor(top * photo.scale);
  const sw = Math.min(Math.ceil((left + width) * photo.scale), photo.bitmap.width) - sx;
  const sh = Math.min(Math.ceil((top + height) * photo.scale), photo.bitmap.height) - sy;
  const context = makeCanvas(sw, sh).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = photo.scale < 1;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, left * photo.scale - sx, top * photo.scale - sy, width * photo.scale, height * photo.scale);
  const soft = isSoftPicture(bitmap);
  bitmap.close();
  const { data } = context.getImageData(0, 0, sw, sh);
  const alpha = new Uint8Array(sw * sh);
  for (let i = 0; i < alpha.length; i++) alpha[i] = soft ? data[4 * i] : data[4 * i] >= 128 ? 255 : 0;
  return { left, top, width, height, png: record.mask, sx, sy, sw, sh, alpha };
}

/** Whether a mask has anything between inside and outside. */
export const isSoft = (alpha) => alpha.some((value) => value > 0 && value < 255);

function isSoftPicture(bitmap) {
  const context = makeCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  for (let p = 0; p < data.length; p += 4) if (data[p] > 0 && data[p] < 255) return true;
  return false;
}

/** Whether photo pixel (x, y) is inside the mask. */
export function maskCovers(mask, photo, x, y) {
  const column = Math.floor(x * photo.scale) - mask.sx;
  const row = Math.floor(y * photo.scale) - mask.sy;
  return column >= 0 && row >= 0 && column < mask.sw && row < mask.sh && mask.alpha[row * mask.sw + column] >= 128;
}

/** The mask without what `others` (live masks) cover, or null when nothing of it is left. */
export function subtractMasks(mask, others) {
  const alpha = mask.alpha.slice();
  let changed = false;
  for (const other of others) {
    for (let y = Math.max(mask.sy, other.sy); y < Math.min(mask.sy + mask.sh, other.sy + other.sh); y++) {
      for (let x = Math.max(mask.sx, other.sx); x < Math.min(mask.sx + mask.sw, other.sx + other.sw); x++) {
        const i = (y - mask.sy) * mask.sw + x - mask.sx;
        if (!alpha[i] || other.alpha[(y - other.sy) * other.sw + x - other.sx] < CUT) continue;
        alpha[i] = 0;
        changed = true;
      }
    }
  }
  if (!alpha.some(Boolean)) return null;
  return changed ? { ...mask, alpha, png: null } : mask;
}

/**
 * A live mask -> segment of the collage: `cutout` is its picture to draw (without the background at a soft edge), `hole`
 * and `original` are the piece that it takes from the photo, as the photo shows it; `png` goes to the server.
 */
export function makeSegment(id, mask, photo) {
  const original = pieceOf(photo, mask);
  const cutout = isSoft(mask.alpha) ? softPiece(photo, mask) : original;
  const covers = (x, y) => maskCovers(mask, photo, x, y);
  return { ...withPng(mask, photo), id, hole: original, original, cutout, covers };
}

/** The mask with its `png`, which is made where nobody has made it yet. */
export const withPng = (mask, photo) => (mask.png ? mask : { ...mask, png: encodeMask(maskCanvas(mask), mask, photo) });

// The photo where it is cut out, clear elsewhere.
function pieceOf(photo, mask) {
  const canvas = makeCanvas(mask.sw, mask.sh);
  const context = canvas.getContext("2d");
  context.drawImage(photo.bitmap, -mask.sx, -mask.sy);
  context.globalCompositeOperation = "destination-in";
  context.drawImage(maskCanvas({ ...mask, alpha: mask.alpha.map((value) => (value >= CUT ? 255 : 0)) }), 0, 0);
  return canvas;
}

// The mask's pixels with colours of the object alone, whose estimate needs some of the photo around the mask.
function softPiece(photo, { alpha, sx, sy, sw, sh }) {
  const reach = reachOf(photo.bitmap);
  const [x0, y0] = [Math.max(0, sx - reach), Math.max(0, sy - reach)];
  const [x1, y1] = [Math.min(photo.bitmap.width, sx + sw + reach), Math.min(photo.bitmap.height, sy + sh + reach)];
  const context = makeCanvas(x1 - x0, y1 - y0).getContext("2d", { willReadFrequently: true });
  context.drawImage(photo.bitmap, -x0, -y0);
  const pixels = context.getImageData(0, 0, x1 - x0, y1 - y0);
  const around = new Uint8Array(pixels.width * pixels.height);
  for (let y = 0; y < sh; y++) around.set(alpha.subarray(y * sw, (y + 1) * sw), (y + sy - y0) * pixels.width + sx - x0);
  decontaminate(pixels.data, around, pixels.width, pixels.height, reach);
  around.forEach((value, i) => (pixels.data[4 * i + 3] = value >= CUT ? value : 0));
  const canvas = makeCanvas(sw, sh);
  canvas.getContext("2d").putImageData(pixels, x0 - sx, y0 - sy);
  return canvas;
}

/** alpha -> canvas: white where inside, clear elsewhere. */
export function maskCanvas({ alpha, sw, sh }) {
  const canvas = makeCanvas(sw, sh);
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(sw, sh);
  pixels.data.fill(255);
  for (let i = 0; i < alpha.length; i++) pixels.data[4 * i + 3] = alpha[i];
  context.putImageData(pixels, 0, 0);
  return canvas;
}

// White on black over the segment's own box, at scene size: the server enlarges it to the box.
function encodeMask(hole, { left, top, width, height, sx, sy }, photo) {
  const canvas = makeCanvas(Math.ceil(width * photo.scale), Math.ceil(height * photo.scale));
  const context = canvas.getContext("2d");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(hole, sx - left * photo.scale, sy - top * photo.scale);
  return canvas.toDataURL("image/png").split(",")[1];
}
