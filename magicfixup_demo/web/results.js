// The result: a before/after slider, and beside it what SDEdit makes of the same start and seed, and that start itself.

import { strings } from "./strings.js";

export class Results {
  /** root: the result section; api: for downloads. */
  constructor(root, api, tell) {
    Object.assign(this, { root, api, tell, current: null });
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.parts = Object.fromEntries(
      ["compare", "before", "after", "before-label", "slider", "facts", "sdedit", "coarse"].map((name) => [name, part(name)]),
    );
    this.parts.slider.addEventListener("input", () => this.#slide());
    for (const name of ["sdedit", "coarse"]) this.parts[name].addEventListener("click", () => this.#compareWith(name));
  }

  /** result: { images, sdedit, coarse, seed, steps, seconds, model, licence, job, state }. */
  show(result) {
    this.current = result;
    const { photo } = result.state;
    this.root.style.setProperty("--aspect", photo.width / photo.height);
    this.root.dataset.shape = photo.width >= photo.height ? "wide" : "tall";
    this.parts.after.src = result.images[0];
    this.parts.facts.textContent = strings.facts(result);
    this.parts.sdedit.hidden = !result.sdedit;
    if (result.sdedit) this.parts.sdedit.querySelector("img").src = result.sdedit;
    this.parts.coarse.querySelector("img").src = result.coarse;
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

  // Pressing the picture that is compared already returns to the photo.
  #compareWith(name) {
    const chosen = name && this.parts[name].getAttribute("aria-pressed") !== "true" ? name : null;
    for (const other of ["sdedit", "coarse"]) this.parts[other].setAttribute("aria-pressed", String(other === chosen));
    this.parts.before.src = chosen ? this.current[chosen] : this.current.state.photo.picture;
    this.parts["before-label"].textContent = chosen ? strings[chosen] : strings.before;
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
