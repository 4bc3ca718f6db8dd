// "Position and size": numbers to read and to type. A field that was typed into is one step.

import { decompose } from "./fields.js";
import { segmentOf } from "../model/collage.js";

export class FieldPanel {
  /** root: the <details>; set(field, value, linked) changes the chosen layer; leave() takes the focus to the picture. */
  constructor(root, set, leave) {
    Object.assign(this, { root, fields: [...root.querySelectorAll("[data-field]")] });
    const linked = root.querySelector('[data-part="linked"]');
    for (const field of this.fields) {
      field.addEventListener("change", () => field.value !== "" && set(field.dataset.field, field.valueAsNumber, linked.checked));
      field.addEventListener("blur", () => this.shown && this.update(this.shown.state, this.shown.layer));
    }
    root.addEventListener("keydown", (event) => this.#key(event, leave));
    root.addEventListener("toggle", () => this.shown && this.update(this.shown.state, this.shown.layer));
  }

  // Enter is done with the fields, and Escape too, without what was typed: then keys are for the object again.
  #key(event, leave) {
    if (!this.fields.includes(event.target) || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const { state, layer } = this.shown;
    if (event.key === "Escape") event.target.value = rounded(decompose(segmentOf(state, layer), layer.matrix)[event.target.dataset.field]);
    leave(); // the field says that it has changed as it loses the focus
  }

  /** The numbers of a layer, or null for none. A field that is being typed into is left alone. */
  update(state, layer) {
    this.shown = layer && { state, layer };
    if (!layer || !this.root.open) return;
    const numbers = decompose(segmentOf(state, layer), layer.matrix);
    for (const field of this.fields) {
      field.disabled = Boolean(layer.locked);
      if (field !== document.activeElement || field.shownFor !== layer) field.value = rounded(numbers[field.dataset.field]);
      field.shownFor = layer;
    }
  }
}

const rounded = (number) => String(Math.round(number * 10) / 10 + 0); // + 0: no "-0"
