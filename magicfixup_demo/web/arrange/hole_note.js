// Why a press on a part that is cut out does nothing.

import { layerCovers } from "../canvas/hit.js";
import { strings } from "../page/strings.js";

/** A sentence about the photo point: a locked or hidden layer is there, or the object has gone elsewhere. */
export function holeNote(state, point) {
  const there = state.layers.filter((layer) => layerCovers(state, layer, point));
  if (there.some(({ locked, hidden }) => locked && !hidden)) return strings.lockedHere;
  return there.some(({ hidden }) => hidden) ? strings.hiddenHere : strings.insideHole;
}
