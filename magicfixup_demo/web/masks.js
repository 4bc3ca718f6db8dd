// Masks in the browser: PNG -> alpha on the scene's pixel grid -> cut-out, and back to PNG.
// The scene is the display-sized photo; `photo.scale` is scene pixels per photo pixel (at most 1).

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
 * A mask record { left, top, width, height, mask } -> a live mask: `alpha` (0 or 255) of sw x sh scene pixels whose
 * top left is scene pixel (sx, sy). On the scene's own grid, so that a piece put back leaves no seam.
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
  context.drawImage(bitmap, left * photo.scale - sx, top * photo.scale - sy, width * photo.scale, height * photo.scale);
  bitmap.close();
  const { data } = context.getImageData(0, 0, sw, sh);
  const alpha = new Uint8Array(sw * sh);
  for (let i = 0; i < alpha.length; i++) alpha[i] = data[4 * i] >= 128 ? 255 : 0;
  return { left, top, width, height, png: record.mask, sx, sy, sw, sh, alpha };
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
        if (!alpha[i] || !other.alpha[(y - other.sy) * other.sw + x - other.sx]) continue;
        alpha[i] = 0;
        changed = true;
      }
    }
  }
  if (!alpha.some(Boolean)) return null;
  return changed ? { ...mask, alpha, png: null } : mask;
}

/** A live mask -> segment of the collage: with its picture to draw, its hole, and a PNG to send. */
export function makeSegment(id, mask, photo) {
  const hole = maskCanvas(mask);
  const cutout = makeCanvas(mask.sw, mask.sh);
  const context = cutout.getContext("2d");
  context.drawImage(photo.bitmap, -mask.sx, -mask.sy);
  context.globalCompositeOperation = "destination-in";
  context.drawImage(hole, 0, 0);
  const covers = (x, y) => maskCovers(mask, photo, x, y);
  return { ...mask, id, hole, cutout, covers, png: mask.png ?? encodeMask(hole, mask, photo) };
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
