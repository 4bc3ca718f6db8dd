// A stroke under way: what it has covered so far, and a picture of the mask as it will be, kept up pixel by pixel.

import { makeCanvas } from "../canvas/masks.js";
import { blankPatch, cropped, mix, stampPiece } from "./raster.js";
import { tintPixels } from "./drawing.js";

export class Stroke {
  #last = null;

  /** mask: the live mask that it changes, or null; brush: { radius (scene pixels), softness }; grid: the scene's size. */
  constructor(mask, brush, erase, grid) {
    Object.assign(this, { brush, erase });
    this.patch = blankPatch(grid);
    this.base = blankPatch(grid);
    if (mask) mix(this.base, mask, false);
    this.canvas = makeCanvas(grid.width, grid.height);
    this.context = this.canvas.getContext("2d");
    this.#show([0, 0, grid.width, grid.height]);
  }

  /** Go on to a scene point. */
  to(point) {
    const box = stampPiece(this.patch, this.#last ?? point, point, this.brush);
    this.#last = point;
    if (box) this.#show(box);
  }

  /** What it covered, cropped, or null. */
  get result() {
    return cropped(this.patch);
  }

  #show([x0, y0, x1, y1]) {
    const part = { sx: x0, sy: y0, sw: x1 - x0, sh: y1 - y0, alpha: new Uint8Array((x1 - x0) * (y1 - y0)) };
    mix(part, this.base, false);
    mix(part, this.patch, this.erase);
    const pixels = this.context.createImageData(part.sw, part.sh);
    tintPixels(pixels.data, part.alpha);
    this.context.putImageData(pixels, x0, y0);
  }
}
