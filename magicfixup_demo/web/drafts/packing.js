// What is on the page as data that a browser can store, and back. Pure but for the calls that open photos.
//   draft = { key, at, collage, photos: [{ id, part, source }], sources: [{ id, name, rounds, example? }], options, results,
//             address, objects, picture, bytes }   at: milliseconds; collage: as toJson makes it; photos: the main one first, with id ""
//   files = Map: id of a source -> its bytes

import { toJson } from "../model/collage.js";
import { isAtHand, openAgain, partOf } from "../photos/origins.js";
import { strings } from "../page/strings.js";

const sourcesOf = (photos) => [...new Set(photos.map(({ origin }) => origin.source))];

/** The photos whose bytes only the server has yet. */
export const missingIn = ({ photo, sources }) => sourcesOf([photo, ...sources]).filter((source) => !isAtHand(source));

/** state: with a photo; more: the other fields. */
export function pack(state, more) {
  const photos = [state.photo, ...state.sources];
  const draft = {
    ...more,
    collage: toJson(state),
    photos: photos.map(({ id, origin }) => ({ id, part: origin.part, source: origin.source.id })),
    sources: sourcesOf(photos).map(({ id, name, rounds, example }) => ({ id, name, rounds, ...(example ? { example } : {}) })),
    objects: state.layers.length,
  };
  return { draft, files: new Map(sourcesOf(photos).filter(({ file }) => file).map(({ id, file }) => [id, file])) };
}

/** { fetchRecord, originOf } that bring a draft back through Opening.record. */
export function unpack({ draft, files }, api) {
  const sources = new Map(draft.sources.map((source) => [source.id, { ...source, file: files.get(source.id) ?? null }]));
  const originOf = ({ id }) => {
    const { part, source } = draft.photos.find((photo) => photo.id === id);
    return { part, source: sources.get(source) };
  };
  return { originOf, fetchRecord: () => bring(draft, sources, api) };
}

async function bring({ photos, collage }, sources, api) {
  const answers = new Map([...sources].map(([id, source]) => [id, answerOf(source, api)]));
  const records = await Promise.all(photos.map(async ({ id, part, source }) => ({ ...partOf(await answers.get(source), part), id })));
  const [{ token, name, width, height, picture, rounds, says }, ...others] = records;
  return { token, name, width, height, picture, rounds, says, collage: JSON.stringify(collage), sources: others };
}

async function answerOf(source, api) {
  if (!isAtHand(source)) throw new Error(strings.draftPhotoGone);
  return openAgain(source, api);
}

/** Bytes that a draft takes, about. */
export const sizeOf = ({ draft, files }) => JSON.stringify(draft).length + [...files.values()].reduce((sum, { size }) => sum + size, 0);
