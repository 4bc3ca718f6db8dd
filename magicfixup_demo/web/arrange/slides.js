// The sliders of the chosen layer: how much of it is seen, and how strong and soft its shadow is.

import { hasShadows, opacityOf, segmentOf, shadowStrength, softnessOf } from "../model/collage.js";
import { strings } from "../page/strings.js";

const SLIDES = { opacity: opacityOf, shadow: shadowStrength, softness: softnessOf }; // a layer's field, and what it is
const OF_SHADOW = ["shadow", "softness"];

export class Slides {
  #inputs = {};
  #said = {};

  /** part(name) -> an element; commands: of commands.js; shadowOf(state, segment): of live/plates.js. */
  constructor(part, commands, shadowOf) {
    this.shadowOf = shadowOf;
    for (const field of Object.keys(SLIDES)) {
      const input = (this.#inputs[field] = part(field));
      this.#said[field] = part(`${field}-said`);
      input.addEventListener("input", () => commands.setShare(field, input.valueAsNumber / 100));
      input.addEventListener("change", () => commands.keep());
    }
  }

  /** able: whether layers can be changed now. */
  update(state, layer, able) {
    const casts = this.shadowOf(state, segmentOf(state, layer)) !== null;
    for (const field of Object.keys(SLIDES)) {
      const missing = OF_SHADOW.includes(field) && !casts;
      this.#fill(field, SLIDES[field](layer), able && !missing, missing ? strings.noShadow : null);
    }
    for (const field of OF_SHADOW) this.#inputs[field].parentElement.hidden = !hasShadows(state);
  }

  #fill(field, share, able, instead) {
    const [input, said] = [this.#inputs[field], this.#said[field]];
    const value = Math.round(100 * share);
    if (input.valueAsNumber !== value) input.value = value;
    input.disabled = !able;
    said.textContent = instead ?? strings.percent(share);
  }
}
