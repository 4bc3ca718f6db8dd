import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Document } from "../../magicfixup_demo/web/model/document.js";
import { EMPTY, addForeign, addObject, changeLayer, duplicateLayer, removeLayer, setMatrix } from "../../magicfixup_demo/web/model/collage.js";
import { Plates } from "../../magicfixup_demo/web/live/plates.js";
import { Preparing } from "../../magicfixup_demo/web/live/preparing.js";

mock.timers.enable({ apis: ["setTimeout"] });

const photo = { id: "", token: "t", width: 8, height: 8, scale: 1, bitmap: { width: 8, height: 8 } };
const mask = (png, count = 4) => ({ left: 0, top: 0, width: 2, height: 2, png, alpha: new Uint8Array(count).fill(255) });
const segment = (id) => ({ ...mask(id), id });
const settled = async () => {
  for (let i = 0; i < 30; i++) await null;
};

/** A page with the photo; `sent` are the requests, which `answer()` answers, the oldest first. */
function pageOf() {
  const page = { sent: [], waiting: [], ready: true, outline: null, doc: new Document(), plates: new Plates() };
  page.doc.commit({ ...EMPTY, photo });
  const send = (request, receive) => {
    page.sent.push(request.also ? { of: request.token, also: request.also } : request.collage.segments.map(({ id }) => id));
    return new Promise((end) => page.waiting.push((message) => (receive(message), message.preview || end())));
  };
  const hooks = { ready: () => page.ready, outline: () => page.outline, seed: () => 0, changed: () => {} };
  const preparing = new Preparing({ ...hooks, api: { holdAll: async () => {} }, doc: page.doc, plates: page.plates, send });
  page.calm = async () => (preparing.update(), mock.timers.tick(300), settled());
  page.tell = async (message) => (page.waiting[0](message), settled());
  page.answer = async (message = { kind: "done", value: { patches: [], shadows: [] } }) => (page.waiting.shift()(message), settled());
  page.update = () => preparing.update();
  return page;
}

test("an outline that stays for a moment is asked for with its finished edge, and only once", async () => {
  const page = pageOf();
  page.outline = { mask: mask("hard"), finished: async () => mask("soft") };
  page.update();
  mock.timers.tick(100);
  page.outline = { mask: mask("harder"), finished: async () => mask("soft") };
  await page.calm();
  await page.answer();
  await page.calm();
  assert.deepEqual(page.sent, [["outline"]]);
  assert.ok(page.plates.has({ photo }, [segment("soft")]), "as the segment that it becomes");
});

test("what is dragged before its plate came is not asked for again", async () => {
  const page = pageOf();
  page.outline = { mask: mask("a"), finished: async () => mask("a") };
  await page.calm();
  page.outline = null;
  const state = addObject(page.doc.state, segment("a"), "l");
  page.doc.draft(setMatrix(state, "l", [1, 0, 0, 1, 5, 0]));
  await page.calm();
  assert.deepEqual(page.sent, [["outline"]]);
  await page.answer();
  assert.deepEqual(page.plates.groundOf(page.doc.state).open, []);
});

test("a hole that is seen goes before one that may come", async () => {
  const page = pageOf();
  page.doc.commit(removeLayer(addObject(page.doc.state, segment("a"), "l"), "l"));
  page.outline = { mask: mask("b"), finished: async () => mask("b") };
  await page.calm();
  assert.deepEqual(page.sent, [["a"]]);
  await page.answer();
  assert.deepEqual(page.sent, [["a"], ["a", "outline"]]);
});

test("a chosen object in its place is prepared, a background is not", async () => {
  const page = pageOf();
  page.doc.commit(addObject(page.doc.state, segment("a"), "l"));
  page.doc.choose("l");
  await page.calm();
  assert.deepEqual(page.sent, [["a"]]);
  page.doc.choose(null);
  page.outline = { mask: mask("large"), finished: async () => mask("large", 60) };
  await page.calm();
  assert.equal(page.sent.length, 1);
});

test("nothing is asked while a fix-up runs or holes are shown, and failures say nothing", async () => {
  const page = pageOf();
  page.doc.commit(removeLayer(addObject(page.doc.state, segment("a"), "l"), "l"));
  page.ready = false;
  await page.calm();
  page.ready = true;
  page.plates.show(false);
  await page.calm();
  assert.deepEqual(page.sent, []);
  page.plates.show(true);
  await page.calm();
  await page.answer({ kind: "error", message: "no" });
  assert.equal(page.plates.groundOf(page.doc.state), null);
  page.doc.choose(null);
  await page.calm();
  assert.equal(page.sent.length, 1, "not again before something changes");
});

test("what comes before the plate is shown until it is there", async () => {
  const page = pageOf();
  page.doc.commit(removeLayer(addObject(page.doc.state, segment("a"), "l"), "l"));
  await page.calm();
  await page.tell({ kind: "progress", fraction: 0, text: "" });
  assert.ok(!page.plates.has({ photo }, [segment("a")]));
  await page.tell({ kind: "progress", preview: { patches: [], shadows: [] } });
  assert.ok(page.plates.has({ photo }, [segment("a")]));
  const { version } = page.plates;
  await page.answer();
  assert.ok(page.plates.version > version);
});

test("shadows of copies and of what other photos bring are asked for once, each of its own photo", async () => {
  const page = pageOf();
  page.doc.commit(duplicateLayer(addObject(page.doc.state, segment("a"), "l"), "l", "copy", [5, 5]));
  await page.calm();
  assert.deepEqual(page.sent, [{ of: "t", also: ["a"] }]);
  await page.answer();
  const guest = { ...photo, id: "p2", token: "guest" };
  page.doc.commit(addForeign(page.doc.state, guest, segment("b"), "m", [1, 0, 0, 1, 3, 3]));
  await page.calm();
  assert.deepEqual(page.sent.slice(1), [{ of: "guest", also: ["b"] }]);
  await page.answer();
  page.doc.commit(changeLayer(page.doc.state, "m", { shadow: 0.5 }));
  await page.calm();
  assert.equal(page.sent.length, 2);
});

test("of an old file's objects no shadow is asked for", async () => {
  const page = pageOf();
  page.doc.commit({ ...duplicateLayer(addObject(page.doc.state, segment("a"), "l"), "l", "copy", [5, 5]), shadows: false });
  await page.calm();
  assert.deepEqual(page.sent, []);
});
