// One way in for photos: upload, drop, paste, camera, example, link or saved file all end in `open`.

import { EMPTY, WITHOUT_SHADOWS } from "../model/collage.js";
import { decodePicture, makeSegment, readMask } from "../canvas/masks.js";
import { strings } from "../page/strings.js";
import { copyOf } from "../page/files.js";
import { isZip } from "../share/sniff.js";
import { ofExample, ofFile, ofServer, reopener } from "./origins.js";
import { reopening } from "./reopening.js";

export class Opening {
  #latest = 0;
  #told = null; // the message that a photo is waited for

  /** A saved picture whose photo is not here yet, { file, name, width, height }: the next photo is tried with it. */
  waiting = null;

  /**
   * show(fraction, text) and hide() drive the progress line; tell(message) is a toast; opened(record, state) is called
   * at the end, with the server's answer and what became of it.
   */
  constructor({ api, doc, selection, show, hide, tell, opened, limits }) {
    Object.assign(this, { api, doc, selection, show, hide, tell, opened, limits });
  }

  file(file) {
    const problem = fileProblem(file, this.limits());
    if (problem) return this.tell(problem);
    const copy = copyOf(file);
    const source = copy.then(ofFile, () => null);
    const fetchPhoto = async () => this.api.openFile(await copy, this.#known());
    const originOf = async (photo, { collage, inside }) =>
      collage && !inside ? this.#onServer(photo) : { source: await source, part: photo.id };
    return this.#open(fetchPhoto, strings.uploading, originOf, file);
  }

  example(example) {
    const source = ofExample(example.name);
    return this.#open(() => this.api.openExample(example.name), strings.opening, (photo) => ({ source, part: photo.id }));
  }

  /**
   * Open what `fetchRecord` brings, a photo record as the server's open_example answers; `text` says what goes on.
   * originOf(photo): see origins.js. Resolves to whether it was opened.
   */
  record(fetchRecord, text, originOf = (photo) => this.#onServer(photo)) {
    return this.#open(fetchRecord, text, originOf);
  }

  #onServer = (photo) => ({ source: ofServer(photo, this.api), part: "" });

  // The collage on the page stays until the new photo is completely there; then undo brings it back.
  async #open(fetchPhoto, text, originOf, file = null) {
    const request = (this.#latest += 1);
    this.show(0.02, text);
    try {
      const record = await fetchPhoto();
      if (record.waiting) return request === this.#latest && this.#wait(file, record.waiting), false;
      const again = reopening(fetchPhoto);
      const photo = await this.#photoOf(record, again(""));
      const state = await readCollage(record, photo, again);
      for (const one of [photo, ...state.sources]) if (!one.origin) await this.#rooted(one, originOf(one, record));
      if (request !== this.#latest) return false;
      this.#enter(state, record);
      return true;
    } catch (problem) {
      if (request !== this.#latest) return false;
      this.hide();
      this.tell(problem.message);
      return false;
    }
  }

  async #rooted(photo, origin) {
    photo.origin = await origin;
    photo.reopen = reopener(photo, this.api);
  }

  // A saved picture without its photo is about one that is on the page already, or has to be opened first.
  #known() {
    const { photo, sources } = this.doc.state;
    return photo ? [photo, ...sources].map(({ token }) => token) : [];
  }

  async #photoOf(record, reopen) {
    const { photo } = this.doc.state;
    return record.token === photo?.token ? photo : readPhoto(record, reopen);
  }

  #wait(file, photo) {
    const again = this.waiting?.file === file;
    this.waiting = again ? null : { file, ...photo };
    this.hide();
    this.#told?.remove();
    this.#told = this.tell(again ? strings.notItsPhoto(photo) : strings.openItsPhoto(photo), "info");
  }

  #enter(state, record) {
    const replaced = this.doc.state.segments.length > 0;
    this.selection.clear();
    this.doc.commit(state);
    this.doc.choose(null);
    state.photo.ready ??= this.#read(state.photo);
    state.photo.ready.then(() => this.#tidy(state.photo), (problem) => this.tell(problem.message));
    this.opened(record, state);
    if (replaced) this.tell(state.photo.rounds ? strings.resultOpened : strings.replaced, "info");
    if (record.collage) this.#stopWaiting();
    else if (this.waiting) this.file(this.waiting.file);
  }

  #stopWaiting() {
    this.waiting = null;
    this.#told?.remove();
  }

  #tidy(photo) {
    if (this.doc.state.photo === photo) this.hide();
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

/** A sentence about a file that cannot be opened as a photo, or null. */
export function fileProblem(file, { fileBytes, savedBytes }) {
  const most = isZip(file) || file.type === "image/png" ? savedBytes : fileBytes; // a saved file holds several pictures
  if (file.size > most) return strings.tooLarge(most >> 20);
  return file.type && !file.type.startsWith("image/") && !isZip(file) ? strings.notPicture : null;
}

/** A photo record of the server -> a photoLike; `reopen()` brings the record again, `id` is "" for the main photo. */
export async function readPhoto({ token, name, width, height, picture, rounds = 0, says, waiting }, reopen, id = "") {
  if (waiting) throw new Error(strings.openItsPhoto(waiting));
  const bitmap = await decodePicture(picture);
  return { id, token, name, width, height, picture, rounds, says, bitmap, scale: bitmap.width / width, reopen };
}

// again(id) -> a function that brings the record of that second photo again, under a new token.
async function readCollage({ collage, sources = [] }, photo, again) {
  if (!collage) return { ...EMPTY, photo };
  const { version, segments, layers } = JSON.parse(collage);
  const photos = await Promise.all(sources.map((source) => readPhoto(source, again(source.id), source.id)));
  const shadows = version > WITHOUT_SHADOWS;
  return { ...EMPTY, photo, sources: photos, segments: await readSegments(segments, [photo, ...photos]), layers, shadows };
}

function readSegments(records, photos) {
  return Promise.all(
    records.map(async (record) => {
      const photo = photos.find(({ id }) => id === (record.source ?? ""));
      const segment = makeSegment(record.id, await readMask(record, photo), photo);
      return record.source ? { ...segment, source: record.source } : segment;
    }),
  );
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
    const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/") || isZip(item));
    if (file) take(file);
    else tell(strings.noPasted);
  });
}
