import assert from "node:assert/strict";
import { test } from "node:test";

import { Document } from "../../magicfixup_demo/web/model/document.js";
import { Releasing, photosOf } from "../../magicfixup_demo/web/photos/releasing.js";

const photo = (name) => ({ name, bitmap: { closed: 0, close() { this.closed += 1; } } });
const state = (main, sources = []) => ({ photo: main, sources, segments: [], layers: [] });

test("a picture is let go when no state leads to its photo, once, and not before", () => {
  const doc = new Document();
  const releasing = new Releasing(() => photosOf(doc.states));
  const [a, b, other] = ["a", "b", "other"].map(photo);
  for (const next of [state(a), state(a, [other])]) doc.commit(next), releasing.update();
  doc.undo();
  releasing.update();
  assert.equal(other.bitmap.closed, 0, "redo leads back to it");
  doc.commit(state(b));
  releasing.update();
  releasing.update();
  assert.equal(other.bitmap.closed, 1);
  assert.equal(a.bitmap.closed + b.bitmap.closed, 0, "undo leads back to the first");
});

test("undo leads back to four photos at most, and to every step with them", () => {
  const doc = new Document();
  const photos = [0, 1, 2, 3, 4, 5].map(photo);
  for (const each of photos) doc.commit(state(each)), doc.commit({ ...state(each), segments: [{ id: "s1" }] });
  const names = doc.states.map((one) => one.photo.name);
  assert.deepEqual(names, [2, 2, 3, 3, 4, 4, 5, 5]);
  assert.equal(doc.state.photo.name, 5);
});
