// Full-size pixels for the part in sight: the browser holds display-sized pictures, the server the original ones.

const SETTLED_MS = 180;
const ENOUGH = 1.1; // display pixels may be stretched this much before others are fetched

export class Closeup {
  #timer = null;
  #asked = ""; // what is shown or on its way

  /** fetch(side, record) -> { box, picture }, side "after" or "before"; busy(on) and failed(problem) are told. */
  constructor(viewer, { fetch, busy, failed }) {
    Object.assign(this, { viewer, fetch, busy, failed });
    this.crops = Object.fromEntries(["after", "before"].map((side) => [side, viewer.root.querySelector(`[data-crop="${side}"]`)]));
  }

  /** Other pictures are shown now: what was fetched is of no use. */
  reset() {
    this.#asked = "";
    for (const crop of Object.values(this.crops)) crop.hidden = true;
    this.busy(false);
  }

  /** The view is another one; `photo` { width, height } is the size of the full pictures. */
  follow(photo, sides) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#update(photo, sides), SETTLED_MS);
  }

  #update(photo, sides) {
    const { viewer } = this;
    const held = viewer.parts.after.naturalWidth / photo.width; // picture pixels per photo pixel
    if (!viewer.root.clientWidth || !held || held >= 1 || viewer.scale <= held * ENOUGH) return;
    const box = viewer.box;
    const width = Math.ceil(Math.min(1, viewer.scale) * (box[2] - box[0]));
    const wanted = JSON.stringify([box, width, sides]);
    if (wanted !== this.#asked) this.#load(wanted, box, width, sides, photo);
  }

  async #load(wanted, box, width, sides, photo) {
    this.#asked = wanted;
    this.busy(true);
    try {
      await Promise.all(Object.entries(sides).map(([side, what]) => this.#loadSide(wanted, side, { ...what, box, width }, photo)));
    } catch (problem) {
      if (wanted === this.#asked) this.failed(problem);
    }
    if (wanted === this.#asked) this.busy(false);
  }

  async #loadSide(wanted, side, record, photo) {
    const { box, picture } = await this.fetch(record);
    const image = new Image();
    image.src = picture;
    await image.decode();
    if (wanted !== this.#asked) return;
    const crop = this.crops[side];
    const [x0, y0, x1, y1] = box;
    const percent = (value, of) => `${(100 * value) / of}%`;
    Object.assign(crop.style, { left: percent(x0, photo.width), top: percent(y0, photo.height) });
    Object.assign(crop.style, { width: percent(x1 - x0, photo.width), height: percent(y1 - y0, photo.height) });
    crop.src = picture;
    crop.hidden = false;
  }
}
