// Soft edges and perspective, without a canvas.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decontaminate, reachOf } from "../../magicfixup_demo/web/canvas/decontaminate.js";
import { padded, warpPixels } from "../../magicfixup_demo/web/canvas/distort.js";
import * as homography from "../../magicfixup_demo/web/model/homography.js";

const WIDTH = 60;
const HEIGHT = 24;
const DARK = [40, 30, 20];
const BRIGHT = [220, 230, 210];

// A vertical edge, soft over eight pixels: the photo shows the two colours mixed.
function softEdge() {
  const alpha = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => 255 * Math.min(1, Math.max(0, (34 - (i % WIDTH)) / 8)));
  const pixels = new Uint8ClampedArray(4 * WIDTH * HEIGHT);
  alpha.forEach((a, i) => DARK.forEach((dark, c) => (pixels[4 * i + c] = (dark * a + BRIGHT[c] * (255 - a)) / 255)));
  return { alpha, pixels };
}

test("the object's own colour comes back wherever it is mixed, and nothing else changes", () => {
  const { alpha, pixels } = softEdge();
  const before = pixels.slice();
  decontaminate(pixels, alpha, WIDTH, HEIGHT, 10);
  for (let i = 0; i < alpha.length; i++) {
    for (let c = 0; c < 3; c++) {
      const wanted = alpha[i] > 0 && alpha[i] < 255 ? DARK[c] : before[4 * i + c];
      assert.ok(Math.abs(pixels[4 * i + c] - wanted) <= 6, `pixel ${i}: ${pixels[4 * i + c]} is not ${wanted}`);
    }
  }
});

test("the window may be larger than the picture, and slides as well as it starts anew", () => {
  const results = [10, 100].map((reach) => {
    const { alpha, pixels } = softEdge();
    decontaminate(pixels, alpha, WIDTH, HEIGHT, reach);
    return pixels;
  });
  results[0].forEach((value, i) => assert.ok(Math.abs(value - results[1][i]) <= 6));
});

test("a hard mask changes nothing", () => {
  const { pixels } = softEdge();
  const before = pixels.slice();
  decontaminate(pixels, Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i % WIDTH < 30 ? 255 : 0)), WIDTH, HEIGHT, 9);
  assert.deepEqual(pixels, before);
});

test("how far is looked follows the photo's size", () => {
  assert.equal(reachOf({ width: 100, height: 80 }), 6);
  assert.equal(reachOf({ width: 800, height: 1600 }), 22);
});

const picture = (width, height, colour) => {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(colour(x, y), 4 * (y * width + x));
  return { data, width, height };
};
const blank = (width, height) => picture(width, height, () => [0, 0, 0, 0]);

test("nothing warped is the same picture, and outside is clear", () => {
  const source = picture(7, 5, (x, y) => [30 * x, 40 * y, 9, 255]);
  const same = blank(7, 5);
  warpPixels(padded(source), same, homography.fromAffine([1, 0, 0, 1, 0, 0]));
  assert.deepEqual(same.data, source.data);
  const aside = blank(7, 5);
  warpPixels(padded(source), aside, homography.fromAffine([1, 0, 0, 1, -3, 0])); // moved to the right by three
  assert.deepEqual([...aside.data.slice(0, 12)], Array(12).fill(0));
  assert.deepEqual([...aside.data.slice(12, 28)], [...source.data.slice(0, 16)]);
});

test("half covered pixels keep their colour", () => {
  const source = picture(4, 4, () => [200, 100, 50, 255]);
  const target = blank(8, 4);
  warpPixels(padded(source), target, homography.fromAffine([1, 0, 0, 1, -1.5, 0]));
  assert.deepEqual([...target.data.slice(4, 8)], [200, 100, 50, 128]);
});

test("perspective: the middle of the picture lies where the diagonals cross", () => {
  const box = [[0, 0], [40, 0], [40, 40], [0, 40]]; // prettier-ignore
  const quad = [[12, 0], [28, 0], [40, 40], [0, 40]]; // prettier-ignore
  const source = picture(40, 40, (x, y) => (y < 20 ? [255, 255, 255, 255] : [0, 0, 0, 255]));
  const target = blank(40, 40);
  warpPixels(padded(source), target, homography.invert(homography.fromQuads(box, quad)));
  const red = (x, y) => target.data[4 * (y * 40 + x)];
  const edge = [...Array(40).keys()].find((y) => red(20, y) < 128);
  assert.ok(Math.abs(edge - (40 * 16) / (16 + 40)) <= 1, `the middle is at ${edge}`);
  assert.equal(target.data[4 * 3 + 3], 0, "clear beside the short side");
});
