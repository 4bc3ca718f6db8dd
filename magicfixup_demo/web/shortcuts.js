// Keys -> names of commands. Pure, so that the help sheet and the tests can read the same table.

const KEYS = {
  Escape: "escape",
  Enter: "cutOut",
  Delete: "remove",
  Backspace: "remove",
  "[": "backward",
  "]": "forward",
  f: "flip",
  d: "duplicate",
};
const NUDGES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const BIG_NUDGE = 10;

/** { name, args } for a key event, or null when it is not ours. ctrl means Ctrl or Cmd. */
export function commandFor({ key, ctrl, shift, alt }) {
  const letter = key.length === 1 ? key.toLowerCase() : key;
  if (alt) return null;
  if (ctrl) {
    if (letter === "z") return { name: shift ? "redo" : "undo", args: [] };
    if (letter === "y") return { name: "redo", args: [] };
    if (letter === "d") return { name: "duplicate", args: [] };
    if (letter === "Enter") return { name: "fixup", args: [] };
    return null;
  }
  if (key in NUDGES) return { name: "nudge", args: NUDGES[key].map((step) => step * (shift ? BIG_NUDGE : 1)) };
  return letter in KEYS ? { name: KEYS[letter], args: [] } : null;
}

/** Whether the event belongs to a field, a dialog, or a control that uses this key itself. */
export function belongsToControl(event) {
  const target = event.composedPath?.()[0] ?? event.target;
  if (target.closest?.("input, textarea, select, dialog, [contenteditable]")) return true;
  return ["Enter", " "].includes(event.key) && Boolean(target.closest?.("button, a, summary"));
}
