// Plates: the photo without some of its objects, as the patches in which the server's one differs from the photo.
//   patch = { left, top, image, masks }   scene pixels; `image` is clear where the photo stays; `masks`: what stood there
//   ground = { patches, open }   what lies under the layers, and the removed segments whose place is still a hole
// Undo comes by the same objects again and again, so a few plates are kept, by their masks and not by the segments' ids.

import { removedSegments } from "../model/collage.js";

const MOST_BYTES = 24 << 20; // of decoded pixels: a phone has little memory
const BYTES_PER_PIXEL = 4;

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

export class Plates {
  #plates = []; // { photo, masks, patches }, the one used last at the end
  #answer = null; // { photo, removed, ground }: the last one given, which frames ask for again

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

  /** Whether there is a plate of the photo without exactly these segments. */
  has = (photo, removed) => Boolean(this.#find(photo, removed.map(maskOf)));

  /** patches: { left, top, image, segments: [id] }, of the photo without `removed`. The oldest plates make room. */
  add(photo, removed, patches) {
    const masks = removed.map(maskOf);
    const known = this.#find(photo, masks);
    if (known) this.#drop(known);
    const maskNamed = new Map(removed.map((segment) => [segment.id, maskOf(segment)]));
    const named = patches.map(({ segments, ...patch }) => ({ ...patch, masks: segments.map((id) => maskNamed.get(id)) }));
    this.#plates.push({ photo, masks, patches: named });
    while (this.#plates.length > 1 && this.bytes > this.mostBytes) this.#drop(this.#plates[0]);
    this.#changed();
  }

  get bytes() {
    const pixels = this.#plates.flatMap(({ patches }) => patches.map(({ image }) => image.width * image.height));
    return BYTES_PER_PIXEL * pixels.reduce((sum, count) => sum + count, 0);
  }

  /** The ground of a state, or null where nothing is known of it: then all that was removed is a hole. */
  groundOf(state) {
    if (!this.on || !state.photo || !this.#plates.length) return null;
    const removed = removedSegments(state);
    const last = this.#answer;
    const again = last?.photo === state.photo && last.removed.length === removed.length && last.removed.every((one, i) => one === removed[i]);
    if (!again) this.#answer = { photo: state.photo, removed, ground: this.#groundWithout(state.photo, removed) };
    return this.#answer.ground;
  }

  // Without the plate itself the newest others serve where nothing but removed objects stood.
  #groundWithout(photo, removed) {
    const masks = removed.map(maskOf);
    const exact = this.#find(photo, masks);
    if (exact) return this.#use(exact), { patches: exact.patches, open: [] };
    const left = new Set(masks);
    const patches = [];
    for (const plate of this.#plates.filter((one) => one.photo === photo).reverse()) {
      const fitting = plate.patches.filter((patch) => patch.masks.every((mask) => left.has(mask)));
      for (const patch of fitting) patch.masks.forEach((mask) => left.delete(mask));
      patches.push(...fitting);
      if (fitting.length) this.#use(plate);
    }
    return patches.length ? { patches, open: removed.filter((segment) => left.has(maskOf(segment))) } : null;
  }

  #find(photo, masks) {
    const same = (plate) => plate.photo === photo && plate.masks.length === masks.length && masks.every((mask) => plate.masks.includes(mask));
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
