// Saving work as a file, and putting back what a saved file holds. The files themselves are made on the server.

import { sourceTokens, toJson } from "../model/collage.js";
import { ask, closing } from "../page/dialogs.js";
import { saveAs } from "../page/files.js";
import { strings } from "../page/strings.js";
import { sameArrangement } from "../results/history.js";

export class Saving {
  /** The arrangement that was saved last: its file brings it back. */
  kept = null;

  /** dialog: of parts/saving.html; button: of the top bar; view(): the result's view of results.js; mode(): what is in view. */
  constructor({ dialog, button, api, doc, settings, view, mode, tell }) {
    Object.assign(this, { dialog, button, api, doc, settings, view, mode, tell });
    const part = (name) => dialog.querySelector(`[data-part="${name}"]`);
    this.parts = { note: part("saving-note"), says: part("saving-says"), picture: part("saving-picture") };
    this.camera = dialog.querySelector('[name="mf-camera"]');
    this.place = dialog.querySelector('[name="mf-place"]');
    this.forms = [...dialog.querySelectorAll("[data-save]")];
    for (const form of this.forms) form.addEventListener("click", () => this.#fromDialog(form.dataset.save));
    closing(dialog);
  }

  actions = { save: () => this.open(), download: () => this.picture(), "download-other": () => this.picture("other") };

  update() {
    this.button.hidden = !this.doc.state.photo;
  }

  open() {
    const { photo } = this.doc.state;
    if (!photo) return this.tell(strings.openFirst, "info");
    const { camera = false, place = false } = this.#work().state.photo.says ?? {};
    for (const [box, has] of [[this.camera, camera], [this.place, place]]) {
      box.checked = false;
      box.closest("label").hidden = !has;
    }
    this.parts.says.hidden = !(camera || place);
    this.#say("");
    this.#busy(false);
    return ask(this.dialog);
  }

  /** The picture in view at full size, without a question. */
  async picture(what = "result") {
    try {
      await this.#save({ form: "png", what });
    } catch (problem) {
      if (!this.view().missing(problem)) this.tell(problem.message);
    }
  }

  async #fromDialog(form) {
    this.#busy(true);
    this.#say(strings.saving);
    try {
      await this.#save({ form, camera: this.camera.checked, place: this.place.checked });
      this.dialog.close();
    } catch (problem) {
      this.#say(problem.message);
    } finally {
      this.#busy(false);
    }
  }

  async #save(asked) {
    await Promise.allSettled(this.#work().state.segments.map(({ refining }) => refining)); // soft edges in the making
    const { state, options, job = null, sample = 0 } = this.#work();
    if (options.problem) throw new Error(options.problem);
    await this.api.holdAll([state.photo, ...state.sources]);
    const { token } = state.photo;
    const work = { token, job, sample, options, collage: toJson(state), sources: sourceTokens(state), what: "result" };
    const { blob, name } = await this.api.fetchFile({ ...work, ...asked });
    saveAs(blob, name);
    this.kept = state;
  }

  // The result in view; else the arrangement, with the last result if that was made of it.
  #work() {
    const { entry, sample } = this.view();
    const { state } = this.doc;
    const same = entry && sameArrangement(entry.state, state);
    if (entry && (same || this.mode() === "result")) {
      return { state: same ? state : entry.state, options: entry.options, job: entry.result.job, sample };
    }
    return { state, options: this.settings.read() };
  }

  #say(text) {
    this.parts.note.textContent = text;
    this.parts.note.hidden = !text;
  }

  #busy(on) {
    const picture = Boolean(this.#work().job);
    this.parts.picture.textContent = picture ? strings.savePicture : strings.saveNoPicture;
    for (const form of this.forms) form.disabled = on || (form.dataset.save === "png" && !picture);
  }
}

/** After a file was opened: { options, result } of the server's answer, where it was saved work. */
export function restoreWork({ options, result }, state, { settings, desk, tell }) {
  if (!options) return;
  settings.write(options);
  tell(strings.restoredFile(Boolean(result)), "info");
  if (result) desk.finished({ ...result, state, options });
}
