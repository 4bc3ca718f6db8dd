// A selection as plain immutable data: parts that are laid over one another in order, and the pure steps between them.
//   prompt: { kind, points: [[x, y, include]], box, answer: { masks, bySize } | null, index, fresh, erase }
//           what the server was asked, in photo pixels, and the live masks that it offered; `fresh` once it has answered
//   shape:  { kind, patch, erase, soft }   drawn by hand (raster.js); `soft`: its edge was meant to be soft
// The first part may be a prompt that further clicks refine, or the shape of an object that is selected again.

import { combined, liveMask } from "./raster.js";

export const EMPTY = Object.freeze([]);

const prompt = (fields) => ({ kind: "prompt", points: [], box: null, answer: null, index: 0, fresh: false, erase: false, ...fields });

const shape = (patch, erase, soft) => ({ kind: "shape", patch, erase, soft });

const isPrompt = (part) => part?.kind === "prompt";

const selectsSomething = ({ points, box }) => box !== null || points.some(([, , include]) => include);

/** Begin from a mask that is there already; `base` keeps its first part from being refined by clicks. */
export const fromMask = (mask) => [{ ...shape(mask, false, false), base: true }];

/**
 * A click. It refines the first prompt. What was drawn by hand lies over it and stays. Where there is no prompt to
 * refine, it adds, or takes away, what the server finds there.
 */
export function withPoint(parts, x, y, include) {
  const point = [x, y, include];
  const [first] = parts;
  if (isPrompt(first) && !first.erase) return [asked({ ...first, points: [...first.points, point] }), ...parts.slice(1)];
  if (include && !first?.base) return [prompt({ points: [point] }), ...parts];
  return [...parts, prompt({ points: [[x, y, true]], erase: !include })];
}

/** A box is a new selection, unless it takes away, or adds to an object that is selected again. */
export function withBox(parts, box, erase = false) {
  const asks = prompt({ box, erase });
  return erase || parts[0]?.base ? [...parts, asks] : [asks];
}

/** Without the point at `index` of pointsOf; a prompt that then selects nothing goes too. */
export function withoutPoint(parts, index) {
  let before = 0;
  return parts.flatMap((part) => {
    const at = index - before;
    before += part.points?.length ?? 0;
    if (!isPrompt(part) || at < 0 || at >= part.points.length) return [part];
    const fewer = { ...part, points: part.points.filter((_, i) => i !== at) };
    return selectsSomething(fewer) ? [asked(fewer)] : [];
  });
}

/** A stroke or a lasso over what is there. */
export const withShape = (parts, patch, erase, soft) => [...parts, shape(patch, erase, soft)];

/** Another of the masks that were offered for the latest prompt, by its place among them by size. */
export function withRank(parts, rank) {
  const latest = latestPrompt(parts);
  const index = latest?.answer?.bySize[rank];
  if (index === undefined || index === latest.index) return parts;
  return parts.map((part) => (part === latest ? { ...part, index } : part));
}

/** The server's answer to `asking`, one of the parts: masks with their areas. */
export function withAnswer(parts, asking, masks, areas) {
  const bySize = masks.map((_, i) => i).sort((i, j) => areas[i] - areas[j]);
  return parts.map((part) => (part === asking ? { ...part, answer: { masks, bySize }, index: 0, fresh: true } : part));
}

// The outline stays what it was until the new answer is there.
const asked = (part) => ({ ...part, fresh: false });

/** The prompt that the server is still to be asked, or null. */
export const openPrompt = (parts) => parts.find((part) => isPrompt(part) && !part.fresh) ?? null;

export const latestPrompt = (parts) => parts.findLast((part) => isPrompt(part)) ?? null;

/** All clicks as [x, y, include], as they are drawn. */
export const pointsOf = (parts) =>
  parts.flatMap((part) => (isPrompt(part) ? part.points.map(([x, y, include]) => [x, y, include && !part.erase]) : []));

/** Whether someone asked for a soft edge, which is then left as it is. */
export const isSoft = (parts) => parts.some(({ soft }) => soft);

/** All parts together as one live mask, or null. photo = { width, height, scale }. */
export function maskOf(parts, photo) {
  const layers = parts.map(layerOf).filter(Boolean);
  if (layers.length === 1 && !layers[0].erase) return layers[0].patch.png === undefined ? liveMask(layers[0].patch, photo) : layers[0].patch;
  const patch = combined(layers);
  return patch && liveMask(patch, photo);
}

function layerOf(part) {
  const patch = isPrompt(part) ? part.answer?.masks[part.index] : part.patch;
  return patch ? { patch, erase: part.erase } : null;
}
