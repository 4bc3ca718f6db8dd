// Layers of version 2: distort, other photos, hidden and locked ones; states rewritten behind the scenes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { IDENTITY, compose, rotation, translation } from "../../magicfixup_demo/web/model/affine.js";
import * as model from "../../magicfixup_demo/web/model/collage.js";
import { Document } from "../../magicfixup_demo/web/model/document.js";
import { isCutOut, layerAt, layersAt } from "../../magicfixup_demo/web/canvas/hit.js";
import { close } from "./close.mjs";

const photo = { id: "", token: "main", width: 100, height: 80, scale: 1 };
const guest = { id: "p2", token: "other", width: 300, height: 200, scale: 1 };
const box = (id, left, top, width, height) => ({
  ...{ id, left, top, width, height, png: `mask of ${id}` },
  covers: (x, y) => x >= left && y >= top && x < left + width && y < top + height,
});
const empty = { ...model.EMPTY, photo };
const one = model.addObject(empty, box("s1", 10, 10, 20, 20), "l1");
const TILT = [[4, 2], [-3, 5], [1, -2], [-5, 3]]; // prettier-ignore
const foreign = model.addForeign(one, guest, box("s2", 200, 100, 30, 20), "l2", translation(-150, -60));

test("every new field is written, and left out where it says nothing", () => {
  assert.deepEqual(Object.keys(model.toJson(one).layers[0]), ["id", "segment", "matrix"]);
  assert.ok(!("sources" in model.toJson(one)));
  const patch = { distort: TILT, name: "dog", hidden: true, locked: true, opacity: 0.5, shadow: 1.5, softness: 0.25 };
  const written = model.toJson(model.changeLayer(foreign, "l2", patch));
  assert.deepEqual(written.layers[1], { id: "l2", segment: "s2", matrix: translation(-150, -60), ...patch });
  assert.deepEqual(written.sources, [{ id: "p2", width: 300, height: 200 }]);
  assert.equal(written.segments[1].source, "p2");
});

test("an object of another photo brings that photo, once, and takes it along when it goes", () => {
  assert.equal(model.photoOf(foreign, foreign.segments[1]), guest);
  assert.equal(model.photoOf(foreign, foreign.segments[0]), photo);
  assert.deepEqual(model.sourceTokens(foreign), { p2: "other" });
  const twice = model.addForeign(foreign, guest, box("s3", 0, 0, 5, 5), "l3", IDENTITY);
  assert.equal(twice.sources.length, 1);
  const without = model.removeLayer(model.removeLayer(twice, "l2"), "l3");
  assert.deepEqual([without.sources, without.segments.map(({ id }) => id)], [[], ["s1"]]);
  assert.equal(model.removeLayer(one, "l1").segments, one.segments, "an own object stays cut out");
});

test("what counts as an edit", () => {
  const changed = (patch) => model.hasEdits(model.changeLayer(one, "l1", patch));
  assert.ok(!changed({ name: "dog", locked: true, opacity: 1, hidden: false, distort: null }));
  for (const patch of [{ hidden: true }, { opacity: 0.9 }, { distort: TILT }, { matrix: translation(0, 1) }]) assert.ok(changed(patch));
  assert.ok(model.hasEdits(foreign), "also where its matrix is the identity");
  assert.ok(!model.hasEdits(model.changeLayer(foreign, "l2", { hidden: true })));
});

test("corners, middle and the way back through a distort", () => {
  const segment = one.segments[0];
  const matrix = compose(translation(30, 5), rotation(0.4, [20, 20]));
  close(model.cornersOf(segment, translation(5, 0), TILT)[1], [32, 15]);
  for (const distort of [null, TILT]) {
    for (const point of [[10, 10], [30, 30], [17, 26]]) // prettier-ignore
      close(model.sourcePoint(segment, { matrix, distort }, model.shownAt(segment, { matrix, distort }, point)), point);
  }
  close(model.centreOf(segment, matrix), model.shownAt(segment, { matrix }, [20, 20]));
  const [a, b, c, d] = model.cornersOf(segment, matrix, TILT);
  const [x, y] = model.centreOf(segment, matrix, TILT);
  const side = ([px, py], [qx, qy]) => (qx - px) * (y - py) - (qy - py) * (x - px);
  close([side(a, c), side(b, d)], [0, 0], 1e-6);
});

test("a flip of a distorted layer keeps its middle and undoes itself", () => {
  const distorted = model.changeLayer(one, "l1", { distort: TILT });
  const flipped = model.flipLayer(distorted, "l1");
  const centre = (state) => model.centreOf(state.segments[0], state.layers[0].matrix, state.layers[0].distort);
  close(centre(flipped), centre(distorted));
  close(model.flipLayer(flipped, "l1").layers[0].matrix, IDENTITY);
});

test("another mask under a distorted layer: what it showed stays where it was", () => {
  const distorted = model.changeLayer(foreign, "l2", { distort: TILT });
  const larger = box("new", 197, 98, 36, 25);
  const state = model.replaceSegment(distorted, "s2", larger);
  const [before, after] = [distorted, state].map(({ segments, layers }) => (point) => model.shownAt(segments[1], layers[1], point));
  for (const point of [[200, 100], [215, 110], [230, 120]]) close(after(point), before(point)); // prettier-ignore
  assert.deepEqual([state.segments[1].id, state.segments[1].source], ["s2", "p2"]);
  assert.ok(model.isSoundDistort(state.segments[1], state.layers[1].distort));
  assert.equal(model.replaceSegment(one, "nobody", larger), one);
});

test("hidden and locked layers are not taken in hand; the next one below is", () => {
  const both = model.addObject(one, box("s3", 12, 12, 20, 20), "l3");
  const hit = (patch) => layerAt(model.changeLayer(both, "l3", patch), [20, 20]).id;
  assert.deepEqual([hit({}), hit({ hidden: true }), hit({ locked: true })], ["l3", "l1", "l1"]);
  assert.deepEqual(layersAt(both, [20, 20]).map(({ id }) => id), ["l3", "l1"]); // prettier-ignore
  const tilted = model.changeLayer(one, "l1", { distort: [[-8, -8], [0, 0], [0, 0], [0, 0]] }); // prettier-ignore
  assert.equal(layerAt(tilted, [4, 4]).id, "l1");
  assert.equal(layerAt(one, [4, 4]), null);
});

test("an object of another photo makes no hole in this one", () => {
  const there = model.addForeign(empty, guest, box("s2", 10, 10, 30, 20), "l2", translation(40, 0));
  assert.ok(!isCutOut(there, [15, 15]));
  assert.equal(layerAt(there, [55, 15]).id, "l2");
});

test("a copy can be moved, whatever its original may", () => {
  const locked = model.changeLayer(one, "l1", { locked: true, name: "dog" });
  const copy = model.duplicateLayer(locked, "l1", "l9", [1, 1]).layers[1];
  assert.deepEqual([copy.locked, copy.name], [false, "dog"]);
});

test("a better mask replaces the old one in every state, past, future, and of a gesture that began before", () => {
  const doc = new Document();
  const hard = one.segments[0];
  const soft = { ...hard, png: "soft" };
  doc.commit(empty);
  doc.commit(one);
  doc.commit(model.setMatrix(one, "l1", translation(5, 5)));
  doc.undo();
  const base = doc.state; // a gesture holds this
  doc.rewrite((state) => (state.segments.includes(hard) ? model.replaceSegment(state, "s1", soft) : state));
  assert.equal(doc.state.segments[0].png, "soft");
  assert.ok(doc.canUndo && doc.canRedo, "no step of its own");
  doc.draft(model.setMatrix(base, "l1", translation(1, 1)));
  assert.equal(doc.state.segments[0].png, "soft");
  doc.dropDraft();
  doc.redo();
  assert.equal(doc.state.segments[0].png, "soft");
  doc.commit(model.setMatrix(base, "l1", translation(2, 2)));
  assert.equal(doc.state.segments[0].png, "soft");
  const again = { ...hard, png: "by hand" };
  doc.commit(model.replaceSegment(doc.state, "s1", again));
  assert.equal(doc.state.segments[0].png, "by hand", "a newer mask under the same id is not touched");
  while (doc.canUndo) doc.undo();
  assert.deepEqual(doc.state.segments, []);
});
