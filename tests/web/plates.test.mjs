import assert from "node:assert/strict";
import { test } from "node:test";

import { removedSegments } from "../../magicfixup_demo/web/model/collage.js";
import { Plates } from "../../magicfixup_demo/web/live/plates.js";

const photo = { name: "photo" };
const segment = (id, png = id) => ({ id, left: 0, top: 0, png });
const layer = (id, more = {}) => ({ id: `l-${id}`, segment: id, matrix: [1, 0, 0, 1, 0, 0], ...more });
const MOVED = { matrix: [1, 0, 0, 1, 9, 0] };
const [a, b] = [segment("a"), segment("b")];

let closed = 0;
const patch = (segments, side = 4) => ({ left: 0, top: 0, segments, image: { width: side, height: side, close: () => (closed += 1) } });
const without = (...segments) => ({ photo, sources: [], segments, layers: [] });
const names = (segments) => segments.map(({ id }) => id);

test("an object is removed unless a layer shows it whole where it was", () => {
  const removed = (...layers) => names(removedSegments({ segments: [a], layers }));
  assert.deepEqual(removed(layer("a")), []);
  assert.deepEqual(removed(), ["a"]);
  for (const change of [MOVED, { hidden: true }, { opacity: 0.5 }, { distort: [[1, 0], [0, 0], [0, 0], [0, 0]] }]) {
    assert.deepEqual(removed(layer("a", change)), ["a"]);
    assert.deepEqual(removed(layer("a", change), layer("a")), [], "a copy is in its place");
  }
  assert.deepEqual(removedSegments({ segments: [{ ...a, source: "p2" }], layers: [] }), []);
});

test("the plate of the very objects that are removed is the ground, whatever their ids", () => {
  const plates = new Plates();
  assert.equal(plates.groundOf(without(a)), null);
  plates.add({ photo }, [segment("outline", "a"), b], [patch(["outline", "b"])]);
  const { patches, open } = plates.groundOf(without(a, b));
  assert.deepEqual([patches.length, open], [1, []]);
  assert.ok(plates.has({ photo }, [b, a]) && !plates.has({ photo }, [a]) && !plates.has({ photo: { name: "other" } }, [a, b]));
});

test("a frame that asks again gets the same answer, until there is another one", () => {
  const plates = new Plates();
  plates.add({ photo }, [a], [patch(["a"])]);
  const { version } = plates;
  const first = plates.groundOf(without(a, b));
  assert.equal(plates.groundOf(without(a, b)), first);
  assert.deepEqual(names(first.open), ["b"]);
  plates.add({ photo }, [a, b], [patch(["a", "b"])]);
  assert.ok(plates.version > version);
  assert.deepEqual(plates.groundOf(without(a, b)).open, []);
});

test("until a plate comes older patches serve where nothing but removed objects stood", () => {
  const plates = new Plates();
  plates.add({ photo }, [a, b], [patch(["a"]), patch(["b"])]);
  const { patches, open } = plates.groundOf(without(b));
  assert.deepEqual(patches.map(({ masks }) => masks.length), [1]);
  assert.deepEqual(open, []);
  const together = new Plates();
  together.add({ photo }, [a, b], [patch(["a", "b"])]);
  assert.equal(together.groundOf(without(b)), null, "the photo has to show a");
});

test("holes are shown where that is wanted", () => {
  const plates = new Plates();
  plates.add({ photo }, [a], [patch(["a"])]);
  plates.show(false);
  assert.equal(plates.groundOf(without(a)), null);
  plates.show(true);
  assert.deepEqual(plates.groundOf(without(a)).open, []);
});

test("few are kept: the one not used for longest goes, and its pixels with it", () => {
  const plates = new Plates(4 * 4 * 4 * 2);
  closed = 0;
  plates.add({ photo }, [a], [patch(["a"])]);
  plates.add({ photo }, [b], [patch(["b"])]);
  plates.groundOf(without(a));
  plates.add({ photo }, [a, b], [patch(["a", "b"])]);
  assert.equal(closed, 1);
  assert.ok(plates.has({ photo }, [a]) && plates.has({ photo }, [a, b]) && !plates.has({ photo }, [b]));
  assert.ok(plates.bytes <= plates.mostBytes);
  plates.add({ photo }, [b], [patch(["b"], 100)]);
  assert.ok(plates.has({ photo }, [b]), "the newest stays, however large");
});

const shadow = (id) => ({ segment: id, taken: [] });

test("shadows come with plates, by their objects' masks, and stay when those go", () => {
  const plates = new Plates(0);
  assert.ok(!plates.knowsShadow(photo, a) && plates.shadowOf({ photo }, a) === null);
  plates.add({ photo }, [segment("outline", "a"), b], [patch(["outline", "b"])], [shadow("outline")]);
  plates.add({ photo }, [b], [patch(["b"])], []);
  assert.equal(plates.shadowOf({ photo }, a).segment, "outline");
  assert.ok(plates.knowsShadow(photo, b) && plates.shadowOf({ photo }, b) === null, "b has none");
  assert.equal(plates.shadowOf({ photo: { name: "other" } }, a), null);
  plates.show(false);
  assert.equal(plates.shadowOf({ photo }, a), null, "nor is it shown where holes are");
});

test("an object of another photo has the shadow that it has there", () => {
  const plates = new Plates();
  const guest = { id: "p2" };
  const state = { photo, sources: [guest], segments: [], layers: [] };
  plates.addShadows(guest, [{ ...a, source: "p2" }], [shadow("a")]);
  assert.equal(plates.shadowOf(state, { ...a, source: "p2" }).segment, "a");
  assert.equal(plates.shadowOf(state, a), null);
});

test("what an old file holds has no shadows, and a plate of its own in which they were left", () => {
  const plates = new Plates();
  const old = { ...without(a), shadows: false };
  plates.add(without(a), [a], [patch(["a"])], [shadow("a")]);
  assert.equal(plates.shadowOf(old, a), null);
  assert.ok(!plates.has(old, [a]) && plates.groundOf(old) === null);
  plates.add(old, [a], [patch(["a"])]);
  assert.ok(plates.has(old, [a]) && plates.shadowOf(without(a), a), "and it says nothing of them");
});

test("of a photo's shadows no more are kept than a collage has objects", () => {
  const plates = new Plates();
  const many = Array.from({ length: 120 }, (_, i) => segment(`s${i}`));
  plates.addShadows(photo, many, many.map(({ id }) => shadow(id)));
  assert.equal(many.filter((one) => plates.knowsShadow(photo, one)).length, 100);
  assert.ok(plates.knowsShadow(photo, many[119]));
});
