// The one document on the page: its state under undo and redo, the layer in hand, and who wants to know.

import { EMPTY, findLayer, isSameArrangement } from "./collage.js";
import { History } from "./history.js";

const MOST_REWRITES = 8; // more than one gesture ever sees; each holds pictures
const MOST_PHOTOS = 4; // that undo leads back to: each holds its pictures, and the server keeps few of a visit

export class Document {
  #history = new History(EMPTY);
  #draft = null;
  #rewrites = [];
  #listeners = [];

  /** What is to be shown: the gesture under way, or the last committed state. */
  get state() {
    return this.#draft ?? this.#history.present;
  }

  /** Whether a gesture is under way: its next frame may look different. */
  get drafting() {
    return this.#draft !== null;
  }

  /** The last committed state, whatever is being tried over it. */
  get settled() {
    return this.#history.present;
  }

  /** Every state that undo and redo lead to, and the present one. */
  get states() {
    return this.#history.states;
  }

  chosen = null;

  get layer() {
    return findLayer(this.state, this.chosen);
  }

  get canUndo() {
    return this.#history.canUndo;
  }

  get canRedo() {
    return this.#history.canRedo;
  }

  onChange(listener) {
    this.#listeners.push(listener);
  }

  choose(layerId) {
    this.chosen = layerId;
    this.#tell();
  }

  /** Show a state without committing to it. */
  draft(state) {
    this.#draft = this.#rewritten(state);
    this.#tell();
  }

  /** Back to the last mark; true when there was a draft to drop. */
  dropDraft() {
    const had = this.#draft !== null;
    this.#draft = null;
    this.#tell();
    return had;
  }

  /** One undoable step, or none where nothing looks or is named otherwise; the first photo is none, for undo to an empty page would leave no button to come back with. */
  commit(state = this.state) {
    this.#draft = null;
    const made = this.#rewritten(state);
    if (made.photo && !this.#history.present.photo) this.#history = new History(made);
    else if (!isSameArrangement(made, this.#history.present)) this.#history.commit(made);
    this.#history.bound(({ photo }) => photo, MOST_PHOTOS);
    this.#tell();
  }

  /**
   * Change EVERY state, past and future too, and those still to come from a gesture that began before: for what is made
   * better behind the scenes and is no step of its own. `change` returns the very state where it has nothing to do, and
   * must know what it replaces by the thing itself, not its id: a newer mask may have that.
   */
  rewrite(change) {
    this.#rewrites = [...this.#rewrites, change].slice(-MOST_REWRITES);
    this.#history.rewrite(change);
    if (this.#draft) this.#draft = change(this.#draft);
    this.#tell();
  }

  undo() {
    this.#draft = null;
    this.#history.undo();
    this.#tell();
  }

  redo() {
    this.#draft = null;
    this.#history.redo();
    this.#tell();
  }

  #rewritten = (state) => this.#rewrites.reduce((made, change) => change(made), state);

  #tell() {
    if (this.chosen && !findLayer(this.state, this.chosen)) this.chosen = null;
    for (const listener of this.#listeners) listener();
  }
}
