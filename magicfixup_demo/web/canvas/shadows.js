// Shadows that go along with their objects: what was found of one -> black, laid below its layer. Twin of Shadow.coverage
// and `laid` in engine/effects.py.
//   shadow = { left, top, width, height, foot, size, columns, rows, taken }   its box, the foot and the longer side of its
//            object, in pixels of its photo; taken: Uint8Array, the share of linear light, 255 = all, columns x rows over the box

import { apply, meanScale } from "../model/affine.js";
import { shadowStrength, softnessOf } from "../model/collage.js";
import { decodePicture, makeCanvas } from "./masks.js";

export const GAMMA = 2.2; // a share of light is a share of grey levels to the power of 1 / GAMMA
const MOST_TAKEN = 0.98;
const MOST_SOFT = 0.1; // of an object's size
const LEAST_SIGMA = 0.1; // pixels
const MOST_KEPT = 3; // pictures of one shadow: its layers may be of several strengths

const pictures = new WeakMap(); // shadow -> [{ strength, softness, made }], the newest first

/** What the server says of a shadow -> a shadow. */
export async function readShadow({ picture, ...place }) {
  const bitmap = await decodePicture(picture);
  const { width: columns, height: rows } = bitmap;
  const context = makeCanvas(columns, rows).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, columns, rows);
  return { ...place, columns, rows, taken: Uint8Array.from({ length: columns * rows }, (_, i) => data[4 * i]) };
}

/** Float32Array, columns x rows: the coverage of black, laid over the ground, that takes as much light. */
export function coverageOf(shadow, strength = 1, softness = 0) {
  const { columns, rows, size, width } = shadow;
  const taken = Float32Array.from(shadow.taken, (value) => Math.min((value / 255) * strength, MOST_TAKEN));
  const sigma = (softness * MOST_SOFT * size * columns) / width;
  const soft = sigma > LEAST_SIGMA ? blurred(taken, columns, rows, sigma) : taken;
  return soft.map((value) => 1 - Math.max(1 - value, 0) ** (1 / GAMMA));
}

/** Where a layer's shadow falls, [left, top, width, height] in photo pixels: at its foot, neither turned nor mirrored. */
export function placeOf({ left, top, width, height, foot }, { matrix }) {
  const scale = meanScale(matrix);
  const [x, y] = apply(matrix, foot);
  return [x - scale * (foot[0] - left), y - scale * (foot[1] - top), scale * width, scale * height];
}

/** The pixels, [left, top, width, height], of a photo that a layer's shadow reaches; null where it takes nothing. */
export function reachOf(shadow, layer) {
  const made = pictureOf(shadow, shadowStrength(layer), softnessOf(layer));
  if (!made) return null;
  const [left, top, width, height] = placeOf(shadow, layer);
  const [across, along] = [width / shadow.columns, height / shadow.rows];
  return [left + made.x * across, top + made.y * along, made.canvas.width * across, made.canvas.height * along];
}

/** Draw a layer's shadow alone; `toContext`: photo pixels -> those of the context. */
export function drawShadow(context, shadow, layer, toContext, opacity) {
  const reach = reachOf(shadow, layer);
  if (!reach) return;
  context.setTransform(...toContext);
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "low"; // linear, as Python's; there is nothing fine in it
  context.drawImage(pictureOf(shadow, shadowStrength(layer), softnessOf(layer)).canvas, ...reach);
}

// { canvas, x, y }: black by its coverage, without the rows and columns around it where there is none; null for nothing.
function pictureOf(shadow, strength, softness) {
  const kept = pictures.get(shadow) ?? [];
  const known = kept.find((one) => one.strength === strength && one.softness === softness);
  if (known) return known.made;
  const made = madeOf(coverageOf(shadow, strength, softness), shadow);
  pictures.set(shadow, [{ strength, softness, made }, ...kept].slice(0, MOST_KEPT));
  return made;
}

function madeOf(coverage, { columns, rows }) {
  const alpha = Uint8ClampedArray.from(coverage, (value) => 255 * value);
  const [x, y, width, height] = extentOf(alpha, columns, rows);
  if (!width) return null;
  const canvas = makeCanvas(width, height);
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      pixels.data[4 * (row * width + column) + 3] = alpha[(row + y) * columns + column + x];
  context.putImageData(pixels, 0, 0);
  return { canvas, x, y };
}

/** The box, [x, y, width, height], of all that is not 0, with a clear pixel around it where there is room. */
export function extentOf(alpha, columns, rows) {
  let [left, top, right, bottom] = [columns, rows, -1, -1];
  for (let i = 0; i < alpha.length; i++) {
    if (!alpha[i]) continue;
    const [x, y] = [i % columns, Math.floor(i / columns)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  }
  if (right < 0) return [0, 0, 0, 0];
  [left, top, right, bottom] = [Math.max(left - 1, 0), Math.max(top - 1, 0), Math.min(right + 2, columns), Math.min(bottom + 2, rows)];
  return [left, top, right - left, bottom - top];
}

// OpenCV's Gaussian of floats: as many taps, and mirrored about the middle of the border's pixels.
function blurred(values, columns, rows, sigma) {
  const taps = tapsOf(sigma);
  const across = alongLines(values, taps, rows, columns, columns, 1);
  return alongLines(across, taps, columns, rows, 1, columns);
}

function tapsOf(sigma) {
  const radius = Math.floor((Math.round(8 * sigma + 1) | 1) / 2);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function alongLines(values, taps, lines, length, lineStep, step) {
  const made = new Float32Array(values.length);
  const radius = (taps.length - 1) / 2;
  const padded = new Float32Array(length + 2 * radius);
  for (let line = 0; line < lines; line++) {
    const start = line * lineStep;
    for (let i = 0; i < padded.length; i++) padded[i] = values[start + mirrored(i - radius, length) * step];
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let tap = 0; tap < taps.length; tap++) sum += taps[tap] * padded[i + tap];
      made[start + i * step] = sum;
    }
  }
  return made;
}

function mirrored(index, length) {
  if (length === 1) return 0;
  const place = Math.abs(index) % (2 * length - 2);
  return Math.min(place, 2 * length - 2 - place);
}
