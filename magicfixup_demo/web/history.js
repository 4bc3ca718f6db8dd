// Undo and redo over immutable states: one mark per gesture. Selection is not part of it, so redo survives a click.

const MOST_MARKS = 200;

export class History {
  #past = [];
  #future = [];

  constructor(present) {
    this.present = present;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Make `state` the present, one step after the last. The same state again is no step. */
  commit(state) {
    if (state === this.present) return;
    this.#past.push(this.present);
    if (this.#past.length > MOST_MARKS) this.#past.shift();
    this.#future = [];
    this.present = state;
  }

  undo() {
    if (!this.canUndo) return false;
    this.#future.push(this.present);
    this.present = this.#past.pop();
    return true;
  }

  redo() {
    if (!this.canRedo) return false;
    this.#past.push(this.present);
    this.present = this.#future.pop();
    return true;
  }
}
