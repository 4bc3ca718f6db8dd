// Asks the server for plates before they are needed: of what is cut out, and of what is about to be. Nobody waits for them,
// so nothing is said of what fails; the next change asks again.

import { decodePicture } from "../canvas/masks.js";
import { removedSegments, toJson } from "../model/collage.js";
import { secretName } from "../page/secret.js";
import { areSame } from "./plates.js";

const CALM_MS = 150; // an outline changes with every click, and few click faster
const OUTLINE = "outline"; // the name of what is no segment yet
const MOST_AHEAD = 0.5; // of the photo: larger ones are the background more often than something to drag, and take long

export class Preparing {
  #wish = null; // what is wanted: { photo, removed, next, outline, edge }: without `removed`, then without one more
  #asked = null; // what the server makes now: { photo, removed, promise }
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
    if (!removed.length && !next && !outline) return null;
    return { photo: state.photo, removed, next: removed.includes(next) ? null : next, outline };
  }

  // A hole that is seen goes before one that may come.
  async #grant(wish) {
    const { photo, removed, next, outline, edge } = wish;
    const current = () => wish === this.#wish;
    await Promise.allSettled([...removed, next].map((segment) => segment?.refining));
    if (!current()) return; // a finished edge is another mask
    if (removed.length) await this.#have(photo, removed).catch(() => {});
    const more = outline ? { ...(await edge), id: OUTLINE } : next;
    if (more?.png && current() && !isLarge(more, photo)) await this.#have(photo, [...removed, more]);
  }

  #have(photo, removed) {
    if (this.plates.has(photo, removed)) return Promise.resolve();
    if (this.#asked?.photo === photo && areSame(this.#asked.removed, removed)) return this.#asked.promise;
    const asked = { photo, removed, promise: null };
    asked.promise = this.#ask(photo, removed).finally(() => this.#asked === asked && (this.#asked = null));
    this.#asked = asked;
    return asked.promise;
  }

  async #ask(photo, removed) {
    await this.api.holdAll([photo]);
    const collage = toJson({ photo, sources: [], segments: removed, layers: [] });
    let taken = Promise.resolve();
    await this.send({ token: photo.token, job: secretName(), collage, seed: this.seed() }, ({ preview, value }) => {
      const patches = preview ?? value?.patches; // of a large photo some come before; none where it failed or was stopped
      if (patches) taken = taken.then(() => this.#take(photo, removed, patches));
    });
    await taken;
  }

  async #take(photo, removed, patches) {
    const decoded = patches.map(async ({ picture, ...patch }) => ({ ...patch, image: await decodePicture(picture) }));
    this.plates.add(photo, removed, await Promise.all(decoded));
    this.changed();
  }
}

function isSame(one, other) {
  if (!one || !other) return one === other;
  const same = one.photo === other.photo && one.next === other.next && one.outline?.mask === other.outline?.mask;
  return same && one.removed.length === other.removed.length && one.removed.every((segment, i) => segment === other.removed[i]);
}

const isLarge = ({ alpha }, { bitmap }) => alpha.reduce((sum, value) => sum + (value > 0), 0) > MOST_AHEAD * bitmap.width * bitmap.height;
