// Model, seed and steps: always valid for the server, a sentence for the user when they are not.

import { Models } from "./models.js";
import { strings } from "../page/strings.js";

const DICE_SIDES = 100_000; // short enough to read out and to type again

export class Settings {
  constructor(root, limits) {
    Object.assign(this, { root, limits, maxSteps: 100 });
    this.seed = root.querySelector('[name="mf-seed"]');
    this.steps = root.querySelector('[name="mf-steps"]');
    this.samples = [...root.querySelectorAll('[name="mf-samples"]')];
    this.note = root.querySelector('[data-part="variants-note"]');
    for (const choice of this.samples) choice.addEventListener("change", () => this.#warn());
    this.models = new Models(root, () => (this.#allow(this.models.chosen?.info), this.#warn()));
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

  /** Another seed; what it returns puts the one of before back, unless somebody typed another meanwhile. */
  dice() {
    const before = this.seed.value;
    const seed = String(Math.floor(Math.random() * DICE_SIDES));
    this.seed.value = seed;
    return () => this.seed.value === seed && (this.seed.value = before);
  }

  /** { seed, steps, samples, model, other, sampler, prompt, sdedit }, or { problem }. */
  read() {
    const most = this.limits().seed;
    const seed = Number(this.seed.value || 0);
    const steps = this.steps.value === "" ? null : Number(this.steps.value);
    if (!Number.isInteger(seed) || seed < 0 || seed > most) return { problem: strings.seedWrong(most) };
    if (steps !== null && !(Number.isInteger(steps) && steps >= 1 && steps <= this.maxSteps)) {
      return { problem: strings.stepsWrong(this.maxSteps) };
    }
    return { seed, steps, samples: this.#samples, ...this.models.read() };
  }

  /** Put back what `read` gave once; what this server does not offer is left as it is. */
  write({ seed = 0, steps = null, samples = 1, ...models }) {
    this.seed.value = seed;
    this.steps.value = steps ?? "";
    for (const choice of this.samples) choice.checked = Number(choice.value) === samples;
    this.models.write(models);
    this.#warn();
  }

  get #samples() {
    return Number(this.samples.find(({ checked }) => checked)?.value ?? 1);
  }

  #warn() {
    this.note.hidden = this.#samples === 1;
    this.note.textContent = strings.variantsNote(this.models.chosen?.name === "small");
  }

  /** What the engine allows and does by itself; not known before it is loaded. */
  #allow(info) {
    this.maxSteps = info?.maxSteps ?? 100;
    this.steps.max = this.maxSteps;
    this.steps.placeholder = info ? strings.defaultSteps(info.defaultSteps) : strings.ownSteps;
  }
}
