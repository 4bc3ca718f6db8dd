// Drafts in the browser's own database. Whatever it refuses (private windows, a full disk) rejects; nothing waits for ever.

import { isFresh, surplus } from "./bounds.js";
import { sizeOf } from "./packing.js";

const NAME = "magicfixup";
const PATIENCE_MS = 10_000;
const [DRAFTS, FILES] = ["drafts", "files"];

export class DraftStore {
  #opened = null;
  #there = new Map(); // key -> the ids of its files, as last seen

  /** factory(): indexedDB or the like; open(): a promise of the keys that tabs have open; now(): milliseconds. */
  constructor({ factory = () => globalThis.indexedDB, open, now = Date.now }) {
    Object.assign(this, { factory, open, now });
  }

  /**
   * Keep a draft of packing.js and its files; those that are there already are not written again. `last`: the page is being
   * left, and the browser waits for nothing that is not asked at once.
   */
  async save({ draft, files }, last = false) {
    const kept = { ...draft, bytes: sizeOf({ draft, files }) };
    if (last && this.#there.has(draft.key)) return this.#write(kept, files, this.#there.get(draft.key));
    try {
      await this.#write(kept, files);
    } catch {
      await this.#removeAll(await this.#closed()); // to make room, and once more
      await this.#write(kept, files);
    }
  }

  /** { draft, files }, or null when it is not there or too old. */
  async load(key) {
    const database = await this.#database();
    const transaction = database.transaction([DRAFTS, FILES]);
    const [drafts, files] = [DRAFTS, FILES].map((name) => transaction.objectStore(name));
    const draft = await settled(drafts.get(key));
    if (!draft || !isFresh(draft, this.now())) return null;
    const [keys, blobs] = await Promise.all([settled(files.getAllKeys(all(key))), settled(files.getAll(all(key)))]);
    return { draft, files: new Map(keys.map(([, id], i) => [id, blobs[i]])) };
  }

  /** The newest one that no tab has open, without its files, or null. */
  async latest() {
    const open = await this.open();
    const [latest] = (await this.#list()).filter((draft) => !open.has(draft.key) && isFresh(draft, this.now())).sort((a, b) => b.at - a.at);
    return latest ?? null;
  }

  remove(key) {
    return this.#removeAll([key]);
  }

  /** Remove what is too old or too much. */
  async tidy() {
    await this.#removeAll(surplus(await this.#list(), { open: await this.open(), now: this.now() }));
  }

  async #write(draft, files, known = null) {
    const transaction = (await this.#database()).transaction([DRAFTS, FILES], "readwrite");
    const done = committed(transaction);
    const store = transaction.objectStore(FILES);
    transaction.objectStore(DRAFTS).put(draft);
    const there = known ?? new Set((await settled(store.getAllKeys(all(draft.key)))).map(([, id]) => id));
    for (const [id, file] of files) if (!there.has(id)) store.put(file, [draft.key, id]);
    for (const id of there) if (!files.has(id)) store.delete([draft.key, id]);
    transaction.commit?.();
    await done;
    this.#there.set(draft.key, new Set(files.keys()));
  }

  async #list() {
    return settled((await this.#database()).transaction(DRAFTS).objectStore(DRAFTS).getAll());
  }

  async #closed() {
    const open = await this.open();
    return (await this.#list()).map(({ key }) => key).filter((key) => !open.has(key));
  }

  async #removeAll(keys) {
    if (!keys.length) return;
    const transaction = (await this.#database()).transaction([DRAFTS, FILES], "readwrite");
    for (const key of keys) {
      transaction.objectStore(DRAFTS).delete(key);
      transaction.objectStore(FILES).delete(all(key));
    }
    await committed(transaction);
  }

  #database() {
    this.#opened ??= this.#open().catch((failure) => {
      this.#opened = null; // tried anew with the next draft
      throw failure;
    });
    return this.#opened;
  }

  #open() {
    return new Promise((resolve, reject) => {
      setTimeout(reject, PATIENCE_MS, new Error("the database does not open"));
      const asked = this.factory().open(NAME, 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore(DRAFTS, { keyPath: "key" });
        asked.result.createObjectStore(FILES);
      };
      asked.onerror = () => reject(asked.error);
      asked.onsuccess = () => {
        asked.result.onversionchange = () => asked.result.close(); // a newer page in another tab
        asked.result.onclose = () => (this.#opened = null);
        resolve(asked.result);
      };
    });
  }
}

/** Every file of a draft. */
const all = (key) => globalThis.IDBKeyRange.bound([key], [key, []]);

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const committed = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("the browser kept nothing"));
  });
