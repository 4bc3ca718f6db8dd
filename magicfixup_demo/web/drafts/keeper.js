// Writes the draft after changes: when they have settled and the browser is idle, never while something is dragged.

import { missingIn, pack } from "./packing.js";

const SETTLED_MS = 400;
const TOUCH_MS = 3600_000; // a tab that stays open for days keeps its draft fresh

export class Keeper {
  #timer = null;
  #kept = null; // the state that was written last, with all its photos
  #written = ""; // all else that was
  #writing = Promise.resolve();
  #key = null;

  /** doc: Document; store: DraftStore; around(state): the other fields of a draft, without key and at. */
  constructor({ doc, store, around, now = Date.now }) {
    Object.assign(this, { doc, store, around, now });
    setInterval(() => this.#write({ again: true }), TOUCH_MS);
    window.addEventListener("pagehide", () => this.#save({ last: true }).catch(() => {}));
    document.addEventListener("visibilitychange", () => document.hidden && this.flush());
  }

  /** The key to write under from now on. */
  set key(key) {
    this.#key = key;
    this.changed();
  }

  /** Whether this state can be brought back though the page is left now. */
  holds = (state) => state === this.#kept;

  /** Something may have changed. */
  changed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => idle(() => this.flush()), SETTLED_MS);
  }

  /** Write now what is not written yet. */
  flush() {
    clearTimeout(this.#timer);
    return this.doc.drafting ? this.changed() : this.#write();
  }

  #write(how = {}) {
    this.#writing = this.#writing.then(() => this.#save(how)).catch(() => {}); // then the page asks before it is left
    return this.#writing;
  }

  async #save({ again = false, last = false }) {
    const { settled: state } = this.doc;
    if (!this.#key || !state.photo) return;
    const around = this.around(state);
    const text = JSON.stringify({ ...around, key: this.#key });
    if (!again && this.holds(state) && text === this.#written) return;
    this.#kept = null;
    await this.store.save(pack(state, { ...around, key: this.#key, at: this.now() }), last);
    this.#written = text;
    const missing = missingIn(state);
    if (missing.length) missing.forEach((source) => this.#fetch(source));
    else this.#kept = state;
  }

  // What only the server has so far; other changes are written meanwhile, and a failure is tried again with the next one.
  #fetch(source) {
    source.loading ??= source.load().then(
      (file) => (Object.assign(source, { file }), this.changed()),
      () => (source.loading = null),
    );
  }
}

const idle = (work) => (window.requestIdleCallback ? window.requestIdleCallback(work, { timeout: 2000 }) : work());
