// The dock at the bottom: which tools are offered depends on what is in hand, and nothing else is shown.

import { EDGE_NAMES } from "../arrange/align.js";
import { strings } from "./strings.js";

/** What a layer must not be locked for. */
const FOR_FREE_LAYERS = ["flip", "flip-vertical", "reset", "reselect", "distort", ...EDGE_NAMES.map((edge) => `align-${edge}`)];

export class Dock {
  /** root: the editor's element; parts it reads: doc, selection, sources, fixup, mode(), toolHint(group). */
  constructor(root, { doc, selection, sources, fixup, mode, toolHint = () => null }) {
    Object.assign(this, { root, doc, selection, sources, fixup, mode, toolHint });
    this.groups = [...root.querySelectorAll("[data-group]")];
    this.hint = root.querySelector('[data-part="hint"]');
    this.touch = matchMedia("(pointer: coarse)").matches;
  }

  update() {
    const group = this.#group();
    for (const element of this.groups) element.hidden = element.dataset.group !== group;
    this.#enable();
    const hint = this.#hintFor(group);
    if (this.hint.textContent !== hint) this.hint.textContent = hint; // a live region is read again when it is set again
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
    const { doc, selection, sources, fixup } = this;
    const free = !fixup.running;
    const index = doc.state.layers.findIndex((layer) => layer.id === doc.chosen);
    const able = {
      undo: (doc.canUndo || selection.canUndo) && !fixup.running,
      redo: (doc.canRedo || selection.canRedo) && !fixup.running,
      forward: free && index >= 0 && index < doc.state.layers.length - 1,
      backward: free && index > 0,
      "cut-out": Boolean(selection.mask),
      smaller: selection.rank > 0,
      larger: selection.rank >= 0 && selection.rank < selection.bySize.length - 1,
      fixup: Boolean(doc.state.photo),
      "to-front": free && index >= 0 && index < doc.state.layers.length - 1,
      "to-back": free && index > 0,
      "reset-all": free && doc.state.segments.length > 0,
      "show-result": free, // a result brought back now would not be what is being fixed up
      "add-from-photo": free && Boolean(doc.state.photo),
      ...Object.fromEntries(FOR_FREE_LAYERS.map((name) => [name, free && doc.layer !== null && !doc.layer.locked])),
      remove: free && (doc.layer ? !doc.layer.locked : Boolean(selection.mask) && !selection.editing && !sources.current),
    };
    for (const [name, on] of Object.entries(able)) {
      for (const button of this.root.querySelectorAll(`[data-do="${name}"]`)) button.disabled = !on;
    }
  }

  #scales() {
    const { selection } = this;
    const text = this.root.querySelector('[data-part="scale"]');
    text.textContent = selection.mask ? strings.scaleOf(selection.rank + 1, selection.bySize.length) : "";
    text.parentElement.hidden = selection.bySize.length < 2;
  }

  #hintFor(group) {
    const name = this.toolHint(group) ?? {
      idle: this.sources.current ? "hintSource" : this.doc.state.layers.length ? "hintReady" : "hintSelect",
      selection: this.selection.waiting && !this.selection.mask ? "selecting" : this.sources.current ? "hintRefineSource" : "hintRefine",
      layer: this.doc.layer?.locked ? "hintLocked" : this.doc.layer?.hidden ? "hintHidden" : "hintLayer",
    }[group];
    return (this.touch && strings[`${name}Touch`]) || strings[name] || "";
  }
}
