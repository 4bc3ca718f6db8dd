import assert from "node:assert/strict";
import { test } from "node:test";

import { EMPTY } from "../../magicfixup_demo/web/model/collage.js";
import { Document } from "../../magicfixup_demo/web/model/document.js";
import { History } from "../../magicfixup_demo/web/model/history.js";

test("undo to the start and redo to the end give the same states back", () => {
  const history = new History(0);
  for (let i = 1; i <= 50; i++) history.commit(i);
  for (let i = 49; i >= 0; i--) {
    assert.ok(history.undo());
    assert.equal(history.present, i);
  }
  assert.ok(!history.undo());
  for (let i = 1; i <= 50; i++) {
    assert.ok(history.redo());
    assert.equal(history.present, i);
  }
  assert.ok(!history.redo());
});

test("a new step forgets what was undone; no step is no step", () => {
  const history = new History("a");
  history.commit("b");
  history.undo();
  history.commit("a");
  assert.ok(history.canRedo, "the same state again keeps the redo");
  history.commit("c");
  assert.ok(!history.canRedo);
});

test("memory of steps is bounded", () => {
  const history = new History(0);
  for (let i = 1; i <= 1500; i++) history.commit(i);
  while (history.undo());
  assert.equal(history.present, 500);
});

test("a gesture is one step, and none when it is dropped", () => {
  const doc = new Document();
  const state = (x) => ({ ...EMPTY, x, segments: [{ id: `s${x}` }] });
  for (let i = 0; i < 9; i++) doc.draft(state(i));
  doc.commit();
  assert.equal(doc.state.x, 8);
  doc.undo();
  assert.equal(doc.state, EMPTY);
  doc.draft(state(5));
  assert.ok(doc.dropDraft());
  assert.equal(doc.state, EMPTY);
  assert.ok(doc.canRedo, "a dropped gesture keeps the redo");
});

test("what changes nothing is no step: a handle that was only pressed, a reset of what is in its place", () => {
  const doc = new Document();
  const layer = { id: "l1", segment: "s1", matrix: [1, 0, 0, 1, 0, 0] };
  const state = { ...EMPTY, photo: { id: "" }, segments: [{ id: "s1" }], layers: [layer] };
  doc.commit(state);
  doc.commit({ ...state, layers: [{ ...layer, matrix: [...layer.matrix], opacity: 1 }] });
  assert.ok(!doc.canUndo);
  doc.commit({ ...state, segments: [{ id: "s1" }] });
  assert.ok(doc.canUndo, "another mask under the same name is another arrangement");
});

test("undo goes back to the first photo, not to the empty page", () => {
  const doc = new Document();
  const opened = { ...EMPTY, photo: { id: "" } };
  doc.commit(opened);
  assert.ok(!doc.canUndo);
  doc.commit({ ...EMPTY, photo: { id: "" } });
  doc.undo();
  assert.equal(doc.state, opened);
});

test("redo survives a choice; a layer that is gone is not in hand", () => {
  const doc = new Document();
  doc.commit({ ...EMPTY, layers: [{ id: "l1", segment: "s1", matrix: [1, 0, 0, 1, 0, 0] }] });
  doc.choose("l1");
  assert.equal(doc.layer.id, "l1");
  doc.undo();
  assert.equal(doc.chosen, null);
  doc.choose(null);
  doc.redo();
  assert.equal(doc.state.layers.length, 1);
});
