// The object under selection: what the user pointed at and drew, what the server answered, and undo within it.

import { maskCovers, readMask } from "../canvas/masks.js";
import { History } from "../model/history.js";
import * as steps from "./steps.js";

export class Selection {
  #history = new History(steps.EMPTY);
  #draft = null; // parts whose question is still on its way: not a step yet
  #request = 0;
  #masks = new WeakMap(); // parts -> live mask or null
  #context = null;

  /** The id of the segment that is selected again, or null. */
  editing = null;

  /**
   * ask(prompt) -> [mask records]; photo() -> the photo on show; context() -> what the steps belong to: once there is
   * nothing selected they can be redone only while that is the same; tell(message) shows a problem; changed() redraws.
   */
  constructor({ ask, photo, context = () => null, tell, changed }) {
    Object.assign(this, { ask, photo, context, tell, changed });
  }

  get #parts() {
    return this.#draft ?? this.#history.present;
  }

  get active() {
    return this.#parts.length > 0;
  }

  get waiting() {
    return this.#draft !== null;
  }

  /** The live mask that all parts make together, or null. */
  get mask() {
    const parts = this.#parts;
    if (!this.#masks.has(parts)) this.#masks.set(parts, parts.length ? steps.maskOf(parts, this.photo()) : null);
    return this.#masks.get(parts);
  }

  /** Whether an edge was drawn softly on purpose. */
  get soft() {
    return steps.isSoft(this.#parts);
  }

  /** Whether anything was done to the object that is selected again. */
  get edited() {
    return this.#parts.length !== 1 || !this.#parts[0].base;
  }

  /** [x, y, include] of every click, in photo pixels. */
  get points() {
    return steps.pointsOf(this.#parts);
  }

  /** The box that the server is asked about now, or null. */
  get box() {
    return steps.openPrompt(this.#parts)?.box ?? null;
  }

  /** The masks offered for the latest click or box; `bySize` their indices by area, `rank` the place of the one taken. */
  get candidates() {
    return this.#offer?.answer.masks ?? [];
  }

  get bySize() {
    return this.#offer?.answer.bySize ?? [];
  }

  get rank() {
    return this.#offer ? this.bySize.indexOf(this.#offer.index) : -1;
  }

  get #offer() {
    const latest = steps.latestPrompt(this.#parts);
    return latest?.answer ? latest : null;
  }

  get canUndo() {
    return this.active || (this.#history.canUndo && this.#alive);
  }

  get canRedo() {
    return this.#history.canRedo && this.#alive && !this.waiting;
  }

  covers(x, y) {
    return this.mask !== null && maskCovers(this.mask, this.photo(), x, y);
  }

  addPoint(x, y, include) {
    return this.#step(steps.withPoint(this.#parts, x, y, include || !this.active));
  }

  removePoint(index) {
    return this.#step(steps.withoutPoint(this.#parts, index));
  }

  setBox(box, erase = false) {
    return this.#step(steps.withBox(this.#parts, box, erase && this.active));
  }

  /** A stroke or a lasso, as a patch of raster.js; with nothing selected it begins a selection. */
  addShape(patch, erase = false, soft = false) {
    if (patch && (this.active || !erase)) this.#step(steps.withShape(this.#parts, patch, erase, soft));
  }

  /** Take the mask of size `rank` among those offered; one step. */
  choose(rank) {
    const parts = steps.withRank(this.#parts, rank);
    if (parts !== this.#parts) this.#step(parts);
  }

  /** The next smaller (-1) or larger (+1) mask of those offered. */
  resize(by) {
    this.choose(this.rank + by);
  }

  /** Take the latest step back; with none left the selection is over. */
  stepBack() {
    if (this.#drop()) return this.changed();
    if (!this.#history.undo()) return this.clear();
    return this.#restore();
  }

  redo() {
    if (this.canRedo && this.#history.redo()) return this.#restore();
  }

  /** Select the object of a segment again. */
  edit(segment) {
    this.clear();
    this.editing = segment.id;
    this.#history = new History(steps.fromMask(segment));
    this.changed();
  }

  /** Let go of everything; there is no way back. */
  clear() {
    const had = this.active;
    this.#drop();
    this.#history = new History(steps.EMPTY);
    this.editing = null;
    if (had) this.changed();
  }

  /** Let go of everything as a step of its own, so that undo brings it back. */
  dismiss() {
    if (this.editing) return this.clear();
    this.#drop();
    this.#history.commit(steps.EMPTY);
    this.#context = this.context();
    this.changed();
  }

  /** The arrangement has changed: what was let go of before that does not come back, also when undo returns to it. */
  outdate() {
    if (!this.#alive && this.#history.canUndo) this.clear();
  }

  get #alive() {
    return this.active || this.#context === this.context();
  }

  // True when a question was under way; what it was for is as if it had never been.
  #drop() {
    const had = this.waiting;
    this.#request += 1;
    this.#draft = null;
    return had;
  }

  #step(parts) {
    if (!this.#alive) this.#history = new History(steps.EMPTY);
    if (this.waiting) this.#history.commit(this.#parts); // overtaken: undo comes by here and asks again
    this.#drop();
    if (steps.openPrompt(parts)) return this.#asking(parts, (answered) => this.#history.commit(answered));
    this.#history.commit(parts);
    this.#settled();
  }

  // A step that was overtaken before its answer came is asked when someone returns to it.
  #restore() {
    if (steps.openPrompt(this.#parts)) return this.#asking(this.#parts, (answered) => (this.#history.present = answered));
    this.#settled();
  }

  #settled() {
    this.#context = this.context();
    this.changed();
  }

  // Only the answer to the newest question counts; the old outline stays until it is there.
  async #asking(parts, keep) {
    const request = this.#request;
    const photo = this.photo();
    this.#draft = parts;
    this.changed();
    for (let part = steps.openPrompt(parts); part; part = steps.openPrompt(parts)) {
      const { masks, areas, error } = await this.#answer(part, photo);
      if (request !== this.#request) return;
      if (error) return this.#failed(error);
      parts = steps.withAnswer(parts, part, masks, areas);
    }
    this.#draft = null;
    keep(parts);
    this.#settled();
  }

  #failed(error) {
    this.#drop();
    this.tell(error);
    this.#settled();
  }

  async #answer({ points, box }, photo) {
    try {
      const records = await this.ask({ points, box });
      const masks = await Promise.all(records.map((record) => readMask(record, photo)));
      return { masks, areas: records.map((record) => record.area) };
    } catch (problem) {
      return { error: problem.message };
    }
  }
}
