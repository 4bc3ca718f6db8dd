// The first-run hint: three steps that are ticked off as they are done. It goes by doing or dismissing, and stays away.

import { isIdentity } from "../model/affine.js";

const SEEN = "magicfixup.hints";

export class Hints {
  #done = 0; // steps
  #start = null; // the arrangement that the first photo came with
  #over = wasSeen();

  /** root: the line; doc, selection, isFixing(): what the steps are read from. */
  constructor(root, { doc, selection, isFixing }) {
    Object.assign(this, { root, doc, selection, isFixing, items: [...root.querySelectorAll("li")] });
  }

  /** Look at what has been done by now. `shown`: whether there is room for a hint. */
  update(shown) {
    const { state } = this.doc;
    if (!this.#over && state.photo) this.#look(state);
    this.root.hidden = this.#over || !state.photo || !shown;
    this.items.forEach((item, i) => {
      item.toggleAttribute("data-done", i < this.#done);
      if (i === this.#done) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
  }

  dismiss() {
    this.#over = true;
    remember();
    this.root.hidden = true;
  }

  #look(state) {
    if (this.#start?.photo !== state.photo) this.#start = state;
    if (this.isFixing()) return this.dismiss();
    if (state.layers !== this.#start.layers && hasMoved(state, this.#start)) this.#done = 2;
    else if (this.#done === 0 && (this.selection.active || this.doc.layer)) this.#done = 1;
  }
}

/** Whether a layer has gone somewhere else since `start`; one that was cut out since then counts from its place. */
const hasMoved = (state, start) => {
  const before = new Map(start.layers.map((layer) => [layer.id, layer.matrix]));
  return state.layers.some(({ id, matrix }) => (before.has(id) ? before.get(id) !== matrix : !isIdentity(matrix)));
};

function wasSeen() {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return false; // a browser that stores nothing is told each time
  }
}

function remember() {
  try {
    localStorage.setItem(SEEN, "1");
  } catch {
    // then it comes again with the next visit
  }
}
