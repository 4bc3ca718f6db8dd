// This visit's results, the newest first: each with the arrangement and the settings that made it. Pure; bounded.
//   entry = { id, state, options, result, at, thumb }   state as in model/collage.js; result as payload.py sends it; at: Date

import { hasShadows, opacityOf, shadowStrength, softnessOf } from "../model/collage.js";

export const MOST_ENTRIES = 24; // as many as the server keeps full-size results of
export const MOST_CHARACTERS = 96e6; // of pictures as data addresses; the newest entry stays whatever its size

export class ResultHistory {
  entries = [];

  /** Put a result in front; the oldest make room. Returns its entry. */
  add(entry) {
    this.entries = bounded([entry, ...this.entries.filter(({ id }) => id !== entry.id)]);
    return entry;
  }

  /** Returns the entry that takes its place in view: the next older one, else the next newer one, else null. */
  remove(entry) {
    const index = this.entries.indexOf(entry);
    if (index < 0) return this.entries[0] ?? null;
    this.entries = this.entries.filter((other) => other !== entry);
    return this.entries[index] ?? this.entries[index - 1] ?? null;
  }

  /** The entries with words that begin as those of `text` do; `textOf(entry)` is what they are searched in. */
  find(text, textOf) {
    const wanted = wordsOf(text);
    return this.entries.filter((entry) => {
      const words = wordsOf(textOf(entry));
      return wanted.every((beginning) => words.some((word) => word.startsWith(beginning)));
    });
  }
}

const wordsOf = (text) => text.toLowerCase().split(/[^\p{L}\p{N}:]+/u).filter(Boolean);

function bounded(entries) {
  let room = MOST_CHARACTERS;
  const fits = (entry, index) => ((room -= charactersOf(entry)), index === 0 || room >= 0);
  const end = entries.findIndex((entry, index) => index >= MOST_ENTRIES || !fits(entry, index));
  return end < 0 ? entries : entries.slice(0, end);
}

/** What the pictures of an entry take. */
export function charactersOf({ result }) {
  const pictures = [...result.images, result.sdedit, result.coarse, result.other?.image];
  return pictures.reduce((sum, picture) => sum + (picture?.length ?? 0), 0);
}

/** Whether two states look the same: names and locks do not count, nor does the making of the same mask anew. */
export function sameArrangement(a, b) {
  if (a === b) return true;
  if (a.photo !== b.photo || hasShadows(a) !== hasShadows(b) || a.segments.length !== b.segments.length || a.layers.length !== b.layers.length) return false;
  const same = (one, other) => one === other || (one.id === other.id && one.png === other.png && one.source === other.source);
  if (!a.segments.every((segment, i) => same(segment, b.segments[i]))) return false;
  return JSON.stringify(a.layers.map(looks)) === JSON.stringify(b.layers.map(looks));
}

function looks(layer) {
  const { segment, matrix, distort, hidden } = layer;
  return [segment, matrix, distort ?? null, Boolean(hidden), opacityOf(layer), shadowStrength(layer), softnessOf(layer)];
}
