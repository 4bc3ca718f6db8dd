// The one document on the page: its state under undo and redo, the layer in hand, and who wants to know.

import { EMPTY, findLayer } from "./collage.js";
import { History } from "./history.js";

export class Document {
  #history = new History(EMPTY);
  #draft = null;
  #listeners = [];

  /** What is to be shown: the gesture under way, or the last committed state. */
  get state() {
    return this.#draft ?? this.#history.present;
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
    this.#draft = state;
    this.#tell();
  }

  /** Back to the last mark; true when there was a draft to drop. */
  dropDraft() {
    const had = this.#draft !== null;
    this.#draft = null;
    this.#tell();
    return had;
  }

  /** One undoable step. */
  commit(state = this.state) {
    this.#draft = null;
    this.#history.commit(state);
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

  #tell() {
    if (this.chosen && !findLayer(this.state, this.chosen)) this.chosen = null;
    for (const listener of this.#listeners) listener();
  }
}
