import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { compose, rotation, scaling, translation } from "../../magicfixup_demo/web/model/affine.js";
import * as homography from "../../magicfixup_demo/web/model/homography.js";
import { close } from "./close.mjs";

const { quads } = JSON.parse(readFileSync(new URL("../affine_vectors.json", import.meta.url), "utf8"));
const BOX = [
  [10, 20],
  [110, 20],
  [110, 70],
  [10, 70],
];

test("shared vectors: quads", () => {
  assert.ok(quads.length > 4);
  for (const { source, target, points, out } of quads) {
    const warp = homography.fromQuads(source, target);
    points.forEach((point, i) => close(homography.apply(warp, point), out[i]));
    const back = homography.invert(warp);
    points.forEach((point, i) => close(homography.apply(back, out[i]), point));
  }
});

test("an affine matrix is the same map as nine numbers, alone and in a row", () => {
  const matrix = compose(translation(3, 4), compose(rotation(0.3), scaling(2, 0.5)));
  const both = homography.compose(homography.fromAffine(matrix), homography.fromAffine(translation(-7, 1)));
  close(homography.apply(both, [5, 6]), homography.apply(homography.fromAffine(compose(matrix, translation(-7, 1))), [5, 6]));
});

test("a distort is sound while the box stays convex and unturned", () => {
  const sound = (...offsets) => homography.isSound(BOX, offsets);
  assert.ok(sound([0, 0], [0, 0], [0, 0], [0, 0]));
  assert.ok(sound([-30, 5], [10, -20], [0, 40], [20, 0]));
  assert.ok(!sound([100, 0], [-100, 0], [0, 0], [0, 0]), "crossed");
  assert.ok(!sound([100, 0], [-100, 0], [-100, 0], [100, 0]), "turned over");
  assert.ok(!sound([60, 25], [0, 0], [0, 0], [0, 0]), "three corners in a line");
});

test("what has no inverse says so", () => {
  assert.throws(() => homography.invert([1, 0, 0, 1, 0, 0, 0, 0, 1]), RangeError);
  assert.throws(() => homography.fromQuads(BOX, [[0, 0], [1, 1], [2, 2], [3, 3]]), RangeError);
});
