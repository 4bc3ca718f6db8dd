// Plates: the photo without some of its objects, as the patches in which the server's one differs from the photo.
//   patch = { left, top, image, masks }   scene pixels; `image` is clear where the photo stays; `masks`: what stood there
//   ground = { patches, open, gone }   what lies under the layers, the removed segments whose place is still a hole, and the
//            shadows of the others, by their segments: Map
// Undo comes by the same objects again and again, so a few plates are kept, by their masks and not by the segments' ids;
// and the shadows of a photo's objects, which are small (see canvas/shadows.js), as long as the photo.

import { relit } from "../canvas/relight.js";
import { hasShadows, photoOf, removedSegments } from "../model/collage.js";

const MOST_BYTES = 24 << 20; // of decoded pixels: a phone has little memory
const BYTES_PER_PIXEL = 4;
const MOST_SHADOWS = 100; // of a photo: as many as a collage has segments

const keys = new WeakMap(); // segment -> its mask as text

/** What a plate goes by: where a segment's mask lies, and its pixels. */
function maskOf(segment) {
  if (!keys.has(segment)) keys.set(segment, `${segment.left} ${segment.top} ${segment.png}`);
  return keys.get(segment);
}

/** Whether two lists of segments remove the same pixels. */
export function areSame(one, other) {
  return one.length === other.length && one.every((segment) => other.some((o) => o === segment || maskOf(o) === maskOf(segment)));
}

const subjectOf = (state) => ({ photo: state.photo, shaded: !hasShadows(state) });
const isOf = ({ photo, shaded }, plate) => plate.photo === photo && plate.shaded === shaded;

export class Plates {
  #plates = []; // { photo, shaded, masks, patches }, the one used last at the end; `shaded`: the shadows were left there
  #answer = null; // { photo, shaded, removed, ground }: the last one given, which frames ask for again
  #shadows = new WeakMap(); // photo -> Map: mask -> the shadow of what it covers, or null for none

  /** Whether they are shown at all. */
  on = true;

  /** Changes whenever the ground of a state may be another one. */
  version = 0;

  constructor(mostBytes = MOST_BYTES) {
    this.mostBytes = mostBytes;
  }

  show(on) {
    this.on = on;
    this.#changed();
  }

  /** Whether there is a plate of a state's photo without exactly these segments, and their shadows where it has any. */
  has = (state, removed) => Boolean(this.#find(subjectOf(state), removed.map(maskOf)));

  /**
   * patches: { left, top, image, segments: [id] }, of a state's photo without `removed`; `shadows`: those that were found of
   * them, { segment: id, ... }. The oldest plates make room.
   */
  add(state, removed, patches, shadows = []) {
    const subject = subjectOf(state);
    const masks = removed.map(maskOf);
    const known = this.#find(subject, masks);
    if (known) this.#drop(known);
    if (!subject.shaded) this.addShadows(state.photo, removed, shadows);
    const maskNamed = new Map(removed.map((segment) => [segment.id, maskOf(segment)]));
    const named = patches.map(({ segments, ...patch }) => ({ ...patch, masks: segments.map((id) => maskNamed.get(id)) }));
    this.#plates.push({ ...subject, masks, patches: named });
    while (this.#plates.length > 1 && this.bytes > this.mostBytes) this.#drop(this.#plates[0]);
    this.#changed();
  }

  /** What was looked for of these segments of a photo, and found: { segment: id, ... }. */
  addShadows(photo, segments, shadows) {
    const known = this.#shadows.get(photo) ?? new Map();
    for (const segment of segments) {
      known.delete(maskOf(segment));
      known.set(maskOf(segment), shadows.find((shadow) => shadow.segment === segment.id) ?? null);
    }
    for (const mask of [...known.keys()].slice(0, -MOST_SHADOWS)) known.delete(mask);
    this.#shadows.set(photo, known);
    this.#changed();
  }

  /** Whether a photo was searched for the shadow of this segment. */
  knowsShadow = (photo, segment) => Boolean(this.#shadows.get(photo)?.has(maskOf(segment)));

  /** A segment as it is lit without what was removed from its photo, but in its own shadow. */
  litOf(state, segment) {
    const gone = segment.source ? null : this.groundOf(state)?.gone;
    return gone?.size ? relit(segment, state.photo, [...gone].filter(([one]) => one !== segment).map(([, shadow]) => shadow)) : segment;
  }

  /** The shadow that an object takes along, or null where it has none, or none that is known. */
  shadowOf = (state, segment) =>
    (this.on && hasShadows(state) && this.#shadows.get(photoOf(state, segment))?.get(maskOf(segment))) || null;

  get bytes() {
    const pixels = this.#plates.flatMap(({ patches }) => patches.map(({ image }) => image.width * image.height));
    return BYTES_PER_PIXEL * pixels.reduce((sum, count) => sum + count, 0);
  }

  /** The ground of a state, or null where nothing is known of it: then all that was removed is a hole. */
  groundOf(state) {
    if (!this.on || !state.photo || !this.#plates.length) return null;
    const removed = removedSegments(state);
    const subject = subjectOf(state);
    const last = this.#answer;
    const again = last && isOf(subject, last) && last.removed.length === removed.length && last.removed.every((one, i) => one === removed[i]);
    if (!again) this.#answer = { ...subject, removed, ground: this.#groundOf(state, subject, removed) };
    return this.#answer.ground;
  }

  #groundOf(state, subject, removed) {
    const ground = this.#groundWithout(subject, removed);
    if (!ground) return null;
    const shadows = removed.map((segment) => [segment, ground.open.includes(segment) ? null : this.shadowOf(state, segment)]);
    return { ...ground, gone: new Map(shadows.filter(([, shadow]) => shadow)) };
  }

  // Without the plate itself the newest others serve where nothing but removed objects stood.
  #groundWithout(subject, removed) {
    const masks = removed.map(maskOf);
    const exact = this.#find(subject, masks);
    if (exact) return this.#use(exact), { patches: exact.patches, open: [] };
    const left = new Set(masks);
    const patches = [];
    for (const plate of this.#plates.filter((one) => isOf(subject, one)).reverse()) {
      const fitting = plate.patches.filter((patch) => patch.masks.every((mask) => left.has(mask)));
      for (const patch of fitting) patch.masks.forEach((mask) => left.delete(mask));
      patches.push(...fitting);
      if (fitting.length) this.#use(plate);
    }
    return patches.length ? { patches, open: removed.filter((segment) => left.has(maskOf(segment))) } : null;
  }

  #find(subject, masks) {
    const same = (plate) => isOf(subject, plate) && plate.masks.length === masks.length && masks.every((mask) => plate.masks.includes(mask));
    return this.#plates.find(same);
  }

  #use(plate) {
    this.#plates = [...this.#plates.filter((one) => one !== plate), plate];
  }

  #drop(plate) {
    this.#plates = this.#plates.filter((one) => one !== plate);
    for (const { image } of plate.patches) image.close?.();
  }

  #changed() {
    this.#answer = null;
    this.version += 1;
  }
}
