// Short messages that come, can be read at leisure, and go. Text only, never markup.
// The region is live, so that they are read out; what went wrong is read at once.

import { strings } from "./strings.js";

const LEAST_MS = 6000;
const PER_LETTER_MS = 70;
const MOST_SHOWN = 3;

export class Toasts {
  constructor(region) {
    this.region = region;
  }

  /**
   * kind: "error" or "info"; action: { label, run } of a button on it. The same text again is the same toast. A pointer or
   * the focus on it keeps it. Returns it.
   */
  show = (text, kind = "error", action = null) => {
    [...this.region.children].filter((toast) => toast.querySelector("p").textContent === text).forEach((toast) => toast.remove());
    const toast = makeToast(text, kind, action);
    this.region.append(toast);
    while (this.region.children.length > MOST_SHOWN) this.region.firstChild.remove();
    this.#leave(toast, LEAST_MS + PER_LETTER_MS * text.length);
    return toast;
  };

  /** Something else is tried: what went wrong before is over. */
  clearErrors() {
    for (const toast of this.region.querySelectorAll('[data-kind="error"]')) toast.remove();
  }

  #leave(toast, milliseconds) {
    setTimeout(() => {
      if (toast.matches(":hover, :focus-within")) this.#leave(toast, LEAST_MS / 3);
      else toast.remove();
    }, milliseconds);
  }
}

function makeToast(text, kind, action) {
  const toast = document.createElement("div");
  toast.className = "mf-toast";
  toast.dataset.kind = kind;
  toast.setAttribute("role", kind === "error" ? "alert" : "status");
  const words = document.createElement("p");
  words.textContent = text;
  const close = document.createElement("button");
  Object.assign(close, { type: "button", className: "mf-toast-close", innerHTML: '<svg><use href="#mf-close" /></svg>' });
  close.setAttribute("aria-label", strings.dismiss);
  close.addEventListener("click", () => toast.remove());
  toast.append(...[words, action && actionButton(action), close].filter(Boolean));
  return toast;
}

function actionButton({ label, run }) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "mf-toast-do", textContent: label });
  button.addEventListener("click", run);
  return button;
}
