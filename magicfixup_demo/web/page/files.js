// Files on their way in and out: what the visitor chose, and what the browser puts where downloads are kept.

import { strings } from "./strings.js";

const KEPT_MS = 10_000; // long enough for the browser to take it

export function saveAs(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

/** The bytes of a file as they are now: it may be sent again when the original has changed or gone. */
export async function copyOf(file) {
  try {
    return new File([await file.arrayBuffer()], file.name, { type: file.type });
  } catch {
    throw new Error(strings.unreadable);
  }
}
