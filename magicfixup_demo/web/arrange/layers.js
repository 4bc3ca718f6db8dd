// The layers panel: the list of layers, in step with the document both ways, and what is set for the chosen one.

import { findLayer, segmentOf } from "../model/collage.js";
import { FieldPanel } from "./field_panel.js";
import { LayerDrag } from "./layer_drag.js";
import { fillRow, makeRow, renameIn } from "./layer_row.js";
import { nameOf } from "./layer_commands.js";
import { Slides } from "./slides.js";
import { remember, remembered } from "../page/remembered.js";
import { strings } from "../page/strings.js";

const SHEET = "(max-width: 860px)"; // there it is a sheet that comes when asked for; see narrow.css
const ROOM = "(min-width: 1100px)"; // there it stands beside the photo from the start, which so never jumps aside
const NEEDS_THE_PICTURE = '[data-do="reselect"], [data-do="add-from-photo"]'; // what goes on there, where the sheet lies
const REMEMBERED = "magicfixup.layers";

export class LayersPanel {
  #rows = new Map(); // layer id -> its row
  #open = { open: true, closed: false }[remembered(REMEMBERED)] ?? null; // true, false, or null while nobody has said so

  /**
   * root: the editor's element; commands: of commands.js; able(): whether layers can be changed now; shadowOf(state,
   * segment): of live/plates.js.
   */
  constructor(root, { doc, commands, able, shadowOf }) {
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    Object.assign(this, { root, panel: part("layers"), list: part("layer-list"), said: part("layers-said"), doc, commands, able });
    this.more = part("layer-more");
    this.slides = new Slides(part, commands, shadowOf);
    this.empty = part("layers-empty");
    this.buttons = [...root.querySelectorAll('[data-do="layers"][aria-controls]')];
    this.sheet = matchMedia(SHEET);
    this.room = matchMedia(ROOM);
    for (const width of [this.sheet, this.room]) width.addEventListener("change", () => this.update());
    this.fields = new FieldPanel(part("fields"), commands.setField, () => part("canvas").focus({ preventScroll: true }));
    this.drag = new LayerDrag(this.list, (id, place) => this.#place(id, place));
    this.#listen();
  }

  get isOpen() {
    return this.sheet.matches ? this.#open === true : (this.#open ?? this.room.matches);
  }

  /** Show it or put it away; the focus goes along. */
  toggle() {
    const hadFocus = this.panel.contains(document.activeElement);
    this.#open = !this.isOpen;
    remember(REMEMBERED, this.#open ? "open" : "closed");
    this.update();
    if (this.#open) (this.#chosenPick() ?? this.panel.querySelector("button")).focus();
    else if (hadFocus) this.#visibleButton()?.focus();
    return true;
  }

  /** The sheet covers things, so Escape puts it away first; true when it did. */
  escape() {
    if (this.panel.hidden || !this.sheet.matches) return false;
    return this.toggle();
  }

  rename = () => {
    if (!this.doc.layer) return false;
    if (!this.isOpen) this.toggle();
    const { state, layer } = this.doc;
    const keep = (name) => this.commands.setName(layer.id, name);
    renameIn(this.#rows.get(layer.id), nameOf(state, layer), keep, (pick) => (this.update(), pick.focus()));
    return true;
  };

  update() {
    const { state, layer } = this.doc;
    this.panel.hidden = !state.photo || !this.isOpen;
    this.#button(state.layers.length);
    if (this.panel.hidden) return;
    if (!this.drag.active) this.#fill(state);
    this.empty.hidden = state.layers.length > 0;
    this.more.hidden = !layer;
    if (layer) this.slides.update(state, layer, this.able());
    this.fields.update(state, layer);
  }

  #button(count) {
    for (const button of this.buttons) {
      button.setAttribute("aria-expanded", String(!this.panel.hidden));
      button.setAttribute("aria-label", strings.layersButton(count));
      button.querySelector("span").textContent = count || "";
    }
  }

  // Rows are kept and moved, not made anew: so the focus stays, and 60 frames a second cost nothing.
  #fill(state) {
    const front = [...state.layers].reverse();
    const ids = new Set(front.map(({ id }) => id));
    const lost = [...this.#rows].filter(([id]) => !ids.has(id));
    const hadFocus = lost.some(([, row]) => row.contains(document.activeElement));
    for (const [id] of lost) this.#rows.delete(id);
    front.forEach((layer) => this.#rows.has(layer.id) || this.#rows.set(layer.id, makeRow(layer.id)));
    const rows = front.map(({ id }) => this.#rows.get(id));
    if (rows.length !== this.list.children.length || rows.some((row, i) => row !== this.list.children[i])) {
      keepingFocus(() => this.list.replaceChildren(...rows));
    }
    front.forEach((layer, i) => fillRow(rows[i], layer, segmentOf(state, layer), nameOf(state, layer), layer.id === this.doc.chosen));
    if (hadFocus) (rows[0]?.querySelector("button") ?? this.root.querySelector("canvas")).focus();
  }

  #listen() {
    this.panel.addEventListener("click", (event) => this.sheet.matches && event.target.closest(NEEDS_THE_PICTURE) && this.toggle());
    this.list.addEventListener("click", (event) => this.#click(event));
    this.list.addEventListener("dblclick", (event) => event.target.closest(".mf-layer-pick") && this.rename());
    this.list.addEventListener("keydown", (event) => this.#key(event));
  }

  #click(event) {
    const id = event.target.closest(".mf-layer")?.dataset.layer;
    const button = event.target.closest("button");
    if (!id || !button || !this.able()) return;
    if (button.dataset.toggles) this.commands.toggle(id, button.dataset.toggles);
    else this.commands.choose(id);
  }

  // Up and down go through the list; with Alt they take the layer along.
  #key(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const row = event.target.closest(".mf-layer");
    if (!step || !row || event.target.matches("input")) return;
    event.preventDefault();
    event.stopPropagation();
    const id = row.dataset.layer;
    const place = [...this.list.children].indexOf(row) + step;
    if (place < 0 || place >= this.list.children.length || !this.able()) return;
    if (event.altKey) return this.#place(id, place);
    const other = this.list.children[place];
    this.commands.choose(other.dataset.layer);
    other.querySelector(".mf-layer-pick").focus();
  }

  #place(id, place) {
    const { layers } = this.doc.state;
    if (!this.able()) return this.update();
    this.commands.moveTo(id, layers.length - 1 - place);
    this.update();
    this.#rows.get(id).querySelector(".mf-layer-pick").focus({ preventScroll: true });
    const { state } = this.doc;
    this.said.textContent = strings.layerMoved(nameOf(state, findLayer(state, id)), place + 1, layers.length);
  }

  #chosenPick() {
    return this.#rows.get(this.doc.chosen)?.querySelector(".mf-layer-pick");
  }

  #visibleButton() {
    return this.buttons.find((button) => button.offsetParent);
  }
}

function keepingFocus(change) {
  const focused = document.activeElement;
  change();
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}
