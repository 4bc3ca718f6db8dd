// The help sheet: every key and gesture, out of the tables that the page works by.

import { ask, closing } from "./dialogs.js";
import { KEYS, alternatives } from "./shortcuts.js";
import { strings } from "./strings.js";

const SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space" };
const isMac = /Mac|iPhone|iPad/.test(navigator.platform ?? "");

export class Help {
  constructor(dialog) {
    this.dialog = dialog;
    this.body = dialog.querySelector('[data-part="help-body"]');
    closing(dialog);
    dialog.querySelector('[data-do="close-help"]').addEventListener("click", () => dialog.close());
  }

  open() {
    if (!this.body.children.length) this.body.append(gestureTable(strings.gestures), ...(hasMouse() ? keyTables() : [folded(strings.helpKeys, keyTables())]));
    ask(this.dialog);
    return true;
  }
}

/** One table per group of KEYS; keys that say the same share a row. */
function keyTables() {
  const shown = KEYS.filter(({ hidden }) => !hidden);
  const groups = [...new Set(shown.map(({ group }) => group))];
  return groups.map((group) => {
    const rows = new Map();
    for (const entry of shown.filter((each) => each.group === group)) {
      const words = strings.doing[entry.says ?? entry.does];
      rows.set(words, [...(rows.get(words) ?? []), ...alternatives(entry.keys)]);
    }
    return table(strings.groups[group], [...rows].map(([words, keys]) => [words, keycaps(keys)]));
  });
}

// Where there is no mouse there is seldom a keyboard: its keys are then no more than within reach.
const hasMouse = () => matchMedia("(any-pointer: fine)").matches;

function folded(title, children) {
  const details = document.createElement("details");
  details.append(Object.assign(document.createElement("summary"), { textContent: title }), ...children);
  return details;
}

function gestureTable(gestures) {
  const rows = gestures.map((texts) => texts.map((text) => document.createTextNode(text)));
  const made = table(strings.helpGestures, rows, [strings.helpWhat, strings.helpMouse, strings.helpTouch]);
  made.classList.add("mf-help-gestures");
  return made;
}

function table(title, rows, heads = []) {
  const element = document.createElement("table");
  element.createCaption().textContent = title;
  if (heads.length) {
    const head = element.createTHead().insertRow();
    for (const text of heads) head.append(cell("th", text, "col"));
  }
  const body = element.createTBody();
  for (const [first, ...others] of rows) {
    const row = body.insertRow();
    row.append(cell("th", first, "row"), ...others.map((other) => cell("td", other)));
  }
  return element;
}

function cell(tag, content, scope) {
  const element = document.createElement(tag);
  if (scope) element.scope = scope;
  element.append(content);
  return element;
}

function keycaps(all) {
  const place = document.createDocumentFragment();
  all.forEach((keys, i) => {
    if (i) place.append(" ");
    const cap = document.createElement("kbd");
    cap.textContent = keys
      .split(/\+(?=.)/)
      .map((key) => SIGNS[key] ?? (isMac && key === "Ctrl" ? "⌘" : key))
      .join(" ");
    place.append(cap);
  });
  return place;
}
