// A fresh cut-out has a hard edge; the server's matte of it takes its place as soon as it is there, unseen.

import { makeSegment, readMask, subtractMasks } from "../canvas/masks.js";
import { replaceSegment } from "../model/collage.js";
import { liveMask, withOwnEdge } from "./raster.js";

/** The record that the server takes for a segment's mask. */
export const segmentRecord = ({ left, top, width, height, png }) => ({ left, top, width, height, mask: png });

/**
 * Ask for the matte of `segment`, just cut from `photo` beside the segments `others`. ownEdge: an edge that was drawn
 * softly stays as it was drawn. `segment.refining` is the promise of the whole; it never fails: without an answer the
 * hard edge stays.
 */
export function refine(segment, { photo, others, ownEdge, api, doc }) {
  segment.refining = matted(segment, photo, api)
    .then((mask) => (ownEdge ? liveMask(withOwnEdge(mask, segment), photo) : mask))
    .then((mask) => subtractMasks(mask, others))
    .then((mask) => mask && makeSegment(segment.id, mask, photo))
    .then((better) => better && doc.rewrite((state) => swapped(state, segment, better)))
    .catch(() => {});
}

async function matted(segment, photo, api) {
  const record = await api.withPhoto(photo, (token) => api.call("matte", { token, segment: segmentRecord(segment) }));
  return readMask(record, photo);
}

// By its picture, not its id: the same object may be in the state under another record (with its source, say).
function swapped(state, { cutout }, better) {
  const old = state.segments.find((segment) => segment.cutout === cutout);
  return old ? replaceSegment(state, old.id, better) : state;
}
