// Links: made from what is on the page, and opened from the page's address.

import { hasShadows, sourceTokens, toJson } from "../model/collage.js";
import { thumbnail } from "../canvas/thumbnail.js";
import { strings } from "../page/strings.js";
import { linkTo, readAddress, withoutLink } from "./address.js";
import { MOST_CHARACTERS, decodeEdit, encodeEdit, inPlace, withLayers } from "./code.js";
import { LinkDialog } from "./dialog.js";
import { MyLinks } from "./mine.js";

const THUMBNAIL = 96; // pixels of its longer side
const ID_LENGTH = 32;

export class Links {
  #work = null; // what the open dialog is about: { state, edit }
  #linked = null; // the photo that the page's address leads to

  /** opening: Opening; settings: Settings; button: of the top bar; root: the editor; tell(message, kind): a toast. */
  constructor({ dialog, button, api, doc, opening, settings, tell }) {
    Object.assign(this, { button, api, doc, opening, settings, tell });
    this.mine = new MyLinks(() => window.localStorage);
    this.dialog = new LinkDialog(dialog, { mine: this.mine, make: (days) => this.#make(days), remove: (link) => this.#remove(link) });
    window.addEventListener("hashchange", () => this.openAddress());
  }

  update() {
    const { photo } = this.doc.state;
    this.button.hidden = !photo;
    if (!this.#linked || photo === this.#linked) return;
    this.#linked = null; // another photo: a reload must not bring the link's again
    history.replaceState(history.state, "", withoutLink(location.href));
  }

  /** The button "Share": say what a link would mean; nothing is kept before the visitor has agreed. */
  async share() {
    const { state } = this.doc;
    const options = this.settings.read();
    if (!state.photo) return this.tell(strings.openFirst, "info");
    if (options.problem) return this.tell(options.problem);
    this.dialog.open();
    await this.#trying(async () => {
      await Promise.allSettled(state.segments.map(({ refining }) => refining));
      const { layers } = toJson(state);
      const edit = await encodeEdit({ layers, shadows: hasShadows(state) }, options);
      this.#work = { state: this.doc.state, edit };
      if (address({ photo: "x".repeat(ID_LENGTH) }, edit).length > MOST_CHARACTERS) throw new Error(strings.linkLong(layers.length));
      const offer = await this.#ask("link_offer", {});
      if (offer.example) this.dialog.showLink(address({ example: offer.example }, edit), null);
      else this.dialog.showOffer(offer);
    });
  }

  /** The photo on the page is the one that its address leads to, if that is a link: it stays in the address as long. */
  follow() {
    if (readAddress(location.href)) this.#linked = this.doc.state.photo;
  }

  /** Open what the page's address names, if it is a link. */
  async openAddress() {
    const link = readAddress(location.href);
    if (!link) return;
    const edit = link.edit ? await decodeEdit(link.edit).catch(() => null) : null;
    const broken = { told: Boolean(link.edit) && !edit };
    const before = this.doc.state.photo;
    await this.opening.record(() => this.#fetch(link, edit, broken), strings.linkOpening);
    if (this.doc.state.photo === before) return;
    this.follow();
    if (edit) this.settings.write(edit.options);
    if (broken.told) this.tell(strings.linkBroken);
  }

  async #fetch({ photo, example }, edit, broken) {
    const { visit } = this.api;
    const record = photo ? await this.api.call("open_link", { id: photo, visit }) : await this.api.openExample(example);
    try {
      if (edit) return { ...record, collage: withLayers(record.collage, edit) };
    } catch {
      broken.told = true;
    }
    return photo || broken.told ? { ...record, collage: inPlace(record.collage) } : record;
  }

  #make(days) {
    return this.#trying(async () => {
      const { id, key, expires } = await this.#ask("make_link", { days });
      const link = { id, key, expires, made: Date.now() / 1000, address: address({ photo: id }, this.#work.edit) };
      this.mine.add({ ...link, picture: thumbnail(this.#work.state.photo.bitmap, THUMBNAIL) });
      this.dialog.showLink(link.address, expires);
    });
  }

  #remove(link) {
    return this.#trying(async () => {
      await this.api.call("delete_link", { id: link.id, key: link.key });
      this.mine.remove(link.id);
      this.dialog.showDeleted(link);
    });
  }

  async #ask(name, more) {
    const { state } = this.#work;
    await this.api.holdAll([state.photo, ...state.sources]);
    const { token } = state.photo;
    return this.api.call(name, { token, collage: toJson(state), sources: sourceTokens(state), ...more });
  }

  async #trying(work) {
    this.dialog.busy = true;
    try {
      await work();
    } catch (problem) {
      this.dialog.say(problem.message);
    } finally {
      this.dialog.busy = false;
    }
  }
}

const address = (place, edit) => linkTo(location.href, place, edit);
