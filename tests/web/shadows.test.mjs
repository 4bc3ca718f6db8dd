import assert from "node:assert/strict";
import { test } from "node:test";

import { compose, rotation, scaling, translation } from "../../magicfixup_demo/web/model/affine.js";
import { coverageOf, extentOf, placeOf } from "../../magicfixup_demo/web/canvas/shadows.js";
import { close } from "./close.mjs";

/** Of an object 40 pixels high, with its foot at (60, 50); one pixel of `taken` is two of the photo. */
function shadowOf(columns, rows, valueAt) {
  const taken = Uint8Array.from({ length: columns * rows }, (_, i) => valueAt(i % columns, Math.floor(i / columns)));
  return { left: 20, top: 30, width: 2 * columns, height: 2 * rows, foot: [60, 50], size: 40, columns, rows, taken };
}
const even = (value) => shadowOf(30, 20, () => value);
const sum = (values) => values.reduce((total, value) => total + value, 0);

test("black of that coverage takes the share of light that was found, times the strength", () => {
  for (const strength of [0, 0.5, 1]) {
    const [covered] = coverageOf(even(153), strength);
    close((1 - covered) ** 2.2, 1 - 0.6 * strength, 1e-5);
  }
  const [most] = coverageOf(even(255), 1.5);
  close((1 - most) ** 2.2, 0.02, 1e-5);
});

test("softness spreads a shadow, and keeps its light and its middle", () => {
  const spot = shadowOf(41, 41, (x, y) => (Math.abs(x - 20) < 3 && Math.abs(y - 20) < 3 ? 200 : 0));
  const lights = [0, 0.5, 1].map((softness) => coverageOf(spot, 1, softness).map((value) => 1 - (1 - value) ** 2.2));
  for (const light of lights) {
    close(sum(light), sum(lights[0]), 1e-2 * sum(lights[0]));
    close(sum(light.map((value, i) => value * (i % 41))) / sum(light), 20, 1e-3);
  }
  const peaks = lights.map((light) => Math.max(...light));
  assert.ok(peaks[0] > peaks[1] && peaks[1] > peaks[2]);
  assert.deepEqual([...coverageOf(even(100), 1, 1)].map((v) => v.toFixed(5)), [...coverageOf(even(100))].map((v) => v.toFixed(5)), "an even one is soft already");
});

test("a shadow keeps to its object's foot and size, and is neither turned nor mirrored", () => {
  const shadow = even(100);
  close(placeOf(shadow, { matrix: translation(7, -3) }), [27, 27, 60, 40]);
  close(placeOf(shadow, { matrix: scaling(2, 2, [60, 50]) }), [-20, 10, 120, 80]);
  close(placeOf(shadow, { matrix: scaling(-1, 1, [60, 50]) }), [20, 30, 60, 40]);
  close(placeOf(shadow, { matrix: compose(translation(5, 5), rotation(0.7, [60, 50])) }), [25, 35, 60, 40]);
});

test("only what takes light is drawn", () => {
  const alpha = shadowOf(9, 7, (x, y) => (x === 4 && y > 2 ? 9 : 0)).taken;
  assert.deepEqual(extentOf(alpha, 9, 7), [3, 2, 3, 5]);
  assert.deepEqual(extentOf(new Uint8Array(63), 9, 7), [0, 0, 0, 0]);
});
