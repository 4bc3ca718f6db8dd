// Keys -> names of commands. One pure table: the keyboard, the help sheet and the tests read the same.

const BIG_NUDGE = 10;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * { group, keys, does, args?, when?, hidden? }: `keys` are what is held and pressed, "|" between alternatives; `does`
 * names an action of editor.js, and strings.doing[does] says it in words; `when` lists the tools it is for (and then
 * goes first); `hidden` keeps it out of the help sheet. Shift counts only where the key is a letter or has a name.
 */
export const KEYS = [
  { group: "everywhere", keys: "Ctrl+Z", does: "undo" },
  { group: "everywhere", keys: "Ctrl+Shift+Z|Ctrl+Y", does: "redo" },
  { group: "everywhere", keys: "Ctrl+Enter", does: "fixup" },
  { group: "everywhere", keys: "Ctrl+S", does: "save" },
  { group: "everywhere", keys: "Escape", does: "escape" },
  { group: "everywhere", keys: "P", does: "layers" },
  { group: "everywhere", keys: "A", does: "add-from-photo" },
  { group: "everywhere", keys: "?", does: "help" },
  { group: "selecting", keys: "V", does: "tool-select" },
  { group: "selecting", keys: "B", does: "tool-box" },
  { group: "selecting", keys: "L", does: "tool-lasso" },
  { group: "selecting", keys: "Q", does: "tool-brush" },
  { group: "selecting", keys: "E", does: "tool-eraser" },
  { group: "selecting", keys: "[", does: "brush-smaller", when: ["brush", "eraser"] },
  { group: "selecting", keys: "]", does: "brush-larger", when: ["brush", "eraser"] },
  { group: "selecting", keys: ",", does: "smaller" },
  { group: "selecting", keys: ".", does: "larger" },
  { group: "selecting", keys: "M", does: "mask-view" },
  { group: "selecting", keys: "Enter", does: "cutOut" },
  { group: "selecting", keys: "I", does: "point-here" },
  { group: "selecting", keys: "O", does: "point-out" },
  { group: "arranging", keys: "Tab", does: "walk", documents: true },
  ...Object.keys(ARROWS).map((key) => ({ group: "selecting", keys: key, does: "nudge", says: "crosshair", documents: true })),
  { group: "arranging", keys: "N", does: "next-layer" },
  { group: "arranging", keys: "Shift+N", does: "last-layer" },
  ...Object.entries(ARROWS).flatMap(([key, step]) => [
    { group: "arranging", keys: key, does: "nudge", args: step },
    { group: "arranging", keys: `Shift+${key}`, does: "nudge", args: step.map((by) => by * BIG_NUDGE), says: "nudge-far" },
  ]),
  { group: "arranging", keys: "F", does: "flip" },
  { group: "arranging", keys: "Shift+F", does: "flip-vertical" },
  { group: "arranging", keys: "D|Ctrl+D", does: "duplicate" },
  { group: "arranging", keys: "Delete|Backspace", does: "remove" },
  { group: "arranging", keys: "]|PageUp", does: "forward" },
  { group: "arranging", keys: "[|PageDown", does: "backward" },
  { group: "arranging", keys: "Home", does: "to-front" },
  { group: "arranging", keys: "End", does: "to-back" },
  { group: "arranging", keys: "H", does: "hide" },
  { group: "arranging", keys: "K", does: "lock" },
  { group: "arranging", keys: "F2", does: "rename" },
  { group: "arranging", keys: "R", does: "reset" },
  { group: "arranging", keys: "Shift+R", does: "reset-all" },
  { group: "arranging", keys: "T", does: "distort" },
  { group: "arranging", keys: "S", does: "reselect" },
  { group: "view", keys: "+|=", does: "zoom-in" },
  { group: "view", keys: "-", does: "zoom-out" },
  { group: "view", keys: "0", does: "zoom-fit" },
  { group: "view", keys: "1", does: "zoom-full" },
  { group: "view", keys: "G", does: "hide-holes" },
  ...Object.entries(ARROWS).map(([key, step]) => ({ group: "view", keys: `Ctrl+${key}`, does: "pan", args: step })),
  { group: "results", keys: "C| ", does: "compare", documents: true },
];

/** { name, args } for a key event, or null when it is not ours. ctrl means Ctrl or Cmd; `tool` is the one in hand. */
export function commandFor({ key, ctrl, shift, alt }, tool = "select") {
  const pressed = { key: key.length === 1 ? key.toUpperCase() : key, ctrl: Boolean(ctrl), shift: Boolean(shift), alt: Boolean(alt) };
  const fits = KEYS.filter((entry) => !entry.documents && alternatives(entry.keys).some((keys) => isSame(keys, pressed)));
  const entry = fits.find(({ when }) => when?.includes(tool)) ?? fits.find(({ when }) => !when);
  return entry ? { name: entry.does, args: entry.args ?? [] } : null;
}

/** "Ctrl+Shift+Z|Ctrl+Y" -> ["Ctrl+Shift+Z", "Ctrl+Y"]. */
export const alternatives = (keys) => keys.split("|");

function isSame(keys, pressed) {
  const held = keys.split(/\+(?=.)/);
  const key = held.pop();
  const shiftCounts = key.length > 1 || key.toLowerCase() !== key.toUpperCase();
  return (
    key === pressed.key &&
    held.includes("Ctrl") === pressed.ctrl &&
    held.includes("Alt") === pressed.alt &&
    (!shiftCounts || held.includes("Shift") === pressed.shift)
  );
}

const SWITCHES = "input[type=range], input[type=checkbox], input[type=radio], input[type=file]";
const SWITCH_KEYS = [" ", "Enter", "Home", "End", "PageUp", "PageDown", ...Object.keys(ARROWS)];

/** Whether the event belongs to a field, a dialog, or a control that uses this key itself. */
export function belongsToControl(event) {
  const target = event.composedPath?.()[0] ?? event.target;
  if (target.closest?.("dialog, textarea, select, [contenteditable]")) return true;
  if (target.matches?.(SWITCHES)) return SWITCH_KEYS.includes(event.key);
  if (target.closest?.("input")) return true;
  return ["Enter", " "].includes(event.key) && Boolean(target.closest?.("button, a, summary"));
}
