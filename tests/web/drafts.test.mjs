// Drafts as data: what is packed, how it comes back, which are kept, and whose they are.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { DAY_MS, MOST_BYTES, MOST_DRAFTS, isFresh, surplus } from "../../magicfixup_demo/web/drafts/bounds.js";
import { missingIn, pack, sizeOf, unpack } from "../../magicfixup_demo/web/drafts/packing.js";
import { Tabs } from "../../magicfixup_demo/web/drafts/tabs.js";
import { ofExample, ofFile, ofServer } from "../../magicfixup_demo/web/photos/origins.js";
import { strings } from "../../magicfixup_demo/web/page/strings.js";

const awake = setInterval(() => {}, 1000); // Node does not wait for the time limit of a signal
after(() => clearInterval(awake));

const segment = (id, source) => ({ id, left: 1, top: 2, width: 3, height: 4, png: "m", ...(source ? { source } : {}), covers: () => true });
const layer = (id, segment) => ({ id, segment, matrix: [1, 0, 0, 1, 5, 6], name: "Кот", hidden: true, opacity: 0.5 });
const zip = ofFile(new File(["a zip"], "work.zip", { type: "application/zip" }));
const photo = (id, origin) => ({ id, width: 10, height: 20, name: `photo ${id}`, rounds: 2, origin, bitmap: {} });

const STATE = {
  photo: photo("", { source: zip, part: "" }),
  sources: [photo("p1", { source: zip, part: "inner" }), photo("p2", { source: ofExample("bee"), part: "" })],
  segments: [segment("s1"), segment("s2", "p1"), segment("s3", "p2")],
  layers: [layer("l1", "s1"), layer("l2", "s2"), layer("l3", "s3")],
};

/** Answers with new tokens; `opened` says what was sent. */
function server() {
  const opened = [];
  const record = (id, more) => ({ token: `t${opened.length}${id}`, id, name: "n", width: 10, height: 20, picture: "", rounds: 1, ...more });
  return {
    opened,
    openFile: async (file, known, rounds) => {
      opened.push(`${file.name} ${await file.text()} ${rounds}`);
      return record("", { collage: "its own", options: {}, result: {}, sources: [record("inner")] });
    },
    openExample: async (name) => (opened.push(name), record("", { collage: "its own" })),
  };
}

test("a draft brings photos, objects and their places; a file that holds several photos is sent once", async () => {
  const packed = pack(STATE, { key: "k", at: 1, options: { seed: 3 }, address: "?a" });
  assert.deepEqual([...packed.files.values()], [zip.file]);
  const stored = { draft: structuredClone(packed.draft), files: packed.files }; // as the database hands it back
  assert.deepEqual(stored.draft.collage.layers.map(({ name }) => name), ["Кот", "Кот", "Кот"]);
  const api = server();
  const { fetchRecord, originOf } = unpack(stored, api);
  const record = await fetchRecord();
  assert.deepEqual(api.opened.sort(), ["bee", "work.zip a zip 0"]);
  assert.deepEqual(JSON.parse(record.collage), stored.draft.collage, "not the collages that its photos came with");
  assert.deepEqual(record.sources.map(({ id }) => id), ["p1", "p2"]);
  assert.ok(record.token && record.sources.every(({ token }) => token) && !record.options && !record.result);
  const again = pack({ ...STATE, photo: photo("", originOf({ id: "" })), sources: ["p1", "p2"].map((id) => photo(id, originOf({ id }))) }, {});
  assert.deepEqual(again.draft.sources, packed.draft.sources, "what came back can be kept again");
  assert.deepEqual(again.draft.photos, packed.draft.photos);
});

test("a photo that only the server has is fetched before it counts as kept, with its rounds", async () => {
  const api = { withPhoto: (photo, work) => work("t"), fetchFile: async (request) => ({ blob: new Blob([JSON.stringify(request)]) }) };
  const source = ofServer({ name: "result", rounds: 3 }, api);
  const state = { photo: photo("", { source, part: "" }), sources: [], segments: [], layers: [] };
  assert.deepEqual(missingIn(state), [source]);
  const early = pack(state, { key: "k" });
  await assert.rejects(unpack(early, server()).fetchRecord(), { message: strings.draftPhotoGone });
  source.file = await source.load();
  assert.deepEqual(missingIn(state), []);
  const kept = pack(state, { key: "k" });
  const there = server();
  await unpack(kept, there).fetchRecord();
  assert.deepEqual(there.opened, ['result {"token":"t","form":"photo"} 3']);
  assert.ok(sizeOf(kept) > sizeOf(early));
});

test("drafts of a day at most are kept, few and not too large; an open tab's stays", () => {
  const now = 10 * DAY_MS;
  const draft = (key, age, bytes = 1) => ({ key, at: now - age, bytes });
  const open = new Set(["open"]);
  assert.deepEqual(surplus([draft("old", DAY_MS), draft("open", 3 * DAY_MS), draft("new", 5)], { open, now }), ["old"]);
  const many = Array.from({ length: MOST_DRAFTS + 2 }, (_, i) => draft(`d${i}`, i));
  assert.deepEqual(surplus(many, { open, now }), [`d${MOST_DRAFTS}`, `d${MOST_DRAFTS + 1}`]);
  assert.deepEqual(surplus([draft("a", 1, 0.6 * MOST_BYTES), draft("b", 2, 0.6 * MOST_BYTES)], { open, now }), ["b"]);
  assert.deepEqual(surplus([draft("open", 1, MOST_BYTES), draft("b", 2)], { open, now }), ["b"]);
  assert.ok(!isFresh({ at: now + 2 * DAY_MS }, now), "written before the clock was put back");
});

/** Locks as browsers have them, for all tabs of one test. */
class Locks {
  held = new Map();

  request(name, { signal }, work) {
    return new Promise((resolve, reject) => {
      const take = () => {
        const done = work().then(() => this.held.delete(name));
        this.held.set(name, done);
        done.then(resolve);
      };
      if (!this.held.has(name)) return take();
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      this.held.get(name).then(() => signal.aborted || take());
    });
  }

  query = async () => ({ held: [...this.held.keys()].map((name) => ({ name })) });
}

const storage = (kept = {}) => ({ kept, getItem: (key) => kept[key] ?? null, setItem: (key, value) => (kept[key] = value), removeItem: (key) => delete kept[key] });

test("a tab keeps its key over a reload; a duplicate writes elsewhere and begins with a copy", async () => {
  const locks = new Locks();
  const mine = storage();
  const tab = (kept) => new Tabs({ storage: () => kept, locks, patience: 20 });
  const first = tab(mine);
  const { key, before } = await first.claim();
  assert.equal(before, null);
  assert.deepEqual([...(await first.open())], [key]);
  const copy = storage({ ...mine.kept });
  const duplicate = await tab(copy).claim();
  assert.equal(duplicate.before, key);
  assert.notEqual(duplicate.key, key);
  assert.equal(Object.values(copy.kept)[0], duplicate.key);
  assert.equal(await tab(storage()).adopt(key), false, "it is open");
  first.forget(); // as when the page is left
  mine.setItem("magicfixup.tab", key);
  assert.deepEqual(await tab(mine).claim(), { key, before: key }, "the reload");
});

test("what a closed tab left can be taken over by one", async () => {
  const locks = new Locks();
  const tabs = Array.from({ length: 2 }, () => new Tabs({ storage: storage, locks, patience: 20 }));
  await tabs[0].claim();
  assert.equal(await tabs[0].adopt("left"), true);
  assert.equal(await tabs[1].adopt("left"), false);
  assert.deepEqual([...(await tabs[1].open())], ["left"], "its own key of before is free");
});

test("without locks or storage every page has a key of its own, so none writes over another's", async () => {
  const kept = storage();
  const keys = [];
  for (let i = 0; i < 2; i++) keys.push(await new Tabs({ storage: () => kept, locks: undefined }).claim());
  assert.equal(keys[1].before, keys[0].key);
  assert.notEqual(keys[1].key, keys[0].key);
  const refusing = () => {
    throw new Error("denied");
  };
  const { key, before } = await new Tabs({ storage: refusing, locks: new Locks(), patience: 20 }).claim();
  assert.ok(key && before === null);
});
