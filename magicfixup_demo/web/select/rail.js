// The tool rail: which tool is in hand, and the brush's size and softness while there is a brush.

import { SIZES } from "./tools.js";

const SHOWN_MS = 900; // how long the ring shows a size that was just chosen

export class Rail {
  #timer = null;

  /** root: the editor's element; tools: SelectTools; stage: where the ring is shown. */
  constructor(root, { tools, stage, sizeText, softnessText }) {
    const field = (name) => root.querySelector(`[name="mf-brush-${name}"]`);
    Object.assign(this, { root, tools, stage, sizeText, softnessText, size: field("size"), softness: field("softness") });
    this.buttons = [...root.querySelectorAll('[data-do^="tool-"]')];
    this.size.min = 0;
    this.size.max = 100;
    this.size.addEventListener("input", () => this.#chosen({ size: sizeAt(this.size.valueAsNumber / 100) }));
    this.softness.addEventListener("input", () => this.#chosen({ softness: this.softness.valueAsNumber / 100 }));
  }

  update() {
    const { active, brush, brushing } = this.tools;
    this.root.dataset.tool = active;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.do === `tool-${active}`));
    this.root.querySelector('[data-part="brush"]').hidden = !brushing;
    this.size.value = 100 * placeOf(brush.size);
    this.size.setAttribute("aria-valuetext", this.sizeText(brush.size));
    this.softness.value = 100 * brush.softness;
    this.softness.setAttribute("aria-valuetext", this.softnessText(brush.softness));
  }

  // The ring stands in the middle for a moment: the pointer is on the slider, away from the photo.
  #chosen(change) {
    const { tools, stage } = this;
    const { width, height } = stage.size;
    tools.setBrush(change);
    tools.ring = [width / 2, height / 2];
    stage.refresh();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => ((tools.ring = null), stage.refresh()), SHOWN_MS);
  }
}

// Small sizes take as much of the slider as large ones.
const RATIO = SIZES.most / SIZES.least;
const sizeAt = (place) => Math.round(SIZES.least * RATIO ** place);
const placeOf = (size) => Math.log(size / SIZES.least) / Math.log(RATIO);
