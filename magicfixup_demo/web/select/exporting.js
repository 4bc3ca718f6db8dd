// The mask of what is selected as a file: the server enlarges it to the photo's own size.

import { makeSegment } from "../canvas/masks.js";
import { saveAs } from "../page/files.js";
import { segmentRecord } from "./matting.js";

/** Save a live mask of `photo` as a PNG. Throws a Problem when the server has none to give. */
export async function saveMask(mask, photo, api) {
  const segment = segmentRecord(makeSegment("mask", mask, photo));
  const { name, png } = await api.withPhoto(photo, (token) => api.call("mask_png", { token, segment }));
  saveAs(await (await fetch("data:image/png;base64," + png)).blob(), name);
}
