// On the empty page: the collage of a tab that was closed or crashed, to bring back or to throw away.

import { strings } from "../page/strings.js";

export class Offer {
  #draft = null;

  /** root: of parts/draft.html; restore(draft) and discard(draft) are called. */
  constructor(root, { restore, discard }) {
    Object.assign(this, { root, when: root.querySelector('[data-part="draft-when"]'), picture: root.querySelector("img") });
    const pressed = (name, work) => root.querySelector(`[data-draft="${name}"]`).addEventListener("click", () => work(this.#draft));
    pressed("restore", restore);
    pressed("discard", discard);
  }

  /** draft: of packing.js, or null for none. */
  show(draft) {
    this.#draft = draft;
    this.root.hidden = !draft;
    if (!draft) return;
    this.when.textContent = strings.draftFrom(new Date(draft.at), draft.objects);
    this.picture.src = draft.picture;
  }
}
