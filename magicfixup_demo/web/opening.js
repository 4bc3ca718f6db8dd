// One way in for photos: upload, drop, paste, camera or example all end in `open`.

import { EMPTY } from "./collage.js";
import { decodePicture, makeSegment, readMask } from "./masks.js";
import { strings } from "./strings.js";

export class Opening {
  #latest = 0;

  /** show(fraction, text) and hide() drive the progress line; tell(message) is a toast; opened() is called at the end. */
  constructor({ api, doc, selection, show, hide, tell, opened, limits }) {
    Object.assign(this, { api, doc, selection, show, hide, tell, opened, limits });
  }

  file(file) {
    const { fileBytes } = this.limits();
    if (file.size > fileBytes) return this.tell(strings.tooLarge(fileBytes >> 20));
    if (file.type && !file.type.startsWith("image/")) return this.tell(strings.notPicture);
    return this.#open(() => this.api.openFile(file), strings.uploading);
  }

  example(example) {
    return this.#open(() => this.api.openExample(example.name), strings.opening);
  }

  // The collage on the page stays until the new photo is completely there; then undo brings it back.
  async #open(fetchPhoto, text) {
    const request = (this.#latest += 1);
    this.show(0.02, text);
    try {
      const record = await fetchPhoto();
      const photo = await readPhoto(record, fetchPhoto);
      const state = await readCollage(record.collage, photo);
      if (request !== this.#latest) return;
      this.#enter(state);
    } catch (problem) {
      if (request !== this.#latest) return;
      this.hide();
      this.tell(problem.message);
    }
  }

  #enter(state) {
    const replaced = this.doc.state.segments.length > 0;
    this.selection.clear();
    this.doc.commit(state);
    this.doc.choose(null);
    state.photo.ready = this.#read(state.photo);
    state.photo.ready.catch((problem) => this.tell(problem.message));
    this.opened();
    if (replaced) this.tell(strings.replaced, "info");
  }

  async #read(photo) {
    const current = () => this.doc.state.photo === photo;
    this.show(0.02, strings.reading);
    try {
      photo.note = await this.api.untilReady(photo.token, (fraction, text) => current() && this.show(fraction, text));
    } finally {
      if (current()) this.hide();
    }
  }
}

async function readPhoto({ token, name, width, height, picture }, reopen) {
  const bitmap = await decodePicture(picture);
  return { token, name, width, height, picture, bitmap, scale: bitmap.width / width, reopen };
}

async function readCollage(json, photo) {
  if (!json) return { ...EMPTY, photo };
  const { segments, layers } = JSON.parse(json);
  const masks = await Promise.all(segments.map((record) => readMask(record, photo)));
  return { photo, segments: masks.map((mask, i) => makeSegment(segments[i].id, mask, photo)), layers };
}

/** Listen for files: the button's input, drops anywhere on the page, and pasted pictures. */
export function listenForFiles(root, input, take, tell) {
  input.addEventListener("change", () => {
    if (input.files[0]) take(input.files[0]);
    input.value = "";
  });
  const dropping = (on) => root.toggleAttribute("data-drop", on);
  window.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    dropping(true);
  });
  window.addEventListener("dragleave", (event) => !event.relatedTarget && dropping(false));
  window.addEventListener("drop", (event) => {
    dropping(false);
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  window.addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea")) return;
    const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
    if (file) take(file);
    else tell(strings.noPasted);
  });
}
