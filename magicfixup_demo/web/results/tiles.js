// Small pictures beside the large one: the variants, what it can be compared with, and all methods side by side.

import { strings } from "../page/strings.js";

const GAP = 12;
const CAPTION = 44;

/** How many columns make `count` tiles of that aspect (width / height) largest: { columns, width } in CSS pixels. */
export function bestGrid(count, aspect, { width, height }) {
  const grids = Array.from({ length: Math.max(count, 1) }, (_, i) => {
    const [columns, rows] = [i + 1, Math.ceil(count / (i + 1))];
    const across = (width - (columns - 1) * GAP) / columns;
    const down = (height - (rows - 1) * GAP) / rows - CAPTION;
    return { columns, width: Math.max(0, Math.min(across, down * aspect)) };
  });
  return grids.reduce((best, grid) => (grid.width > best.width ? grid : best));
}

/**
 * The methods over one arrangement: [{ name, title, picture, work, missing }], `picture` null where it was not
 * made and then `missing` says why. models: names of all models that may be chosen; sample: which variant.
 */
export function methodsOf(result, sample, models) {
  const made = { [result.model]: { picture: result.images[sample], work: strings.workOf(result), name: "result" } };
  if (result.other) made[result.other.model] = { picture: result.other.image, work: strings.workOf(result.other), name: "other" };
  const names = [...new Set([...models, ...Object.keys(made)])].sort((a, b) => (a === "small" ? -1 : b === "small" ? 1 : 0));
  const coarse = { name: "coarse", title: strings.coarse, picture: result.coarse, work: strings.fillWork(result.work?.coarse) };
  return [
    ...(result.coarse ? [coarse] : []), // a saved picture does not hold it, and nothing would make it again
    { name: "sdedit", title: strings.sdedit, picture: result.sdedit, work: strings.workOf(result.work?.sdedit), missing: strings.noSdedit },
    ...names.map((model) => ({ name: model, title: strings.modelTitle(model), picture: null, missing: strings.notAsked, ...made[model] })),
  ];
}

/** The row of variants: choose(sample) when one is pressed. */
export function showVariants(root, result, sample, choose) {
  root.hidden = result.images.length < 2;
  const buttons = root.hidden ? [] : result.images.map((picture, i) => variant(result, picture, i, i === sample, choose));
  const focused = root.contains(document.activeElement);
  root.querySelector("[data-list]").replaceChildren(...buttons);
  if (focused) buttons[sample]?.focus();
}

function variant(result, picture, i, chosen, choose) {
  const button = element("button", "mf-thumb", { type: "button", title: strings.variantOf(i + 1, result.images.length) });
  button.setAttribute("aria-pressed", String(chosen));
  const name = strings.seedOf(result.seeds[i]);
  button.append(element("img", "", { src: picture, alt: strings.variantOf(i + 1, result.images.length), draggable: false }), element("span", "", { textContent: name }));
  button.addEventListener("click", () => choose(i));
  return button;
}

/** All methods as equal tiles; press(name) when one is pressed, ask() where one was not made. */
export function showMethods(root, methods, press, ask) {
  root.replaceChildren(...methods.map((method) => (method.picture ? tile(method, press) : emptyTile(method, ask))));
}

/** Make the tiles as large as they can be. */
export function layOut(root, aspect) {
  const { columns, width } = bestGrid(root.children.length, aspect, { width: root.clientWidth, height: root.clientHeight });
  root.style.setProperty("--columns", columns);
  root.style.setProperty("--tile", `${Math.floor(width)}px`);
}

function tile({ name, title, picture, work }, press) {
  const button = element("button", "mf-tile", { type: "button", title: strings.seeLarge(title) });
  button.dataset.method = name;
  button.append(element("img", "", { src: picture, alt: title, draggable: false }), caption(title, work));
  button.addEventListener("click", () => press(name));
  return button;
}

function emptyTile({ name, title, missing }, ask) {
  const button = element("button", "mf-tile mf-tile-empty", { type: "button", title: strings.openSettings });
  button.dataset.method = name;
  const space = element("span", "mf-tile-space");
  space.append(element("span", "", { textContent: missing }));
  button.append(space, caption(title, strings.notMade));
  button.addEventListener("click", ask);
  return button;
}

function caption(title, text) {
  const line = element("span", "mf-caption");
  line.append(element("b", "", { textContent: title }), element("span", "", { textContent: text }));
  return line;
}

export function element(tag, className, properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}
