// The models to choose from in the settings: what each is, its licence, and what its first use downloads.

import { strings } from "../page/strings.js";

export class Models {
  #shown = "";
  #picked = null; // by the visitor; until then the server's default
  #wanted = {}; // values put back for lists that are not there yet

  /** root: the settings' element; changed() is called after another model was chosen or became known. */
  constructor(root, changed) {
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    Object.assign(this, { changed, default: null, offers: [] });
    this.parts = Object.fromEntries(["models", "other", "sampler", "prompt", "withSdedit"].map((name) => [name, part(name)]));
    this.other = root.querySelector('[name="mf-other"]');
    this.sampler = root.querySelector('[name="mf-sampler"]');
    this.prompt = root.querySelector('[name="mf-prompt"]');
    this.sdedit = root.querySelector('[name="mf-sdedit"]');
  }

  /** The model that runs next, or undefined while the server still makes its list. */
  get chosen() {
    const named = (wanted) => this.offers.find(({ name }) => name === wanted);
    return named(this.#picked) ?? named(this.default);
  }

  /** Take over the server's list: { default, offers }; the visitor's choices stay. */
  offer(models) {
    if (JSON.stringify(models) === this.#shown) return;
    this.#shown = JSON.stringify(models);
    Object.assign(this, { default: models.default, offers: models.offers });
    this.#update();
  }

  /** { model, other, sampler, prompt, sdedit } for the server. */
  read() {
    const { info } = this.chosen ?? {};
    return {
      model: this.chosen?.name ?? null,
      other: this.other.value || null,
      sampler: this.parts.sampler.hidden ? null : this.sampler.value || null,
      prompt: info?.takesPrompt ? this.prompt.value : "",
      sdedit: this.sdedit.checked,
    };
  }

  /** Put back what `read` gave once. */
  write({ model = null, other = null, sampler = null, prompt = "", sdedit = false }) {
    this.#picked = model ?? this.#picked;
    this.#wanted = { other: other ?? "", sampler: sampler ?? "" };
    this.prompt.value = prompt ?? "";
    this.sdedit.checked = Boolean(sdedit);
    this.#update();
  }

  /** What is to be downloaded before the next fix-up can begin: the models' records. */
  get missing() {
    return this.offers.filter(({ name, megabytes }) => megabytes > 0 && [this.chosen?.name, this.other.value].includes(name));
  }

  #pick(name) {
    this.#picked = name;
    this.#update();
  }

  #update() {
    const focused = document.activeElement?.name === "mf-model";
    const legend = this.parts.models.querySelector("legend");
    this.parts.models.replaceChildren(legend, ...this.offers.map((offer) => this.#row(offer)));
    if (focused) this.parts.models.querySelector("input:checked")?.focus();
    this.#updateOther();
    this.#updateInfo();
    this.changed();
  }

  #row(offer) {
    const label = element("label", "mf-model");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "mf-model", value: offer.name });
    input.checked = offer === this.chosen;
    input.addEventListener("change", () => this.#pick(offer.name));
    const text = element("span", "");
    text.append(element("b", "", strings.modelTitle(offer.name)), element("span", "", strings.sentence(offer.description)));
    text.append(element("span", "mf-quiet", strings.modelLicence(offer)));
    const state = strings.modelState(offer);
    if (state) text.append(element("span", "mf-state", state));
    label.append(input, text);
    return label;
  }

  #updateOther() {
    const before = this.#wanted.other ?? this.other.value;
    const others = this.offers.filter((offer) => offer !== this.chosen);
    const options = others.map(({ name }) => new Option(strings.besideWith(strings.modelTitle(name)), name));
    this.other.replaceChildren(new Option(strings.besideNothing, ""), ...options);
    this.other.value = others.some(({ name }) => name === before) ? before : "";
    if (this.other.value === before) delete this.#wanted.other;
    this.parts.other.hidden = others.length === 0;
  }

  #updateInfo() {
    const { info } = this.chosen ?? {};
    const samplers = info?.samplers ?? [];
    const before = this.#wanted.sampler ?? this.sampler.value;
    this.sampler.replaceChildren(...samplers.map((name, i) => new Option(strings.sampler(name, i === 0), i === 0 ? "" : name)));
    this.sampler.value = samplers.slice(1).includes(before) ? before : "";
    if (this.sampler.value === before) delete this.#wanted.sampler;
    this.parts.sampler.hidden = samplers.length < 2;
    this.parts.prompt.hidden = !info?.takesPrompt;
    this.parts.withSdedit.hidden = !info?.sdeditMegabytes;
    this.parts.withSdedit.querySelector("span").textContent = strings.withSdedit(info?.sdeditMegabytes ?? 0);
  }
}

function element(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}
