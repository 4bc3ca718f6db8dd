import assert from "node:assert/strict";
import { test } from "node:test";

import { difference } from "../../magicfixup_demo/web/results/difference.js";
import { MOST_CHARACTERS, MOST_ENTRIES, ResultHistory, charactersOf, sameArrangement } from "../../magicfixup_demo/web/results/history.js";
import { textOf } from "../../magicfixup_demo/web/results/strip.js";
import { bestGrid, methodsOf } from "../../magicfixup_demo/web/results/tiles.js";
import { keyOf } from "../../magicfixup_demo/web/results/viewing.js";

const photo = { name: "beach", width: 600, height: 400 };
const entry = (id, more = {}) => ({
  ...{ id, state: { photo }, options: { prompt: "" }, at: new Date(2025, 0, 1, 9, 41) },
  result: { model: "small", seed: 7, seeds: [7, 8], images: ["a", "b"], coarse: "c", sdedit: null, ...more },
});
const ids = (history) => history.entries.map(({ id }) => id);

test("the newest result is in front, the same job stands there once, and the oldest make room", () => {
  const history = new ResultHistory();
  for (let i = 0; i < MOST_ENTRIES + 5; i += 1) history.add(entry(`j${i}`));
  assert.equal(history.entries.length, MOST_ENTRIES);
  assert.equal(history.entries[0].id, `j${MOST_ENTRIES + 4}`);
  history.add(entry("j10"));
  assert.equal(ids(history).filter((id) => id === "j10").length, 1);
  assert.equal(ids(history)[0], "j10");
});

test("pictures are bounded too, yet the newest stays whatever its size", () => {
  const large = "x".repeat(MOST_CHARACTERS / 4);
  const history = new ResultHistory();
  for (const id of ["a", "b", "c"]) history.add(entry(id, { images: [large], coarse: large }));
  assert.deepEqual(ids(history), ["c", "b"]);
  assert.equal(charactersOf(history.entries[0]), MOST_CHARACTERS / 2);
  history.add(entry("d", { images: [large, large, large, large, large], seeds: [1, 2, 3, 4, 5] }));
  assert.deepEqual(ids(history), ["d"]);
});

test("deleting brings the neighbour into view", () => {
  const history = new ResultHistory();
  const [a, b, c] = ["a", "b", "c"].map((id) => history.add(entry(id)));
  assert.equal(history.remove(b), a, "the next older one");
  assert.equal(history.remove(a), c, "there is none older");
  assert.equal(history.remove(c), null);
});

test("results are found by model, seed of any variant, time, photo or prompt", () => {
  const history = new ResultHistory();
  history.add(entry("a"));
  history.add(entry("b", { model: "magicfixup", seed: 912, seeds: [912] }));
  const find = (text) => history.find(text, textOf).map(({ id }) => id);
  assert.deepEqual(find(""), ["b", "a"]);
  assert.deepEqual(find("SMALL"), ["a"]);
  assert.deepEqual(find("seed 8"), ["a"]);
  assert.deepEqual(find("912 fixup"), ["b"]);
  assert.deepEqual(find("09:4 bea"), ["b", "a"]);
  assert.deepEqual(find("seed 4"), [], "the minutes are no seed");
  assert.deepEqual(find("whale"), []);
});

test("an arrangement is the same whatever its layers are called, and another once one moved, hid or went", () => {
  const segment = { id: "s", png: "mask" };
  const layer = { id: "l", segment: "s", matrix: [1, 0, 0, 1, 5, 0] };
  const state = { photo, sources: [], segments: [segment], layers: [layer] };
  const withLayer = (patch) => ({ ...state, layers: [{ ...layer, ...patch }] });
  assert.ok(sameArrangement(state, withLayer({ name: "Dog", locked: true, id: "other" })));
  assert.ok(sameArrangement(state, { ...state, segments: [{ ...segment, image: "made anew" }] }));
  for (const patch of [{ matrix: [1, 0, 0, 1, 6, 0] }, { hidden: true }, { opacity: 0.5 }, { shadow: 0.5 }, { softness: 1 }, { distort: [[1, 0], [0, 0], [0, 0], [0, 0]] }]) {
    assert.ok(!sameArrangement(state, withLayer(patch)), JSON.stringify(patch));
  }
  assert.ok(!sameArrangement(state, { ...state, layers: [] }));
  assert.ok(!sameArrangement(state, { ...state, photo: { ...photo } }), "another photo, though of the same size");
  assert.ok(!sameArrangement(state, { ...state, segments: [{ ...segment, png: "better" }] }));
});

test("equal pictures differ nowhere; a difference is made bright, whichever is brighter, and no more than white", () => {
  const a = Uint8ClampedArray.from([10, 20, 30, 255, 200, 0, 7, 255]);
  const b = Uint8ClampedArray.from([12, 20, 27, 255, 0, 255, 7, 0]);
  assert.deepEqual([...difference(a, b, 4)], [8, 0, 12, 255, 255, 255, 0, 255]);
  assert.deepEqual(difference(a, b, 4), difference(b, a, 4));
  assert.deepEqual([...difference(a, a)], [0, 0, 0, 255, 0, 0, 0, 255]);
});

test("tiles are as large as they can be, all equal, and all in sight", () => {
  for (const [count, aspect, width, height] of [[4, 1.5, 1000, 560], [4, 0.66, 1000, 560], [3, 1.5, 380, 700], [4, 1.5, 380, 300], [1, 1, 500, 500]]) {
    const grid = bestGrid(count, aspect, { width, height });
    const rows = Math.ceil(count / grid.columns);
    assert.ok(grid.columns * grid.width + (grid.columns - 1) * 12 <= width + 1e-9);
    assert.ok(rows * (grid.width / aspect + 44) + (rows - 1) * 12 <= height + 1e-9);
  }
  assert.equal(bestGrid(4, 1.5, { width: 1000, height: 560 }).columns, 2);
  assert.equal(bestGrid(4, 0.66, { width: 1000, height: 560 }).columns, 4, "tall photos stand in a row");
  assert.equal(bestGrid(3, 1.5, { width: 380, height: 900 }).columns, 1, "and wide ones below one another on a phone");
});

test("side by side there is a place for every method, also for one that was not made", () => {
  const { result } = entry("a", { seconds: 2, steps: 9, work: { coarse: { seconds: 0.25 }, sdedit: { seconds: 1, steps: 9 } } });
  const methods = methodsOf(result, 1, ["magicfixup", "small"]);
  assert.deepEqual(methods.map(({ title }) => title), ["Your arrangement", "SDEdit", "Small", "Magic Fixup"]);
  assert.deepEqual(methods.map(({ picture }) => picture), ["c", null, "b", null]);
  assert.ok(methods.every(({ picture, missing }) => picture || missing.endsWith(".")));
  assert.match(methods[2].work, /2\.0 s for 2 variants · 9 steps/);
  const both = methodsOf({ ...result, sdedit: "s", other: { model: "magicfixup", image: "o", seconds: 8, steps: 50 } }, 0, []);
  assert.deepEqual(both.map(({ picture }) => picture), ["c", "s", "a", "o"]);
  assert.match(both[3].work, /8\.0 s · 50 steps/);
  const reopened = methodsOf({ ...result, coarse: null }, 0, []);
  assert.deepEqual(reopened.map(({ name }) => name), ["sdedit", "result"], "a saved picture lacks the arrangement's");
});

test("keys of the result", () => {
  assert.deepEqual([keyOf({ key: "c" }), keyOf({ key: " " })], [{ hold: true }, { hold: true }]);
  assert.deepEqual(keyOf({ key: "ArrowUp" }), { step: [0, -1] });
  assert.equal(keyOf({ key: "c", ctrlKey: true }), null, "copying stays the browser's");
  assert.equal(keyOf({ key: "x" }), null);
});
