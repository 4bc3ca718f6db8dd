// Objects in the light that they stand in once others, and the shadows of these, are gone from the photo. Twin of
// without_shadows in engine/effects.py.

import { IDENTITY } from "../model/affine.js";
import { makeCanvas } from "./masks.js";
import { GAMMA, coverageOf, reachOf } from "./shadows.js";

const TOO_DARK = 0.85; // share of light: no more of it is given back
const LEAST_LEFT = (1 - TOO_DARK) ** (1 / GAMMA);
const IN_PLACE = { matrix: IDENTITY };

const known = new WeakMap(); // segment -> { shadows, reaching, made }: asked for last, those that reach it, and the answer

/** A segment with the pictures that it has without these shadows of others; the same one where none reaches it. */
export function relit(segment, photo, shadows) {
  const last = known.get(segment) ?? { shadows: [], reaching: [], made: segment };
  if (isSame(shadows, last.shadows)) return last.made;
  const reaching = shadows.filter((shadow) => areaOf(segment, photo, shadow));
  const made = isSame(reaching, last.reaching) ? last.made : madeOf(segment, photo, reaching);
  known.set(segment, { shadows, reaching, made });
  return made;
}

const isSame = (one, other) => one.length === other.length && one.every((shadow, i) => shadow === other[i]);

function madeOf(segment, photo, shadows) {
  if (!shadows.length) return segment;
  const original = litOf(segment.original, segment, photo, shadows);
  const cutout = segment.cutout === segment.original ? original : litOf(segment.cutout, segment, photo, shadows);
  return { ...segment, original, cutout };
}

// Scene pixels, [left, top, right, bottom], that a shadow in the photo and a segment's pictures have in common, or null.
function areaOf({ sx, sy, sw, sh }, { scale }, shadow) {
  const reach = reachOf(shadow, IN_PLACE);
  if (!reach) return null;
  const [x, y, width, height] = reach.map((value) => value * scale);
  const [left, top] = [Math.max(sx, Math.floor(x)), Math.max(sy, Math.floor(y))];
  const [right, bottom] = [Math.min(sx + sw, Math.ceil(x + width)), Math.min(sy + sh, Math.ceil(y + height))];
  return left < right && top < bottom ? [left, top, right, bottom] : null;
}

function litOf(picture, segment, photo, shadows) {
  const { sx, sy } = segment;
  const canvas = makeCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  for (const shadow of shadows) {
    const area = areaOf(segment, photo, shadow);
    const [left, top, right, bottom] = area;
    const pixels = context.getImageData(left - sx, top - sy, right - left, bottom - top);
    divide(pixels, lightLeft(shadow, photo.scale, area));
    context.putImageData(pixels, left - sx, top - sy);
  }
  return canvas;
}

function divide({ data }, left) {
  left.forEach((share, i) => {
    if (share < 1) for (let channel = 0; channel < 3; channel++) data[4 * i + channel] /= share; // is rounded and clipped
  });
}

// What a shadow leaves of the grey levels of each scene pixel of an area; linear between what was found.
function lightLeft(shadow, scale, [left, top, right, bottom]) {
  const coverage = coverageOf(shadow);
  const { columns, rows } = shadow;
  const across = placesOf(left, right, scale, shadow.left, shadow.width, columns);
  const along = placesOf(top, bottom, scale, shadow.top, shadow.height, rows);
  const made = new Float32Array(across.length * along.length);
  along.forEach(([row, nextRow, v], y) =>
    across.forEach(([column, nextColumn, u], x) => {
      const [above, below] = [row, nextRow].map((line) => line * columns);
      const upper = coverage[above + column] * (1 - u) + coverage[above + nextColumn] * u;
      const lower = coverage[below + column] * (1 - u) + coverage[below + nextColumn] * u;
      made[y * across.length + x] = Math.max(1 - (upper * (1 - v) + lower * v), LEAST_LEFT);
    }),
  );
  return made;
}

// For each scene pixel: the two places of `count` over a box between whose middles it lies, and how far it is to the second.
function placesOf(start, end, scale, boxStart, boxLength, count) {
  return Array.from({ length: end - start }, (_, i) => {
    const place = (((start + i + 0.5) / scale - boxStart) / boxLength) * count - 0.5;
    const within = Math.min(Math.max(place, 0), count - 1);
    const first = Math.floor(within);
    return [first, Math.min(first + 1, count - 1), within - first];
  });
}
