// The links that this browser has made, with the keys that delete them: nobody else has those.

const KEY = "magicfixup.links";
const MOST = 100;

export class MyLinks {
  #memory = null; // in place of the storage, once that has refused

  /** storage(): localStorage or the like; where it refuses, the links last as long as the page. now(): milliseconds. */
  constructor(storage, now = Date.now) {
    Object.assign(this, { storage, now });
  }

  /** [{ id, key, address, made, expires, picture }], the newest first; times in seconds. Expired ones are forgotten. */
  list() {
    const kept = this.#read();
    const live = kept.filter(({ expires }) => expires * 1000 > this.now());
    if (live.length < kept.length) this.#write(live);
    return live;
  }

  add(link) {
    this.#write([link, ...this.list()].slice(0, MOST));
  }

  remove(id) {
    this.#write(this.list().filter((link) => link.id !== id));
  }

  #read() {
    if (this.#memory) return this.#memory;
    try {
      const kept = JSON.parse(this.storage().getItem(KEY) ?? "[]");
      return Array.isArray(kept) ? kept.filter((link) => typeof link?.id === "string") : [];
    } catch {
      return [];
    }
  }

  #write(links) {
    try {
      this.storage().setItem(KEY, JSON.stringify(links));
    } catch {
      this.#memory = links;
    }
  }
}
