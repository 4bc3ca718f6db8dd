// Seed and steps: always valid numbers for the server, a sentence for the user when they are not.

import { strings } from "./strings.js";

export class Settings {
  constructor(root, limits) {
    Object.assign(this, { root, limits, maxSteps: 100 });
    this.seed = root.querySelector('[name="mf-seed"]');
    this.steps = root.querySelector('[name="mf-steps"]');
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

  /** What the engine allows and does by itself. */
  allow({ defaultSteps, maxSteps }) {
    this.maxSteps = maxSteps;
    this.steps.max = maxSteps;
    this.steps.placeholder = strings.defaultSteps(defaultSteps);
  }

  dice() {
    this.seed.value = Math.floor(Math.random() * 2 ** 31);
  }

  /** { seed, steps }, or { problem }. */
  read() {
    const most = this.limits().seed;
    const seed = Number(this.seed.value || 0);
    const steps = this.steps.value === "" ? null : Number(this.steps.value);
    if (!Number.isInteger(seed) || seed < 0 || seed > most) return { problem: strings.seedWrong(most) };
    if (steps !== null && !(Number.isInteger(steps) && steps >= 1 && steps <= this.maxSteps)) {
      return { problem: strings.stepsWrong(this.maxSteps) };
    }
    return { seed, steps };
  }
}
