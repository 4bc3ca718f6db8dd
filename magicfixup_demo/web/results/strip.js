// The strip of this visit's results: each brings its arrangement back, can be found by a word, and deleted.

import { strings } from "../page/strings.js";
import { element } from "./tiles.js";

const SEARCH_FROM = 5; // results, from which a search is of use
const THUMB_HEIGHT = 112; // pixels; twice the size on the page

export class Strip {
  /** root: the strip's element; history: a ResultHistory; restore(entry) and remove(entry) are called. */
  constructor(root, history, { restore, remove }) {
    Object.assign(this, { root, history, restore, remove });
    this.list = root.querySelector("[data-list]");
    this.search = root.querySelector('[name="mf-find"]');
    this.none = root.querySelector('[data-part="none-found"]');
    this.search.addEventListener("input", () => this.show(this.current));
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.search.value) (event.stopPropagation(), (this.search.value = ""), this.show(this.current));
    });
  }

  /** current: the entry in view. */
  show(current) {
    this.current = current;
    const { entries } = this.history;
    this.search.parentElement.hidden = entries.length < SEARCH_FROM;
    if (this.search.parentElement.hidden) this.search.value = "";
    const found = this.history.find(this.search.value, textOf);
    this.none.hidden = found.length > 0 || entries.length === 0;
    this.list.replaceChildren(...found.map((entry) => this.#item(entry, entry === current)));
    if (document.activeElement !== this.search) this.#scrollToCurrent();
  }

  // Along the strip only: the page behind it stays where it is.
  #scrollToCurrent() {
    const item = this.list.querySelector("[aria-current]")?.getBoundingClientRect();
    const seen = this.list.getBoundingClientRect();
    if (item) this.list.scrollLeft += Math.min(0, item.left - seen.left) + Math.max(0, item.right - seen.right);
  }

  #item(entry, isCurrent) {
    const item = element("li", "mf-past");
    const { width, height } = entry.state.photo;
    item.style.setProperty("--shape", Math.min(Math.max(width / height, 0.6), 1.8));
    item.toggleAttribute("data-tall", height > width);
    const open = element("button", "mf-thumb", { type: "button", title: strings.restoreResult });
    open.dataset.entry = entry.id;
    if (isCurrent) open.setAttribute("aria-current", "true");
    open.append(element("img", "", { src: entry.thumb, alt: "", draggable: false }), element("b", "", { textContent: titleOf(entry) }), element("span", "", { textContent: strings.seedOf(entry.result.seed) }));
    open.addEventListener("click", () => this.restore(entry));
    const bin = element("button", "mf-delete", { type: "button", title: strings.deleteResult });
    bin.setAttribute("aria-label", strings.deleteNamed(labelOf(entry)));
    bin.innerHTML = '<svg><use href="#mf-close" /></svg>';
    bin.addEventListener("click", () => this.remove(entry));
    item.append(open, bin);
    return item;
  }
}

const time = (at) => at.toTimeString().slice(0, 5);

const titleOf = ({ result, at }) => `${strings.modelTitle(result.model)} · ${time(at)}`;

const labelOf = (entry) => `${titleOf(entry)}, ${strings.seedOf(entry.result.seed)}`;

/** What an entry is searched in. */
export const textOf = (entry) =>
  [titleOf(entry), ...entry.result.seeds.map(strings.seedOf), entry.result.model, entry.state.photo.name, entry.options.prompt].join(" ");

/** A small JPEG of a picture, as a data address. */
export async function thumbnail(picture) {
  const image = new Image();
  image.src = picture;
  await image.decode();
  const canvas = element("canvas", "", { height: THUMB_HEIGHT });
  canvas.width = Math.max(1, Math.round((THUMB_HEIGHT * image.naturalWidth) / image.naturalHeight));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.85);
}
