// The view of one result: the large picture, its variants, what it is compared with, and what is known about it.

import { strings } from "../page/strings.js";
import { GAIN } from "./difference.js";
import { Closeup } from "./closeup.js";
import { layOut, methodsOf, showMethods, showVariants } from "./tiles.js";
import { Viewer } from "./viewer.js";
import { listenToHoldButton, listenToKeys } from "./viewing.js";

const COMPARED = ["other", "sdedit", "coarse"];

export class Results {
  #base = null; // what it is compared with: one of COMPARED, or null for the photo
  #view = "slider";

  /** root: the result section; models(): names of all models; isOpen(): whether it is in view; ask() opens the settings. */
  constructor(root, { api, tell, models, isOpen, ask }) {
    Object.assign(this, { root, api, tell, models, isOpen, ask, entry: null, sample: 0 });
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    const names = ["compare", "before-label", "after-label", "facts", "caption", "variants", "methods", "zoom", "lost", "stale", "photo"];
    this.parts = Object.fromEntries([...names, ...COMPARED].map((name) => [name, part(name)]));
    this.viewer = new Viewer(this.parts.compare, () => this.#viewChanged());
    this.closeup = new Closeup(this.viewer, {
      fetch: (record) => this.api.call("region", this.request(record)),
      busy: (on) => this.parts.compare.toggleAttribute("data-loading", on),
      failed: (problem) => this.missing(problem) || this.tell(problem.message),
    });
    for (const name of ["photo", ...COMPARED]) this.parts[name].addEventListener("click", () => this.compareWith(name === "photo" ? null : name));
    for (const button of root.querySelectorAll("[data-show]")) button.addEventListener("click", () => this.look(button.dataset.show));
    root.addEventListener("click", (event) => this.#zoom(event.target.closest("[data-zoom]")?.dataset.zoom));
    new ResizeObserver(() => this.#layOut()).observe(this.parts.methods);
    listenToHoldButton(root.querySelector('[data-part="hold"]'), this.viewer);
    listenToKeys(this.viewer, () => this.isOpen() && this.#view !== "methods");
  }

  /** The result in view, with its job and state, or null. */
  get current() {
    return this.entry?.result ?? null;
  }

  /** entry: of results/history.js, or null for none. */
  show(entry, sample = 0) {
    const other = entry !== this.entry;
    Object.assign(this, { entry, sample });
    if (!entry) return;
    if (other) this.#base = null;
    if (other) this.parts.lost.hidden = true;
    const { photo } = entry.state;
    this.root.style.setProperty("--aspect", photo.width / photo.height);
    this.root.dataset.shape = photo.width >= photo.height ? "wide" : "tall";
    this.parts["after-label"].textContent = strings.modelTitle(this.current.model);
    this.parts.photo.querySelector("img").src = photo.picture;
    this.#fill("other", this.current.other?.image);
    this.#fill("sdedit", this.current.sdedit);
    this.#fill("coarse", this.current.coarse);
    this.#update();
  }

  /** Fit what is shown again: observers do not tell of a size that changed and came back before the page was drawn. */
  place() {
    this.viewer.place();
    this.#layOut();
  }

  /** Show the variant of that index large. */
  choose(sample) {
    this.sample = sample;
    this.#update();
  }

  /** One of COMPARED, or null for the photo. */
  compareWith(name) {
    this.#base = this.#base === name ? null : name;
    this.#update();
  }

  /** "slider", "picture", "difference" or "methods" (side by side). */
  look(view) {
    this.#view = view;
    this.#update();
  }

  focus() {
    this.parts.compare.focus({ preventScroll: true });
  }

  /** What names a picture of this result to the server. */
  request(more = {}) {
    return { token: this.entry.state.photo.token, job: this.current.job, what: "result", sample: this.sample, ...more };
  }

  /** Say that the server no longer has this result at full size, and offer to make it again; false for other problems. */
  missing({ lost, gone }) {
    if (!lost && !gone) return false;
    this.parts.lost.hidden = false;
    return true;
  }

  #fill(name, picture) {
    this.parts[name].hidden = !picture;
    if (!picture) return;
    this.parts[name].querySelector("img").src = picture;
    this.parts[name].querySelector("span").textContent = this.#label(name);
  }

  #label(name) {
    if (!name) return strings.before;
    return name === "other" ? strings.modelTitle(this.current.other.model) : strings[name];
  }

  #update() {
    const { photo } = this.entry.state;
    const isTiles = this.#view === "methods";
    this.parts.compare.hidden = isTiles;
    this.parts.methods.hidden = !isTiles;
    this.root.dataset.view = this.#view;
    for (const button of this.root.querySelectorAll("[data-show]")) button.setAttribute("aria-pressed", String(button.dataset.show === this.#view));
    for (const name of ["photo", ...COMPARED]) this.parts[name].setAttribute("aria-pressed", String(name === (this.#base ?? "photo")));
    this.parts["before-label"].textContent = this.#label(this.#base);
    showVariants(this.parts.variants, this.current, this.sample, (sample) => this.choose(sample));
    this.parts.facts.textContent = isTiles ? this.#licences() : this.#facts();
    this.parts.caption.textContent = strings.viewCaption(this.#view, this.#label(this.#base), GAIN, this.touch);
    this.closeup.reset();
    if (isTiles) return this.#showMethods();
    const before = this.#base ? this.parts[this.#base].querySelector("img").src : photo.picture;
    this.viewer.mode = this.#view;
    this.viewer.show(photo, this.current.images[this.sample], before);
  }

  // The other model's licence is said wherever its picture is seen large.
  #facts() {
    const { other, seeds } = this.current;
    const own = strings.facts(this.current, seeds[this.sample]);
    return this.#base === "other" ? strings.factsOfBoth(own, strings.facts(other, seeds[0])) : own;
  }

  #licences() {
    return strings.licences([this.current, this.current.other].filter(Boolean), this.current.seeds[this.sample]);
  }

  get touch() {
    return matchMedia("(pointer: coarse)").matches;
  }

  #showMethods() {
    const press = (name) => {
      this.#base = COMPARED.includes(name) ? name : null;
      this.look("slider");
    };
    showMethods(this.parts.methods, methodsOf(this.current, this.sample, this.models()), press, this.ask);
    this.#layOut();
  }

  #layOut() {
    const { photo } = this.entry?.state ?? {};
    if (photo && !this.parts.methods.hidden) layOut(this.parts.methods, photo.width / photo.height);
  }

  #zoom(name) {
    const { viewer } = this;
    const does = { in: viewer.zoomIn, out: viewer.zoomOut, full: () => viewer.toggleFull() }[name];
    does?.();
  }

  #viewChanged() {
    this.parts.zoom.textContent = strings.percent(this.viewer.scale);
    const sides = { after: { what: "result" }, before: { what: this.#base ?? "photo" } };
    this.closeup.follow(this.entry.state.photo, sides);
  }
}
