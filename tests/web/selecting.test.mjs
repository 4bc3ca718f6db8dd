import assert from "node:assert/strict";
import { test } from "node:test";

import { blankPatch, brushCoverage, combined, cropped, liveMask, polygonPatch, stampPiece, withOwnEdge } from "../../magicfixup_demo/web/select/raster.js";
import * as steps from "../../magicfixup_demo/web/select/steps.js";

const GRID = { width: 60, height: 40 };
const PHOTO = { width: 120, height: 80, scale: 0.5 };

const at = ({ sx, sy, sw, sh, alpha }, x, y) => (x < sx || y < sy || x >= sx + sw || y >= sy + sh ? 0 : alpha[(y - sy) * sw + x - sx]);
const area = ({ alpha }) => alpha.reduce((sum, value) => sum + value, 0) / 255;

function stroke(points, brush, grid = GRID) {
  const patch = blankPatch(grid);
  points.forEach((point, i) => stampPiece(patch, points[Math.max(i - 1, 0)], point, brush));
  return cropped(patch);
}

const square = (x0, y0, x1, y1) => polygonPatch([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], GRID);
const answered = (parts, ...masks) => steps.withAnswer(parts, steps.openPrompt(parts), masks, masks.map(area));

test("a brush covers everything in its core and nothing beyond its radius", () => {
  for (const softness of [0, 0.3, 1]) {
    assert.equal(brushCoverage(0, 10, softness), 255);
    assert.equal(brushCoverage(11, 10, softness), 0);
    let last = 255;
    for (let d = 0; d < 12; d += 0.25) {
      assert.ok(brushCoverage(d, 10, softness) <= last, "coverage falls outwards");
      last = brushCoverage(d, 10, softness);
    }
  }
  const between = (softness) => [...Array(40).keys()].filter((i) => ![0, 255].includes(brushCoverage(i / 4, 10, softness))).length;
  assert.ok(between(0.8) > between(0.2) && between(0.2) > 0);
});

test("a dab is a disc, a stroke is what its pieces cover together, and pieces may overlap", () => {
  const dab = stroke([[30, 20]], { radius: 8, softness: 0 });
  assert.ok(Math.abs(area(dab) - Math.PI * 64) < 6);
  const line = stroke([[15, 20], [45, 20]], { radius: 5, softness: 0 });
  const inPieces = stroke([[15, 20], [25, 20], [24, 20], [45, 20]], { radius: 5, softness: 0 });
  assert.deepEqual(line, inPieces);
  assert.ok(Math.abs(area(line) - (300 + Math.PI * 25)) < 8);
});

test("a stroke over the border keeps to the grid, and one outside is nothing", () => {
  const patch = stroke([[-4, 20], [70, 20]], { radius: 6, softness: 0.5 });
  assert.deepEqual([patch.sx, patch.sw], [0, GRID.width]);
  assert.equal(stroke([[-50, -50]], { radius: 6, softness: 0 }), null);
});

test("a lasso fills what it goes around, also where it crosses itself", () => {
  const box = square(10, 10, 30, 25);
  assert.equal(area(box), 300);
  assert.deepEqual([box.sx, box.sy, box.sw, box.sh], [10, 10, 20, 15]);
  const half = square(10.5, 10.5, 30, 25);
  assert.equal(at(half, 10, 15), 128, "half a pixel is half covered");
  const twice = polygonPatch([[10, 10], [30, 10], [30, 25], [10, 25], [10, 10], [30, 10], [30, 25], [10, 25]], GRID);
  assert.equal(area(twice), 300, "going around twice is no hole");
  assert.equal(polygonPatch([[1, 1], [2, 2]], GRID), null);
  assert.equal(polygonPatch([[-9, -9], [-2, -9], [-2, -2]], GRID), null);
});

test("parts are laid over one another in order", () => {
  const big = square(10, 10, 40, 30);
  const hole = square(20, 15, 30, 25);
  const bit = square(24, 18, 26, 22);
  const made = combined([{ patch: big }, { patch: hole, erase: true }, { patch: bit }]);
  assert.equal(area(made), 600 - 100 + 8);
  assert.equal(at(made, 22, 18), 0);
  assert.equal(at(made, 25, 20), 255);
  assert.equal(combined([{ patch: hole }, { patch: big, erase: true }]), null, "nothing is left");
  assert.equal(combined([{ patch: big, erase: true }]), null);
});

test("a live mask says its box in whole photo pixels", () => {
  const mask = liveMask(square(10, 10, 40, 30), PHOTO);
  assert.deepEqual([mask.left, mask.top, mask.width, mask.height], [20, 20, 60, 40]);
  const odd = liveMask({ sx: 59, sy: 39, sw: 1, sh: 1, alpha: new Uint8Array([255]) }, { width: 119, height: 79, scale: 0.5 });
  assert.deepEqual([odd.left + odd.width, odd.top + odd.height], [119, 79], "never beyond the photo");
});

test("strokes stay over what the server answers to further clicks", () => {
  let parts = answered(steps.withPoint(steps.EMPTY, 30, 30, true), square(10, 10, 30, 25));
  parts = steps.withShape(parts, square(10, 10, 15, 25), true, false);
  parts = steps.withPoint(parts, 100, 60, true);
  assert.equal(area(steps.maskOf(parts, PHOTO)), 225, "the old answer, until the new one is there");
  parts = answered(parts, square(10, 10, 50, 25));
  assert.equal(area(steps.maskOf(parts, PHOTO)), 600 - 75);
  assert.deepEqual(steps.pointsOf(parts), [[30, 30, true], [100, 60, true]]);
});

test("drawn first, clicked then: the click's object goes under the drawing; leaving out takes away from it", () => {
  const drawn = steps.withShape(steps.EMPTY, square(10, 10, 20, 20), false, false);
  const both = answered(steps.withPoint(drawn, 80, 40, true), square(30, 10, 50, 30));
  assert.equal(area(steps.maskOf(both, PHOTO)), 100 + 400);
  const less = answered(steps.withPoint(drawn, 30, 30, false), square(15, 10, 50, 30));
  assert.equal(area(steps.maskOf(less, PHOTO)), 50);
  assert.deepEqual(steps.pointsOf(less), [[30, 30, false]]);
  assert.deepEqual(steps.openPrompt(steps.withPoint(drawn, 30, 30, false)).points, [[30, 30, true]], "the server is asked what is there");
});

test("an object selected again is added to and taken from, and is itself while nothing is done", () => {
  const base = { ...liveMask(square(10, 10, 30, 30), PHOTO), png: "base" };
  const parts = steps.fromMask(base);
  assert.equal(steps.maskOf(parts, PHOTO), base);
  const more = answered(steps.withPoint(parts, 80, 40, true), square(35, 10, 45, 20));
  assert.equal(area(steps.maskOf(more, PHOTO)), 400 + 100);
  const less = answered(steps.withPoint(more, 22, 22, false), square(5, 5, 20, 40));
  assert.equal(area(steps.maskOf(less, PHOTO)), 200 + 100);
  assert.equal(steps.withBox(parts, [0, 0, 9, 9]).length, 2, "a box adds to it");
});

test("a point that goes takes its prompt along when nothing else selects", () => {
  const one = answered(steps.withPoint(steps.EMPTY, 30, 30, true), square(10, 10, 30, 25));
  const two = answered(steps.withPoint(one, 40, 30, false), square(10, 10, 20, 25));
  assert.deepEqual(steps.withoutPoint(two, 0), [], "a point to leave out selects nothing");
  assert.deepEqual(steps.pointsOf(steps.withoutPoint(two, 1)), [[30, 30, true]]);
  const drawn = steps.withShape(two, square(1, 1, 9, 9), false, false);
  assert.equal(steps.withoutPoint(drawn, 0).length, 1, "what was drawn stays");
});

test("of the masks offered the next larger and smaller can be taken", () => {
  const [small, middle, large] = [square(20, 20, 24, 24), square(10, 10, 30, 25), square(5, 5, 50, 35)];
  const parts = answered(steps.withPoint(steps.EMPTY, 44, 44, true), middle, large, small);
  assert.deepEqual(steps.latestPrompt(parts).answer.bySize, [2, 0, 1]);
  assert.equal(area(steps.maskOf(steps.withRank(parts, 2), PHOTO)), area(large));
  assert.equal(steps.withRank(parts, 1), parts, "the same again is no step");
  assert.equal(steps.withRank(parts, 3), parts);
});

test("a matte takes the place of a hard edge, and leaves one that was drawn softly", () => {
  const drawn = stroke([[20, 20]], { radius: 8, softness: 0.8 });
  const hard = { ...drawn, alpha: drawn.alpha.map((value) => (value >= 128 ? 255 : 0)) };
  const matte = { sx: 14, sy: 15, sw: 20, sh: 10, alpha: new Uint8Array(200).fill(77) };
  const kept = withOwnEdge(matte, drawn);
  const taken = withOwnEdge(matte, hard);
  for (let x = 8; x < 40; x++) {
    const own = at(drawn, x, 20);
    assert.equal(at(kept, x, 20), own > 0 && own < 255 ? own : at(matte, x, 20));
    assert.equal(at(taken, x, 20), at(matte, x, 20));
  }
});
