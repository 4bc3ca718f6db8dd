// Which draft is this tab's. The key lies in the tab's own storage, which outlives a reload; a lock says that a tab has it
// open, for a tab that is duplicated begins with a copy of that storage.

const KEY = "magicfixup.tab";
const PREFIX = "magicfixup.draft.";
const PATIENCE_MS = 600; // a page that is being left lets go of its lock only then

export class Tabs {
  #release = () => {};

  /** storage(): sessionStorage; locks: navigator.locks, undefined where the browser has none or the page is not secure. */
  constructor({ storage = () => window.sessionStorage, locks = globalThis.navigator?.locks, patience = PATIENCE_MS } = {}) {
    Object.assign(this, { storage, locks, patience });
  }

  /**
   * { key, before }: the key that this tab writes under, and the one that its draft of last time has, or null. They differ
   * where another tab has that open (this one is its duplicate), or where nobody can tell.
   */
  async claim() {
    const before = this.#read();
    if (before && (await this.#hold(before))) return { key: before, before };
    return { key: await this.renew(), before };
  }

  /** Write under a new key from now on. */
  async renew() {
    const key = crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].join("-");
    await this.#hold(key);
    this.#write(key);
    return key;
  }

  /** Take over a draft that no tab has open; false when one has, or nobody can tell. */
  async adopt(key) {
    if (!(await this.#hold(key))) return false;
    this.#write(key);
    return true;
  }

  /** Let go, so that the next page of this tab begins anew. */
  forget() {
    this.#write(null);
    this.#release();
  }

  /** The keys that tabs have open now. */
  async open() {
    const { held = [] } = (await this.locks?.query()) ?? {};
    return new Set(held.filter(({ name }) => name.startsWith(PREFIX)).map(({ name }) => name.slice(PREFIX.length)));
  }

  // True once this tab has the lock, for as long as it is there or holds another one.
  #hold(key) {
    if (!this.locks) return Promise.resolve(false);
    return new Promise((resolve) => {
      const kept = () =>
        new Promise((release) => {
          this.#release();
          this.#release = release;
          resolve(true);
        });
      this.locks.request(PREFIX + key, { signal: AbortSignal.timeout(this.patience) }, kept).catch(() => resolve(false));
    });
  }

  #read() {
    try {
      return this.storage().getItem(KEY);
    } catch {
      return null;
    }
  }

  #write(key) {
    try {
      if (key) this.storage().setItem(KEY, key);
      else this.storage().removeItem(KEY);
    } catch {
      // then a reload begins with the offer
    }
  }
}
