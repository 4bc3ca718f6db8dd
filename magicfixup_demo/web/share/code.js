// An arrangement as text for a link, and back: layers and settings as JSON, deflated, in base64url. Pure but for streams.
// What comes back was written by anybody: it is checked field by field, and what is not known is left out.

import { determinant } from "../model/affine.js";
import { MOST_SHADOW, WITHOUT_SHADOWS, WITH_SHADOWS } from "../model/collage.js";

const VERSION = 1;
const MOST_LAYERS = 200;
const MOST_BYTES = 1_000_000;
export const MOST_CHARACTERS = 8000; // of a whole link: what chats and mail programs are known to leave whole

/** edit: { layers, shadows }, layers as toJson writes them; options: as Settings reads them -> Promise of the text. */
export async function encodeEdit({ layers, shadows }, options) {
  const json = JSON.stringify({ v: VERSION, layers, ...(shadows ? { shadows } : {}), options: knownOptions(options) });
  return toBase64Url(await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(json)));
}

/** The inverse: Promise of { layers, shadows, options }. Throws RangeError when it is not such a text. */
export async function decodeEdit(text) {
  let record = null;
  try {
    const bytes = await through(new DecompressionStream("deflate-raw"), fromBase64Url(text));
    record = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new RangeError("not an arrangement");
  }
  const { v, layers, shadows, options } = record ?? {};
  if (v !== VERSION || !Array.isArray(layers) || layers.length > MOST_LAYERS) throw new RangeError("not an arrangement");
  const known = layers.map(knownLayer);
  if (new Set(known.map(({ id }) => id)).size < known.length) throw new RangeError("two layers of one name");
  return { layers: known, shadows: shadows === true, options: knownOptions(options ?? {}) };
}

/** A collage's JSON text with an edit's layers in place of its own. Throws RangeError when one shows no segment of it. */
export function withLayers(json, { layers, shadows }) {
  const collage = JSON.parse(json);
  const segments = new Set(collage.segments.map(({ id }) => id));
  if (!layers.every(({ segment }) => segments.has(segment))) throw new RangeError("a layer of no segment");
  return JSON.stringify({ ...collage, version: shadows ? WITH_SHADOWS : WITHOUT_SHADOWS, layers });
}

/** A collage's JSON text with every segment where it was, for a link whose arrangement cannot be read. */
export function inPlace(json) {
  const { version, segments } = JSON.parse(json);
  const layers = segments.filter(({ source }) => !source).map(({ id }) => ({ id, segment: id, matrix: [1, 0, 0, 1, 0, 0] }));
  return withLayers(json, { layers, shadows: version > WITHOUT_SHADOWS });
}

const isNumber = (value) => Number.isFinite(value) && Math.abs(value) < 1e6;
const isNumbers = (value, length) => Array.isArray(value) && value.length === length && value.every(isNumber);
const isShare = (value, most) => value === undefined || (isNumber(value) && value >= 0 && value <= most);
const isText = (value, most) => typeof value === "string" && value.length <= most;

function knownLayer(layer) {
  const { id, segment, matrix, distort, name, hidden, locked, opacity, shadow, softness } = layer ?? {};
  const good =
    isText(id, 64) && id && isText(segment, 64) && segment && isNumbers(matrix, 6) && determinant(matrix) !== 0 &&
    (distort == null || (Array.isArray(distort) && distort.length === 4 && distort.every((offset) => isNumbers(offset, 2)))) &&
    (name === undefined || isText(name, 200)) &&
    isShare(opacity, 1) && isShare(shadow, MOST_SHADOW) && isShare(softness, 1);
  if (!good) throw new RangeError("not a layer");
  return {
    ...{ id, segment, matrix },
    ...(distort ? { distort } : {}),
    ...(name ? { name } : {}),
    ...(hidden === true ? { hidden } : {}),
    ...(locked === true ? { locked } : {}),
    ...(opacity === undefined ? {} : { opacity }),
    ...(shadow === undefined ? {} : { shadow }),
    ...(softness === undefined ? {} : { softness }),
  };
}

const isWhole = (low, high) => (value) => Number.isInteger(value) && value >= low && value <= high;
const isName = (value) => value === null || isText(value, 64);
const OPTIONS = {
  seed: isWhole(0, 2 ** 32 - 1),
  steps: (value) => value === null || isWhole(1, 1000)(value),
  samples: isWhole(1, 8),
  model: isName,
  other: isName,
  sampler: isName,
  prompt: (value) => isText(value, 300),
  sdedit: (value) => typeof value === "boolean",
};

const knownOptions = (options) =>
  Object.fromEntries(Object.entries(OPTIONS).filter(([name, good]) => good(options[name])).map(([name]) => [name, options[name]]));

async function through(stream, bytes) {
  const writer = stream.writable.getWriter();
  const written = writer.write(bytes).then(() => writer.close());
  written.catch(() => {}); // the reader tells
  const pieces = [];
  let length = 0;
  for await (const piece of readable(stream.readable)) {
    length += piece.length;
    if (length > MOST_BYTES) throw new RangeError("too long"); // a small text may unpack to very much
    pieces.push(piece);
  }
  await written;
  return joined(pieces, length);
}

async function* readable(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function joined(pieces, length) {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

const toBase64Url = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

const fromBase64Url = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
