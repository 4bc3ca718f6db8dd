// The object under selection: what the user pointed at, and the masks that the server offered for it.

import { maskCovers, readMask } from "./masks.js";

export class Selection {
  #request = 0;

  /** ask(prompt) -> [mask records]; photo() -> the open photo; tell(message) shows a problem; changed() redraws. */
  constructor({ ask, photo, tell, changed }) {
    Object.assign(this, { ask, photo, tell, changed });
    this.#reset();
  }

  get active() {
    return this.points.length > 0 || this.box !== null;
  }

  /** The live mask that is offered now, or null. */
  get mask() {
    return this.candidates[this.index] ?? null;
  }

  covers(x, y) {
    return this.mask !== null && maskCovers(this.mask, this.photo(), x, y);
  }

  clear() {
    if (!this.active && !this.waiting) return;
    this.#reset();
    this.changed();
  }

  addPoint(x, y, include) {
    return this.#asking([...this.points, [x, y, include]], this.box);
  }

  removePoint(index) {
    const points = this.points.filter((_, i) => i !== index);
    if (!this.box && !points.some(([, , include]) => include)) return this.clear();
    return this.#asking(points, this.box);
  }

  /** Take the latest point back; with none left the selection is over. */
  stepBack() {
    return this.points.length > (this.box ? 0 : 1) ? this.removePoint(this.points.length - 1) : this.clear();
  }

  setBox(box) {
    return this.#asking([], box);
  }

  /** The next smaller (-1) or larger (+1) mask of those offered. */
  resize(by) {
    this.index = this.bySize[this.rank + by] ?? this.index;
    this.changed();
  }

  get rank() {
    return this.bySize.indexOf(this.index);
  }

  #reset() {
    this.#request += 1;
    Object.assign(this, { points: [], box: null, candidates: [], bySize: [], index: 0, waiting: false });
  }

  // Only the answer to the newest question counts; the old outline stays until it is there.
  async #asking(points, box) {
    const before = { points: this.points, box: this.box };
    const request = (this.#request += 1);
    const photo = this.photo();
    Object.assign(this, { points, box, waiting: true });
    this.changed();
    const answer = await this.#answer({ points, box }, photo);
    if (request !== this.#request) return;
    this.waiting = false;
    if (answer.error) {
      this.tell(answer.error);
      Object.assign(this, this.candidates.length ? before : { points: [], box: null });
    } else {
      const sizes = answer.masks.map((_, i) => i).sort((i, j) => answer.areas[i] - answer.areas[j]);
      Object.assign(this, { candidates: answer.masks, bySize: sizes, index: 0 });
    }
    this.changed();
  }

  async #answer(prompt, photo) {
    try {
      const records = await this.ask(prompt);
      const masks = await Promise.all(records.map((record) => readMask(record, photo)));
      return { masks, areas: records.map((record) => record.area) };
    } catch (problem) {
      return { error: problem.message };
    }
  }
}
