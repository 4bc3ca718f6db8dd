// Undo and redo over immutable states: one mark per gesture. Selection is not part of it, so redo survives a click.

const MOST_MARKS = 1000;

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

  get states() {
    return [...this.#past, this.present, ...this.#future];
  }

  /** Make `state` the present, one step after the last. The same state again is no step. */
  commit(state) {
    if (state === this.present) return;
    this.#past.push(this.present);
    if (this.#past.length > MOST_MARKS) this.#past.shift();
    this.#future = [];
    this.present = state;
  }

  /** Forget the oldest states, so that no more than `most` different things are in those before: keyOf(state) -> thing. */
  bound(keyOf, most) {
    const things = new Set([keyOf(this.present)]);
    const tooMany = (state) => things.add(keyOf(state)).size > most;
    this.#past = this.#past.slice(this.#past.findLastIndex(tooMany) + 1);
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

  /** Replace every state, past, present and future, by what `change` makes of it. No step. */
  rewrite(change) {
    this.#past = this.#past.map(change);
    this.#future = this.#future.map(change);
    this.present = change(this.present);
  }
}
