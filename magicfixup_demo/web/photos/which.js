// Two small questions: what a second picture is for, and from which of the photos seen so far to take objects.

import { ask, closing } from "../page/dialogs.js";
import { strings } from "../page/strings.js";

export class WhichPhoto {
  /** dialog, known: the two <dialog>s; input: the file input for another photo; sources: of sources.js. */
  constructor({ dialog, known, input, sources }) {
    Object.assign(this, { dialog, known, input, sources, list: known.querySelector('[data-part="known-list"]') });
    closing(dialog);
    closing(known);
    input.addEventListener("change", () => {
      const [file] = input.files;
      if (file) sources.file(file);
      input.value = "";
    });
  }

  /** "photo", "objects", or "" when nothing is to happen with the file. */
  ask(file) {
    this.dialog.querySelector('[data-part="which-name"]').textContent = file.name ?? "";
    return ask(this.dialog);
  }

  /** Take objects from another photo: straight to the file, or first ask which when there are some already. */
  async add() {
    const { known } = this.sources;
    if (!known.length) return this.input.click();
    this.list.replaceChildren(...known.map(photoButton), otherButton());
    const answer = await ask(this.known);
    if (answer === "other") this.input.click();
    else if (answer) this.sources.enter(known.find(({ id }) => id === answer));
  }
}

function photoButton(photo) {
  const button = choice(photo.id, strings.photoNamed(photo.name));
  const picture = document.createElement("img");
  Object.assign(picture, { src: photo.picture, alt: "" });
  button.prepend(picture);
  return button;
}

function otherButton() {
  const button = choice("other", strings.anotherPhoto);
  button.insertAdjacentHTML("afterbegin", '<svg><use href="#mf-open" /></svg>');
  return button;
}

function choice(value, text) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "mf-button", value });
  const label = document.createElement("span");
  label.textContent = text;
  button.append(label);
  return button;
}
