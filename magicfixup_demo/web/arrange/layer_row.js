// One row of the layers panel: a thumbnail and a name that choose the layer, and its two switches.

import { makeCanvas } from "../canvas/masks.js";
import { strings } from "../page/strings.js";

const THUMB = 80; // canvas pixels; half as many on the page

/** A row for a layer id, still empty. */
export function makeRow(id) {
  const row = document.createElement("li");
  row.className = "mf-layer";
  row.dataset.layer = id;
  row.append(grip(), chooser(), iconButton("hidden"), iconButton("locked"));
  return row;
}

/** Bring the row up to date; `name` as nameOf says. */
export function fillRow(row, layer, segment, name, chosen) {
  const [pick, hidden, locked] = row.querySelectorAll("button");
  if (row.cutout !== segment.cutout) row.querySelector("img").src = thumbOf(segment.cutout);
  row.cutout = segment.cutout;
  setText(pick.querySelector("span"), name);
  pick.title = name;
  pick.setAttribute("aria-pressed", String(chosen));
  row.toggleAttribute("data-hidden", Boolean(layer.hidden));
  fillSwitch(hidden, layer.hidden ? strings.showLayer(name) : strings.hideLayer(name), layer.hidden ? "mf-eye-off" : "mf-eye", layer.hidden);
  fillSwitch(locked, layer.locked ? strings.unlockLayer(name) : strings.lockLayer(name), layer.locked ? "mf-lock" : "mf-unlock", layer.locked);
}

/** A field in place of the name; `keep(name)` once it is entered, `done()` in any case. */
export function renameIn(row, name, keep, done) {
  const pick = row.querySelector(".mf-layer-pick");
  const field = document.createElement("input");
  Object.assign(field, { type: "text", value: name, maxLength: 60, className: "mf-layer-name" });
  field.setAttribute("aria-label", strings.renameLayer(name));
  let open = true; // taking a field out of the page blurs it, which closes it too
  const close = (kept) => {
    if (!open) return;
    open = false;
    field.replaceWith(pick);
    if (kept && field.value.trim() !== name) keep(field.value);
    done(pick);
  };
  field.addEventListener("keydown", (event) => {
    if (!["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    close(event.key === "Enter");
  });
  field.addEventListener("blur", () => close(true));
  pick.replaceWith(field);
  field.focus();
  field.select();
}

/** A small picture of a cut-out, as an address. */
function thumbOf(cutout) {
  const scale = Math.min(THUMB / cutout.width, THUMB / cutout.height);
  const [width, height] = [cutout.width * scale, cutout.height * scale];
  const canvas = makeCanvas(THUMB, THUMB);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(cutout, (THUMB - width) / 2, (THUMB - height) / 2, width, height);
  return canvas.toDataURL();
}

function grip() {
  const element = document.createElement("span");
  element.className = "mf-layer-grip";
  element.ariaHidden = "true";
  return element;
}

function chooser() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "mf-layer-pick";
  const thumb = document.createElement("img");
  Object.assign(thumb, { alt: "", draggable: false });
  button.append(thumb, document.createElement("span"));
  return button;
}

function iconButton(toggles) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "mf-button mf-slim mf-layer-switch";
  button.dataset.toggles = toggles;
  button.innerHTML = "<svg><use></use></svg>";
  return button;
}

function fillSwitch(button, label, icon, on) {
  button.title = label;
  button.setAttribute("aria-label", label);
  button.toggleAttribute("data-on", Boolean(on));
  button.querySelector("use").setAttribute("href", `#${icon}`);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
