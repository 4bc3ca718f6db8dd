// The buttons and keys for the view, and what they show: how large the photo is, whether its corners distort, and whether
// the ground is shown where objects stood.

import { removedSegments } from "../model/collage.js";
import { remember, remembered } from "../page/remembered.js";
import { strings } from "../page/strings.js";

const STEP = 1.25;
const PAN = 80; // CSS pixels
const REMEMBERED = "magicfixup.holes";
const BESIDE = 20; // CSS pixels between the buttons and the edge of the stage, or a handle

/** The first of these corners of a stage where a box of `size` covers none of the points; the first one if all do. */
export function freeCorner(points, stage, size) {
  const reach = [size.width + BESIDE, size.height + BESIDE];
  const covers = {
    "bottom-right": ([x, y]) => x > stage.width - reach[0] && y > stage.height - reach[1],
    "bottom-left": ([x, y]) => x < reach[0] && y > stage.height - reach[1],
    "top-right": ([x, y]) => x > stage.width - reach[0] && y < reach[1],
  };
  const corners = Object.keys(covers);
  return corners.find((corner) => !points.some(covers[corner])) ?? corners[0];
}

export class ViewControls {
  #shown = "";
  #holes = "";

  /**
   * handles() -> the handles of the chosen layer, as handles.js says, or null: the buttons keep off them. changed() when
   * holes are to be hidden or shown, which is remembered.
   */
  constructor(root, stage, handles, changed) {
    Object.assign(this, { root, stage, handles, changed });
    stage.plates.show(remembered(REMEMBERED) !== "shown");
    this.group = root.querySelector(".mf-view");
    this.percent = root.querySelector('[data-part="zoom-percent"]');
    stage.overlays.push((_, view) => {
      this.#show(view[0], stage.zoom, stage.distorting !== null);
      this.#showHoles(stage.plates.on, !stage.source && removedSegments(stage.doc.state).length > 0);
      this.#keepOff();
    });
  }

  get actions() {
    const { stage } = this;
    return {
      "zoom-in": () => stage.zoomBy(STEP),
      "zoom-out": () => stage.zoomBy(1 / STEP),
      "zoom-fit": () => stage.fit(),
      pan: (dx, dy) => stage.panBy(-PAN * dx, -PAN * dy),
      "zoom-full": () => stage.zoomBy(1 / stage.view[0]),
      "hide-holes": () => this.#hideHoles(!stage.plates.on),
    };
  }

  #hideHoles(hidden) {
    remember(REMEMBERED, hidden ? "hidden" : "shown");
    this.stage.plates.show(hidden);
    this.changed();
  }

  #keepOff() {
    const { stage, group } = this;
    if (stage.canvas.hasAttribute("data-gesture")) return;
    const { corners = [], sides = [], rotate = null } = this.handles() ?? {};
    const points = [...corners, ...sides, rotate].filter(Boolean);
    const corner = freeCorner(points, stage.size, { width: group.offsetWidth, height: group.offsetHeight });
    if (group.dataset.corner !== corner) group.dataset.corner = corner;
  }

  #show(scale, zoom, distorting) {
    const now = `${scale} ${zoom} ${distorting}`;
    if (now === this.#shown) return;
    this.#shown = now;
    this.percent.textContent = strings.percent(scale);
    this.percent.parentElement.setAttribute("aria-label", strings.zoomIs(strings.percent(scale)));
    this.group.toggleAttribute("data-zoomed", Math.abs(zoom - 1) > 0.01);
    for (const button of this.root.querySelectorAll('[data-do="distort"]')) button.setAttribute("aria-pressed", String(distorting));
  }

  #showHoles(hidden, any) {
    const now = `${hidden} ${any}`;
    if (now === this.#holes) return;
    this.#holes = now;
    this.group.toggleAttribute("data-holes", any);
    this.group.querySelector('[data-do="hide-holes"]').setAttribute("aria-pressed", String(hidden));
  }
}
