// What a click would select, while the mouse hovers: few questions, one at a time, and only the newest place counts.

const BETWEEN_MS = 100; // at most ten questions a second
const GRAIN = 6; // CSS pixels that share one answer
const MOST_KEPT = 300;

export class HoverPreview {
  mask = null; // what is shown now: a live mask, or null
  #photo = null;
  #kept = new Map(); // place -> live mask or null
  #wanted = null; // { key, point }: where the pointer is, while its answer is not there
  #asking = false;
  #timer = null;
  #last = -Infinity;
  #ready = new WeakSet();
  #over = null; // where the pointer is

  /**
   * photo() -> the photo on show; scale() -> CSS pixels per photo pixel; ask(photo, point) -> { mask (a record or
   * null), busy, off }; read(record, photo) -> live mask; changed() redraws; now and later are the clock's.
   */
  constructor({ photo, scale, ask, read, changed, blocked = () => false, now = () => performance.now(), later = (work, wait) => setTimeout(work, wait) }) {
    Object.assign(this, { photo, scale, ask, read, changed, blocked, now, later });
  }

  /** Whether a hint makes sense at a photo point: not where nothing can be cut out any more. */
  allows(at) {
    return !this.blocked(at);
  }

  /** The pointer is at this photo point, or (null) nowhere. */
  at(point) {
    const photo = this.photo();
    if (photo !== this.#photo) this.#forget(photo);
    this.#over = point;
    if (!point || this.off || !isOn(photo, point)) return this.clear();
    if (!this.#isReady(photo)) return;
    const key = point.map((value) => Math.floor((value * this.scale()) / GRAIN)).join();
    if (this.#kept.has(key)) {
      this.#wanted = null;
      return this.#show(this.#kept.get(key));
    }
    this.#wanted = { key, point };
    this.#schedule();
  }

  clear() {
    this.#over = null;
    this.#wanted = null;
    this.#show(null);
  }

  #isReady(photo) {
    if (!photo.ready || this.#ready.has(photo)) return true;
    const read = () => {
      this.#ready.add(photo);
      if (photo === this.#photo && this.#over) this.at(this.#over); // the pointer may have come to rest long ago
    };
    photo.ready.then(read).catch(() => {});
    return false;
  }

  #forget(photo) {
    this.#photo = photo;
    this.#kept.clear();
    this.clear();
  }

  #show(mask) {
    if (mask === this.mask) return;
    this.mask = mask;
    this.changed();
  }

  #schedule() {
    if (this.#asking || this.#timer !== null) return;
    const wait = Math.max(0, this.#last + BETWEEN_MS - this.now());
    this.#timer = this.later(() => this.#send(), wait);
  }

  async #send() {
    this.#timer = null;
    if (!this.#wanted) return;
    const { key, point } = this.#wanted;
    const photo = this.#photo;
    this.#asking = true;
    this.#last = this.now();
    const answer = await this.#answer(photo, point);
    this.#asking = false;
    if (photo !== this.#photo) return;
    if (answer && !answer.busy) this.#keep(key, answer.mask);
    this.off ||= Boolean(answer?.off);
    if (this.#wanted?.key === key && !answer?.busy) {
      this.#wanted = null;
      this.#show(answer?.mask ?? null);
    }
    if (this.#wanted && !this.off) this.#schedule();
  }

  // What is wrong here is told when someone clicks.
  async #answer(photo, point) {
    try {
      const { mask, busy, off } = await this.ask(photo, point);
      return { mask: mask && (await this.read(mask, photo)), busy, off };
    } catch {
      return null;
    }
  }

  #keep(key, mask) {
    this.#kept.set(key, mask);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value);
  }
}

const isOn = ({ width, height }, [x, y]) => x >= 0 && y >= 0 && x < width && y < height;
