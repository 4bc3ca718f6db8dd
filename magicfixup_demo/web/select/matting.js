// A fresh cut-out has a hard edge; the server's matte of it takes its place as soon as it is there, unseen. It is asked for
// while the object is still under selection, so that most are cut out with their finished edge.

import { makeSegment, readMask, subtractMasks, withPng } from "../canvas/masks.js";
import { replaceSegment } from "../model/collage.js";
import { liveMask, withOwnEdge } from "./raster.js";

/** The record that the server takes for a segment's mask. */
export const segmentRecord = ({ left, top, width, height, png }) => ({ left, top, width, height, mask: png });

export class Edges {
  #latest = null; // { mask, photo, others, ownEdge, promise, finished }: the one asked for last

  constructor(api) {
    this.api = api;
  }

  /**
   * The mask with its finished edge and without what `others` (segments) cover: a promise, of null where nothing is left.
   * `mask`, a live mask of `photo`, is asked for once. ownEdge: an edge that was drawn softly stays as it was drawn.
   */
  finish(mask, photo, others, ownEdge) {
    if (this.#knows(mask, photo, others, ownEdge)) return this.#latest.promise;
    const made = { mask, photo, others, ownEdge, finished: null };
    made.promise = this.#finish(made).then((finished) => (made.finished = finished));
    made.promise.catch(() => this.#latest === made && (this.#latest = null));
    this.#latest = made;
    return made.promise;
  }

  /** The same at once, where it is there already; else null. */
  finished(mask, photo, others, ownEdge) {
    return this.#knows(mask, photo, others, ownEdge) ? this.#latest.finished : null;
  }

  #knows(mask, photo, others, ownEdge) {
    const latest = this.#latest;
    if (latest?.mask !== mask || latest.photo !== photo || latest.ownEdge !== ownEdge) return false;
    return latest.others.length === others.length && latest.others.every((other, i) => other === others[i]);
  }

  async #finish({ mask, photo, others, ownEdge }) {
    const left = subtractMasks(mask, others);
    if (!left) return null;
    const drawn = withPng(left, photo);
    const matte = await this.#matte(drawn, photo);
    const edge = subtractMasks(ownEdge ? liveMask(withOwnEdge(matte, drawn), photo) : matte, others);
    return edge && withPng(edge, photo);
  }

  async #matte(drawn, photo) {
    const record = await this.api.withPhoto(photo, (token) => this.api.call("matte", { token, segment: segmentRecord(drawn) }));
    return readMask(record, photo);
  }
}

/**
 * Put `finished`, a promise of a mask of `photo`, in the place of `segment`'s as soon as it is there. `segment.refining` is
 * the promise of the whole; it never fails: without an answer the hard edge stays.
 */
export function refine(segment, finished, { photo, doc }) {
  segment.refining = finished
    .then((mask) => mask && makeSegment(segment.id, mask, photo))
    .then((better) => better && doc.rewrite((state) => swapped(state, segment, better)))
    .catch(() => {});
}

// By its picture, not its id: the same object may be in the state under another record (with its source, say).
function swapped(state, { cutout }, better) {
  const old = state.segments.find((segment) => segment.cutout === cutout);
  return old ? replaceSegment(state, old.id, better) : state;
}
