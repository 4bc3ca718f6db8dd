// Asks the server for plates before they are needed: of what is cut out, and of what is about to be; and for the shadows of
// what stands elsewhere too, or comes from another photo. Nobody waits for them, so nothing is said of what fails; the
// next change asks again.

import { decodePicture } from "../canvas/masks.js";
import { readShadow } from "../canvas/shadows.js";
import { IDENTITY } from "../model/affine.js";
import { hasShadows, isInPlace, photoOf, removedSegments, segmentOf, toJson } from "../model/collage.js";
import { secretName } from "../page/secret.js";
import { areSame } from "./plates.js";

const CALM_MS = 150; // an outline changes with every click, and few click faster
const OUTLINE = "outline"; // the name of what is no segment yet
const MOST_AHEAD = 0.5; // of the photo: larger ones are the background more often than something to drag, and take long

export class Preparing {
  #wish = null; // what is wanted: { state, removed, next, outline, edge, casting }: without `removed`, then without one more
  #asked = null; // what the server makes now: { state, removed, promise }
  #timer = null;

  /**
   * plates: of plates.js; outline() -> { mask, finished() }, the object under selection whose finished mask is promised, or
   * null; send(request, receive) follows a call; seed(): of the fix-up to come; ready(): whether anything shall be asked;
   * changed(): redraw.
   */
  constructor({ api, doc, plates, outline, send, seed, ready, changed }) {
    Object.assign(this, { api, doc, plates, outline, send, seed, ready, changed });
  }

  /** Look at the page again. Called with every change, also while something is dragged. */
  update() {
    const wish = this.ready() && this.plates.on ? this.#wished() : null;
    if (isSame(wish, this.#wish)) return;
    this.#wish = wish;
    clearTimeout(this.#timer);
    if (!wish) return;
    wish.edge = wish.outline?.finished(); // takes little, and is wanted whatever becomes of the plate
    wish.edge?.catch(() => {});
    this.#timer = setTimeout(() => this.#grant(wish).catch(() => {}), CALM_MS);
  }

  /** How many objects left their places, and how many of these places are holes; of how many a plate is being made. */
  report = () => {
    const { state } = this.doc;
    const removed = removedSegments(state).length;
    const open = this.plates.groundOf(state)?.open.length ?? removed;
    return { removed, open, asked: this.#asked?.removed.length ?? 0, bytes: this.plates.bytes };
  };

  #wished() {
    const { state, layer } = this.doc;
    const removed = removedSegments(state);
    const next = layer ? state.segments.find(({ id, source }) => id === layer.segment && !source) : null;
    const outline = this.outline();
    const casting = this.#casting(removed);
    if (!removed.length && !next && !outline && !casting.length) return null;
    return { state, removed, next: removed.includes(next) ? null : next, outline, casting };
  }

  // What casts a shadow that no plate brings: objects that stand elsewhere too, and those of other photos.
  #casting(removed) {
    const { state } = this.doc;
    if (!hasShadows(state)) return [];
    const moved = state.layers.filter((layer) => !layer.hidden && !isInPlace(layer)).map((layer) => segmentOf(state, layer));
    const unknown = (segment) => !removed.includes(segment) && !this.plates.knowsShadow(photoOf(state, segment), segment);
    return [...new Set(moved)].filter(unknown);
  }

  // A hole that is seen goes before one that may come.
  async #grant(wish) {
    const { state, removed, next, outline, edge, casting } = wish;
    const current = () => wish === this.#wish;
    await Promise.allSettled([...removed, next, ...casting].map((segment) => segment?.refining));
    if (!current()) return; // a finished edge is another mask
    if (removed.length) await this.#have(state, removed).catch(() => {});
    for (const photo of new Set(casting.map((segment) => photoOf(state, segment))))
      if (current()) await this.#askShadows(photo, casting.filter((segment) => photoOf(state, segment) === photo)).catch(() => {});
    const more = outline ? { ...(await edge), id: OUTLINE } : next;
    if (more?.png && current() && !isLarge(more, state.photo)) await this.#have(state, [...removed, more]);
  }

  #have(state, removed) {
    if (this.plates.has(state, removed)) return Promise.resolve();
    const same = this.#asked && isSameGround(this.#asked.state, state) && areSame(this.#asked.removed, removed);
    if (same) return this.#asked.promise;
    const asked = { state, removed, promise: null };
    asked.promise = this.#askPlate(state, removed).finally(() => this.#asked === asked && (this.#asked = null));
    this.#asked = asked;
    return asked.promise;
  }

  #askPlate(state, removed) {
    const { photo, shadows } = state;
    const take = async ({ patches, shadows: found }) => this.plates.add(state, removed, await decoded(patches), await read(found));
    return this.#ask(photo, { collage: toJson({ photo, segments: removed, layers: [], shadows }) }, take);
  }

  /** segments: of one photo, where they stay in their places as far as the server is told. */
  #askShadows(photo, segments) {
    const own = segments.map(({ source, ...segment }) => segment);
    const layers = own.map(({ id }) => ({ id, segment: id, matrix: IDENTITY }));
    const also = own.map(({ id }) => id);
    const take = async ({ shadows }) => this.plates.addShadows(photo, segments, await read(shadows));
    return this.#ask(photo, { collage: toJson({ photo, segments: own, layers }), also }, take);
  }

  // Of a large photo some comes before; nothing where it failed or was stopped.
  async #ask(photo, request, take) {
    await this.api.holdAll([photo]);
    let taken = Promise.resolve();
    await this.send({ token: photo.token, job: secretName(), seed: this.seed(), ...request }, ({ preview, value }) => {
      const prepared = preview ?? value;
      if (prepared) taken = taken.then(() => take(prepared)).then(() => this.changed());
    });
    await taken;
  }
}

const decoded = (patches) => Promise.all(patches.map(async ({ picture, ...patch }) => ({ ...patch, image: await decodePicture(picture) })));
const read = (shadows) => Promise.all(shadows.map(readShadow));

const isSameGround = (one, other) => one.photo === other.photo && hasShadows(one) === hasShadows(other);
const isSameList = (one, other) => one.length === other.length && one.every((item, i) => item === other[i]);

function isSame(one, other) {
  if (!one || !other) return one === other;
  const same = isSameGround(one.state, other.state) && one.next === other.next && one.outline?.mask === other.outline?.mask;
  return same && isSameList(one.removed, other.removed) && isSameList(one.casting, other.casting);
}

const isLarge = ({ alpha }, { bitmap }) => alpha.reduce((sum, value) => sum + (value > 0), 0) > MOST_AHEAD * bitmap.width * bitmap.height;
