// The masks that were offered for a click, small to large, as little pictures to choose from.

import { makeCanvas } from "../canvas/masks.js";
import { cutoutOf } from "./drawing.js";

const SIDE = 34; // CSS pixels
const ROOM = 1.15;

export class Scales {
  #shown = null;

  /** root: an empty element; selection, photo(): see editor.js; label(rank, count) names one of them. */
  constructor(root, { selection, photo, label }) {
    Object.assign(this, { root, selection, photo, label });
    root.addEventListener("keydown", (event) => this.#step(event));
  }

  update() {
    const { candidates, bySize, rank } = this.selection;
    if (this.#shown !== candidates) this.#build(candidates, bySize);
    this.#shown = candidates;
    [...this.root.children].forEach((button, i) => {
      button.setAttribute("aria-checked", String(i === rank));
      button.tabIndex = i === rank ? 0 : -1;
    });
  }

  #build(candidates, bySize) {
    const largest = candidates[bySize.at(-1)];
    this.root.replaceChildren(
      ...(bySize.length < 2 ? [] : bySize).map((index, rank) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "mf-scale-choice";
        button.setAttribute("role", "radio");
        button.title = button.ariaLabel = this.label(rank, bySize.length);
        button.append(picture(candidates[index], largest, this.photo()));
        button.addEventListener("click", () => this.selection.choose(rank));
        return button;
      }),
    );
  }

  // The arrow keys go round, as in any group of which one is chosen; the layer's own keys do not see them.
  #step(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const count = this.root.children.length;
    const rank = (this.selection.rank + by + count) % count;
    this.selection.choose(rank);
    this.root.children[rank].focus();
  }
}

// All of one group show the same piece of the photo, so that their sizes can be compared.
function picture(mask, largest, photo) {
  const density = Math.min(window.devicePixelRatio || 1, 3);
  const canvas = makeCanvas(SIDE * density, SIDE * density);
  const side = ROOM * Math.max(largest.sw, largest.sh);
  const scale = canvas.width / side;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.setTransform(scale, 0, 0, scale, (-largest.sx - largest.sw / 2 + side / 2) * scale, (-largest.sy - largest.sh / 2 + side / 2) * scale);
  context.globalAlpha = 0.28;
  context.drawImage(photo.bitmap, 0, 0);
  context.globalAlpha = 1;
  context.drawImage(cutoutOf(mask, photo), mask.sx, mask.sy);
  return canvas;
}
