import assert from "node:assert/strict";
import { test } from "node:test";

import { IDENTITY, translation } from "../../magicfixup_demo/web/model/affine.js";
import {
  EMPTY,
  addObject,
  centreOf,
  duplicateLayer,
  findLayer,
  flipLayer,
  hasEdits,
  removeLayer,
  reorderLayer,
  segmentOf,
  setMatrix,
  toJson,
} from "../../magicfixup_demo/web/model/collage.js";
import { isCutOut, layerAt, promptPointAt } from "../../magicfixup_demo/web/canvas/hit.js";
import { close } from "./close.mjs";

const photo = { width: 100, height: 80, scale: 1 };
const box = (id, left, top, width, height) => ({
  ...{ id, left, top, width, height, png: `mask of ${id}` },
  covers: (x, y) => x >= left && y >= top && x < left + width && y < top + height,
});
const one = addObject({ ...EMPTY, photo }, box("s1", 10, 10, 20, 20), "l1");
const two = addObject(one, box("s2", 50, 40, 30, 20), "l2");

test("cutting out changes nothing to see; moving, deleting do", () => {
  assert.ok(!hasEdits({ ...EMPTY, photo }));
  assert.ok(!hasEdits(two));
  assert.ok(hasEdits(setMatrix(two, "l1", translation(1, 0))));
  assert.ok(hasEdits(removeLayer(two, "l2")), "a deleted object leaves a hole");
});

test("a duplicate stands aside; the original may then go without a hole of its own", () => {
  const copied = duplicateLayer(one, "l1", "l9", [5, 6]);
  assert.deepEqual(findLayer(copied, "l9").matrix, [1, 0, 0, 1, 5, 6]);
  assert.ok(hasEdits(copied));
  assert.equal(segmentOf(copied, findLayer(copied, "l9")), segmentOf(one, findLayer(one, "l1")));
  assert.equal(duplicateLayer(one, "nobody", "l9", [5, 6]), one);
});

test("order stops at both ends", () => {
  const ids = (state) => state.layers.map(({ id }) => id).join(" ");
  assert.equal(ids(reorderLayer(two, "l1", 1)), "l2 l1");
  assert.equal(reorderLayer(two, "l2", 1), two);
  assert.equal(reorderLayer(two, "l1", -1), two);
  assert.equal(ids(reorderLayer(reorderLayer(two, "l1", 1), "l1", -1)), "l1 l2");
});

test("a flip keeps the centre and undoes itself", () => {
  const moved = setMatrix(one, "l1", translation(13, -4));
  const flipped = flipLayer(moved, "l1");
  const centre = (state) => centreOf(segmentOf(state, state.layers[0]), state.layers[0].matrix);
  close(centre(flipped), centre(moved));
  assert.ok(flipped.layers[0].matrix[0] < 0);
  close(flipLayer(flipped, "l1").layers[0].matrix, moved.layers[0].matrix);
});

test("steps leave the state before them as it was", () => {
  const before = JSON.stringify(toJson(two));
  [setMatrix(two, "l1", translation(3, 3)), removeLayer(two, "l1"), reorderLayer(two, "l1", 1), flipLayer(two, "l2")];
  assert.equal(JSON.stringify(toJson(two)), before);
});

test("a click hits the topmost layer where it is now, and the hole where it was", () => {
  const state = setMatrix(two, "l1", translation(45, 32)); // over l2, but behind it
  assert.equal(layerAt(state, [60, 45]).id, "l2");
  assert.equal(layerAt(state, [57, 61]).id, "l1");
  assert.equal(layerAt(state, [15, 15]), null);
  assert.ok(isCutOut(state, [15, 15]));
  assert.ok(!isCutOut(state, [5, 5]));
});

test("the nearest point of the prompt within reach", () => {
  const points = [[10, 10, true], [14, 10, false]];
  assert.equal(promptPointAt(points, [13, 10], 5), 1);
  assert.equal(promptPointAt(points, [40, 10], 5), -1);
  assert.equal(promptPointAt([], [40, 10], 5), -1);
});

test("the JSON is what collage_json.py documents", () => {
  assert.deepEqual(toJson(one), {
    version: 3,
    photo: { width: 100, height: 80 },
    segments: [{ id: "s1", left: 10, top: 10, width: 20, height: 20, mask: "mask of s1" }],
    layers: [{ id: "l1", segment: "s1", matrix: [...IDENTITY] }],
  });
  assert.equal(toJson({ ...one, shadows: false }).version, 2, "what an old file holds stays without shadows");
});
