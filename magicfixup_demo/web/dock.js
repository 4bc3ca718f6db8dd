// The dock at the bottom: which tools are offered depends on what is in hand, and nothing else is shown.

import { strings } from "./strings.js";

export class Dock {
  /** root: the editor's element; parts it reads: doc, selection, fixup, results, mode(). */
  constructor(root, { doc, selection, fixup, results, mode }) {
    Object.assign(this, { root, doc, selection, fixup, results, mode });
    this.groups = [...root.querySelectorAll("[data-group]")];
    this.hint = root.querySelector('[data-part="hint"]');
    this.touch = matchMedia("(pointer: coarse)").matches;
  }

  update() {
    const group = this.#group();
    for (const element of this.groups) element.hidden = element.dataset.group !== group;
    this.#enable();
    this.hint.textContent = this.#hintFor(group);
    this.root.dataset.running = this.fixup.running;
    this.root.dataset.mode = this.mode();
    this.#scales();
  }

  #group() {
    if (this.fixup.running) return "running";
    if (this.mode() === "result") return "result";
    if (this.selection.active) return "selection";
    return this.doc.layer ? "layer" : "idle";
  }

  #enable() {
    const { doc, selection, fixup } = this;
    const index = doc.state.layers.findIndex((layer) => layer.id === doc.chosen);
    const able = {
      undo: (doc.canUndo || selection.active) && !fixup.running,
      redo: doc.canRedo && !fixup.running,
      forward: index >= 0 && index < doc.state.layers.length - 1,
      backward: index > 0,
      "cut-out": Boolean(selection.mask),
      smaller: selection.rank > 0,
      larger: selection.rank >= 0 && selection.rank < selection.bySize.length - 1,
      fixup: Boolean(doc.state.photo),
    };
    for (const [name, on] of Object.entries(able)) {
      for (const button of this.root.querySelectorAll(`[data-do="${name}"]`)) button.disabled = !on;
    }
    const show = this.root.querySelector('[data-do="show-result"]');
    show.hidden = !(this.results.current && this.mode() === "edit");
    const { other } = this.results.current ?? {};
    const downloadOther = this.root.querySelector('[data-do="download-other"]');
    downloadOther.hidden = !other;
    if (!other) return;
    downloadOther.title = downloadOther.ariaLabel = strings.downloadOther(other.model);
    downloadOther.querySelector("span").textContent = downloadOther.title;
  }

  #scales() {
    const { selection } = this;
    const text = this.root.querySelector('[data-part="scale"]');
    text.textContent = selection.mask ? strings.scaleOf(selection.rank + 1, selection.bySize.length) : "";
    text.parentElement.hidden = selection.bySize.length < 2;
  }

  #hintFor(group) {
    const name = {
      idle: this.doc.state.layers.length ? "hintReady" : "hintSelect",
      selection: this.selection.waiting && !this.selection.mask ? "selecting" : "hintRefine",
      layer: "hintLayer",
    }[group];
    return (this.touch && strings[`${name}Touch`]) || strings[name] || "";
  }
}
