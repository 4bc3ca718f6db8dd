// The result: a before/after slider, and beside it another model's, SDEdit's, and the arrangement that all start from.

import { strings } from "./strings.js";

const COMPARED = ["other", "sdedit", "coarse"];

export class Results {
  /** root: the result section; api: for downloads. */
  constructor(root, api, tell) {
    Object.assign(this, { root, api, tell, current: null });
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.parts = Object.fromEntries(
      ["compare", "before", "after", "before-label", "after-label", "slider", "facts", ...COMPARED].map((name) => [name, part(name)]),
    );
    this.parts.slider.addEventListener("input", () => this.#slide());
    for (const name of COMPARED) this.parts[name].addEventListener("click", () => this.#compareWith(name));
  }

  /** result: { images, sdedit, coarse, other, seed, steps, seconds, model, licence, job, state }; see payload.py. */
  show(result) {
    this.current = result;
    const { photo } = result.state;
    this.root.style.setProperty("--aspect", photo.width / photo.height);
    this.root.dataset.shape = photo.width >= photo.height ? "wide" : "tall";
    this.parts.after.src = result.images[0];
    this.parts.facts.textContent = strings.facts(result);
    this.parts["after-label"].textContent = strings.modelTitle(result.model);
    this.#fill("other", result.other?.image, result.other && strings.otherNote(result.other));
    this.#fill("sdedit", result.sdedit, strings.sdeditNote(result.model));
    this.#fill("coarse", result.coarse, strings.coarseNote);
    this.root.dataset.beside = COMPARED.filter((name) => !this.parts[name].hidden).length;
    this.parts.slider.value = 50;
    this.#compareWith(null);
    this.#slide();
  }

  /** Save a full-size PNG. */
  async download(what = "result") {
    const { state, job } = this.current;
    try {
      const { name, png } = await this.api.call("download", { token: state.photo.token, job, what });
      const bytes = await (await fetch("data:image/png;base64," + png)).blob();
      saveAs(bytes, name);
    } catch (problem) {
      this.tell(problem.message || strings.noDownload);
    }
  }

  #fill(name, picture, note) {
    const figure = this.parts[name];
    figure.hidden = !picture;
    if (!picture) return;
    figure.querySelector("img").src = picture;
    figure.querySelector("b").textContent = this.#label(name);
    figure.querySelector(".mf-caption span").textContent = note;
  }

  #label(name) {
    return name === "other" ? strings.modelTitle(this.current.other.model) : strings[name];
  }

  // Pressing the picture that is compared already returns to the photo.
  #compareWith(name) {
    const chosen = name && this.parts[name].getAttribute("aria-pressed") !== "true" ? name : null;
    for (const each of COMPARED) this.parts[each].setAttribute("aria-pressed", String(each === chosen));
    this.parts.before.src = chosen ? this.parts[chosen].querySelector("img").src : this.current.state.photo.picture;
    this.parts["before-label"].textContent = chosen ? this.#label(chosen) : strings.before;
  }

  #slide() {
    this.parts.compare.style.setProperty("--at", `${this.parts.slider.value}%`);
  }
}

function saveAs(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
