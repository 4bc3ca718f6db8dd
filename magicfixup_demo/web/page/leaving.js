// Work that is only on the page: the browser asks before the page is left or loaded again.

import { hasEdits } from "../model/collage.js";

/** Whether something was done since the photo was opened, and neither undone nor saved. kept: the state saved last. */
export const wouldBeLost = (doc, kept) => doc.canUndo && hasEdits(doc.settled) && doc.settled !== kept;

/** lost() -> whether to ask. */
export function askBeforeLeaving(lost) {
  window.addEventListener("beforeunload", (event) => lost() && event.preventDefault());
}
