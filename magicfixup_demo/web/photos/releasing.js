// The decoded pictures of photos that nothing on the page refers to any more are let go at once: on a phone memory counts,
// and a browser is in no hurry to collect what looks small to it.

/** All photos of the states: the ones being edited, and those that objects were taken from. */
export const photosOf = (states) => states.flatMap(({ photo, sources }) => [photo, ...(sources ?? [])]).filter(Boolean);

export class Releasing {
  #open = new Set();

  /** inUse() -> every photo that may be shown again. */
  constructor(inUse) {
    this.inUse = inUse;
  }

  update() {
    const used = new Set(this.inUse());
    for (const photo of this.#open) if (!used.has(photo)) photo.bitmap.close();
    this.#open = used;
  }
}
