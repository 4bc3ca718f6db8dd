// A cut-out in perspective, which a canvas cannot draw: computed pixel by pixel once, then drawn like any other picture.
// Twin of warping.py. The pure part is `warpPixels`.

import { boxOf } from "../model/collage.js";
import * as homography from "../model/homography.js";
import { makeCanvas } from "./masks.js";

const MOST_PIXELS = 3_000_000; // of one warped cut-out
const MOST_PIXELS_MOVING = 250_000; // while its corners are being dragged
const MOST_KEPT = 16_000_000; // of all of them together

const kept = new Map(); // "segment's number, distort" -> warped, oldest first
const numbers = new WeakMap(); // cut-out -> its number
const sources = new WeakMap(); // cut-out -> its pixels as read last
let lastNumber = 0;

/**
 * The segment's cut-out with its corners displaced: { canvas, x, y, scale, scaleY }, whose top left lies at scene pixel
 * (x, y) of the segment's own photo (before the layer's matrix), with `scale` (down: `scaleY`) canvas pixels per scene pixel.
 * `moving`: coarser is fine, the next frame shows another one.
 */
export function warpedCutout(segment, distort, sceneScale, moving = false) {
  const key = `${numberOf(segment)} ${distort.flat()} ${sceneScale}`;
  const found = kept.get(key);
  if (found && (moving || !found.rough)) return remember(key, found);
  return remember(key, warp(segment, distort, sceneScale, moving ? MOST_PIXELS_MOVING : MOST_PIXELS));
}

function numberOf(segment) {
  if (!numbers.has(segment.cutout)) numbers.set(segment.cutout, (lastNumber += 1));
  return numbers.get(segment.cutout);
}

// Moves it to the end of the line, and drops from the front what is too much.
function remember(key, warped) {
  kept.delete(key);
  kept.set(key, warped);
  let pixels = [...kept.values()].reduce((sum, { canvas }) => sum + canvas.width * canvas.height, 0);
  for (const [oldest, { canvas }] of kept) {
    if (pixels <= MOST_KEPT || oldest === key) break;
    kept.delete(oldest);
    pixels -= canvas.width * canvas.height;
  }
  return warped;
}

function warp(segment, distort, sceneScale, most) {
  const toScene = (points) => points.map(([x, y]) => [x * sceneScale, y * sceneScale]);
  const corners = toScene(boxOf(segment));
  const quad = toScene(homography.moved(boxOf(segment), distort));
  const [left, top] = [0, 1].map((axis) => Math.floor(Math.min(...quad.map((corner) => corner[axis]))) - 1);
  const [right, bottom] = [0, 1].map((axis) => Math.ceil(Math.max(...quad.map((corner) => corner[axis]))) + 1);
  const scale = Math.min(1, Math.sqrt(most / ((right - left) * (bottom - top))));
  const width = Math.max(1, Math.round((right - left) * scale));
  const height = Math.max(1, Math.round((bottom - top) * scale));
  const source = shrunk(segment, corners, quad, scale);
  const toCanvas = [width / (right - left), 0, 0, height / (bottom - top), 0, 0];
  const shift = homography.fromAffine([1, 0, 0, 1, -left, -top]);
  const forward = [
    homography.fromAffine(toCanvas),
    shift,
    homography.fromQuads(corners, quad),
    homography.fromAffine([1 / source.along, 0, 0, 1 / source.across, segment.sx, segment.sy]),
  ].reduce(homography.compose);
  const canvas = makeCanvas(width, height);
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  warpPixels(source, pixels, homography.invert(forward));
  context.putImageData(pixels, 0, 0);
  return { canvas, x: left, y: top, scale: toCanvas[0], scaleY: toCanvas[3], rough: scale < 1 && most < MOST_PIXELS };
}

// The cut-out's pixels, made smaller first by about as much as the nearest of its edges is shown smaller: no aliasing.
function shrunk({ cutout }, corners, quad, scale) {
  const edge = (points, k) => Math.hypot(points[k][0] - points[(k + 1) % 4][0], points[k][1] - points[(k + 1) % 4][1]);
  const ratio = (k) => stepAbove((scale * Math.max(edge(quad, k), edge(quad, k + 2))) / edge(corners, k));
  const width = Math.max(1, Math.ceil(cutout.width * ratio(0)));
  const height = Math.max(1, Math.ceil(cutout.height * ratio(1)));
  const known = sources.get(cutout);
  const source = known?.width === width && known.height === height ? known : premultiplied(cutout, width, height);
  sources.set(cutout, source);
  return { ...source, along: width / cutout.width, across: height / cutout.height };
}

// In steps, so that the smaller cut-out of one frame serves the next ones of a gesture as well.
const stepAbove = (ratio) => Math.min(1, 2 ** (Math.ceil(2 * Math.log2(Math.max(ratio, 1e-3))) / 2));

function premultiplied(cutout, width, height) {
  const context = makeCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(cutout, 0, 0, width, height);
  return padded(context.getImageData(0, 0, width, height));
}

/** { data: RGBA bytes, width, height } -> the same with colours times coverage, and a clear pixel more on each side. */
export function padded({ data, width, height }) {
  const planes = new Float32Array(4 * (width + 2) * (height + 2));
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0, q = 4 * ((y + 1) * (width + 2) + 1); x < width; x++, p += 4, q += 4) {
      const cover = data[p + 3];
      for (let k = 0; k < 3; k++) planes[q + k] = data[p + k] * cover;
      planes[q + 3] = cover;
    }
  }
  return { planes, width, height };
}

/**
 * Sample `source` (as `padded` makes it) into `target` ({ data: RGBA bytes, width, height }), bilinearly; clear outside.
 * `back` is the homography from target to source pixels, corner to corner. One flat loop: it runs for each pixel.
 */
export function warpPixels({ planes, width, height }, { data, width: columns, height: rows }, back) {
  const [a, b, c, d, e, f, g, h, i] = back;
  const below = 4 * (width + 2);
  for (let y = 0, p = 0; y < rows; y++) {
    const v = y + 0.5;
    for (let column = 0; column < columns; column++, p += 4) {
      const u = column + 0.5;
      const w = 1 / (g * u + h * v + i);
      const sx = (a * u + b * v + c) * w + 0.5; // in the padded source, from the middle of its first pixel
      const sy = (d * u + e * v + f) * w + 0.5;
      if (!(sx > 0 && sy > 0 && sx < width + 1 && sy < height + 1)) continue;
      const fx = sx - (sx | 0);
      const fy = sy - (sy | 0);
      const q = 4 * ((sy | 0) * (width + 2) + (sx | 0));
      const w00 = (1 - fx) * (1 - fy);
      const w10 = fx * (1 - fy);
      const w01 = (1 - fx) * fy;
      const w11 = fx * fy;
      const r = q + below;
      const cover = w00 * planes[q + 3] + w10 * planes[q + 7] + w01 * planes[r + 3] + w11 * planes[r + 7];
      if (cover <= 0) continue;
      const share = 1 / cover;
      data[p] = (w00 * planes[q] + w10 * planes[q + 4] + w01 * planes[r] + w11 * planes[r + 4]) * share;
      data[p + 1] = (w00 * planes[q + 1] + w10 * planes[q + 5] + w01 * planes[r + 1] + w11 * planes[r + 5]) * share;
      data[p + 2] = (w00 * planes[q + 2] + w10 * planes[q + 6] + w01 * planes[r + 2] + w11 * planes[r + 6]) * share;
      data[p + 3] = cover;
    }
  }
}
