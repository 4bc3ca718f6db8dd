// A second photo that objects are taken from: which one is on show, and how one gets in.

import { newId } from "../model/collage.js";
import { copyOf } from "../page/files.js";
import { strings } from "../page/strings.js";
import { fileProblem, readPhoto } from "./opening.js";
import { ofFile } from "./origins.js";

const MOST_KEPT = 3; // photos that were only looked at; their pictures take memory

export class Sources {
  #opened = []; // photos that were shown here before, so that one may be entered again
  #latest = 0;

  /**
   * stage: has `source`; selection: whether an object of such a photo is selected again; banner: the line that says what is going on; show/hide: the progress line; changed(): redraw;
   * entering(): the page makes ready (no gesture, no selection, no result in front).
   */
  constructor({ api, doc, stage, selection, banner, limits, show, hide, tell, entering, changed }) {
    Object.assign(this, { api, doc, stage, selection, banner, limits, show, hide, tell, entering, changed });
  }

  /** The photo on show that is not the one being edited, or null. */
  get current() {
    return this.stage.source;
  }

  /** Photos that can be entered again: those with objects in the collage first, then what was only looked at. */
  get known() {
    const used = this.doc.state.sources ?? [];
    return [...used, ...this.#opened.filter((photo) => !used.some(({ id }) => id === photo.id))];
  }

  /** Upload a file and take objects from it. */
  async file(file) {
    const problem = fileProblem(file, this.limits());
    if (problem) return this.tell(problem);
    const request = (this.#latest += 1);
    const main = this.doc.state.photo;
    this.show(0.02, strings.uploading);
    try {
      const copy = await copyOf(file);
      const fetchPhoto = () => this.api.openFile(copy);
      const photo = await readPhoto(await fetchPhoto(), fetchPhoto, newId("p"));
      photo.origin = { source: ofFile(copy), part: "" };
      if (request !== this.#latest || this.doc.state.photo !== main) return;
      this.#opened = [photo, ...this.#opened].slice(0, MOST_KEPT);
      this.enter(photo);
    } catch (failure) {
      if (request !== this.#latest) return;
      this.hide();
      this.tell(failure.message);
    }
  }

  enter(photo) {
    this.entering();
    this.stage.source = photo;
    photo.ready ??= this.#read(photo);
    photo.ready.catch((failure) => {
      photo.ready = null; // entering it again tries again
      this.tell(failure.message);
    });
    this.changed();
  }

  /** Back to the photo that is edited. True when another one was on show. */
  leave() {
    if (!this.current) return false;
    this.stage.source = null;
    this.changed();
    return true;
  }

  update() {
    this.banner.hidden = !this.current;
    if (!this.current) return;
    const says = this.selection.editing ? strings.changingFrom : strings.takingFrom;
    this.banner.querySelector("p").textContent = says(this.current.name);
  }

  async #read(photo) {
    this.show(0.02, strings.reading);
    try {
      await this.api.untilReady(photo.token, (fraction, text) => this.current === photo && this.show(fraction, text));
    } finally {
      if (this.current === photo || !this.current) this.hide();
    }
  }
}
