// Model, seed and steps: always valid for the server, a sentence for the user when they are not.

import { Models } from "./models.js";
import { strings } from "./strings.js";

export class Settings {
  constructor(root, limits) {
    Object.assign(this, { root, limits, maxSteps: 100 });
    this.seed = root.querySelector('[name="mf-seed"]');
    this.steps = root.querySelector('[name="mf-steps"]');
    this.models = new Models(root, () => this.#allow(this.models.chosen?.info));
    root.querySelector('[data-do="dice"]').addEventListener("click", () => this.dice());
    document.addEventListener("pointerdown", (event) => {
      if (root.open && !event.composedPath().includes(root)) root.open = false;
    });
    root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      root.open = false;
      root.querySelector("summary").focus();
    });
  }

  dice() {
    this.seed.value = Math.floor(Math.random() * 2 ** 31);
  }

  /** { seed, steps, model, other, sampler, prompt, sdedit }, or { problem }. */
  read() {
    const most = this.limits().seed;
    const seed = Number(this.seed.value || 0);
    const steps = this.steps.value === "" ? null : Number(this.steps.value);
    if (!Number.isInteger(seed) || seed < 0 || seed > most) return { problem: strings.seedWrong(most) };
    if (steps !== null && !(Number.isInteger(steps) && steps >= 1 && steps <= this.maxSteps)) {
      return { problem: strings.stepsWrong(this.maxSteps) };
    }
    return { seed, steps, ...this.models.read() };
  }

  /** What the engine allows and does by itself; not known before it is loaded. */
  #allow(info) {
    this.maxSteps = info?.maxSteps ?? 100;
    this.steps.max = this.maxSteps;
    this.steps.placeholder = info ? strings.defaultSteps(info.defaultSteps) : strings.ownSteps;
  }
}
