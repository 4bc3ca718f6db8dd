// Short messages that come, can be read at leisure, and go. Text only, never markup.

const SHOWN_MS = 7000;

export class Toasts {
  constructor(region) {
    this.region = region;
  }

  /** kind: "error" or "info". The same text again is the same toast. */
  show = (text, kind = "error") => {
    [...this.region.children].filter((toast) => toast.textContent === text).forEach((toast) => toast.remove());
    const toast = document.createElement("button");
    toast.className = "mf-toast";
    toast.dataset.kind = kind;
    toast.textContent = text;
    toast.addEventListener("click", () => toast.remove());
    this.region.append(toast);
    while (this.region.children.length > 3) this.region.firstChild.remove();
    setTimeout(() => toast.remove(), SHOWN_MS);
  };
}
