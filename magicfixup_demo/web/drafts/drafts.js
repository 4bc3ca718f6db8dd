// The visitor's work comes back: in the same tab by itself, in a new one after a question. Where the browser keeps nothing
// the page is as it would be without.

import { thumbnailOf } from "../canvas/thumbnail.js";
import { strings } from "../page/strings.js";
import { readAddress } from "../share/address.js";
import { Keeper } from "./keeper.js";
import { Offer } from "./offer.js";
import { unpack } from "./packing.js";
import { DraftStore } from "./store.js";
import { Tabs } from "./tabs.js";

const THUMBNAIL = 184; // pixels of its longer side

export class Drafts {
  #leaving = false;

  /** offer: element of parts/draft.html; results(): how many there are; links: of links.js; tell(text, kind, action): a toast. */
  constructor({ offer, api, doc, opening, settings, results, links, tell }) {
    Object.assign(this, { api, doc, opening, settings, links, tell });
    this.tabs = new Tabs();
    this.store = new DraftStore({ open: () => this.tabs.open() });
    const around = (state) => ({ options: settings.read(), results: results(), address: here(), picture: thumbnailOf(state, THUMBNAIL) });
    this.keeper = new Keeper({ doc, store: this.store, around });
    this.offer = new Offer(offer, { restore: (draft) => this.#accept(draft), discard: (draft) => this.#discard(draft) });
  }

  changed() {
    this.keeper.changed();
    if (this.doc.state.photo) this.offer.show(null);
  }

  /** Whether leaving the page now costs nothing. */
  holds = (state) => this.#leaving || this.keeper.holds(state);

  /** Once at the start. Resolves to true when this tab's own work is back, and what the address names is not wanted. */
  async begin() {
    try {
      return await this.#begin();
    } catch {
      return false; // no draft can be read, so none is there to bring back
    }
  }

  async #begin() {
    const { key, before } = await this.tabs.claim();
    const own = before && (await this.store.load(before));
    const elsewhere = readAddress(location.href) && own?.draft.address !== here(); // a link that was opened in this tab since
    const back = Boolean(own) && !elsewhere && (await this.#restore(own));
    this.keeper.key = own && !back ? await this.tabs.renew() : key; // what did not come back is not written over
    if (!back) this.#offerLatest();
    return back;
  }

  async #offerLatest() {
    const latest = await this.store.tidy().then(() => this.store.latest()).catch(() => null);
    if (!this.doc.state.photo) this.offer.show(latest);
  }

  async #restore(kept) {
    const { fetchRecord, originOf } = unpack(kept, this.api);
    if (this.doc.state.photo || !(await this.opening.record(fetchRecord, strings.draftOpening, originOf))) return false;
    if (!kept.draft.options.problem) this.settings.write(kept.draft.options);
    if (kept.draft.address === here()) this.links.follow();
    this.offer.show(null);
    this.tell(strings.draftBack(kept.draft.results), "info", { label: strings.draftAnew, run: () => this.#anew() });
    return true;
  }

  async #accept({ key }) {
    const kept = await this.store.load(key).catch(() => null);
    if (!kept) return this.#offerLatest(); // another tab was quicker, or its day was over
    if (!(await this.#restore(kept))) return;
    if (await this.tabs.adopt(key)) this.keeper.key = key;
  }

  async #discard({ key }) {
    await this.store.remove(key).catch(() => {});
    await this.#offerLatest();
  }

  // The next page is empty and offers this collage, so that nothing is lost by a press.
  async #anew() {
    await this.keeper.flush();
    this.#leaving = true;
    this.tabs.forget();
    location.reload();
  }
}

const here = () => location.search + location.hash;
