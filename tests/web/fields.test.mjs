import assert from "node:assert/strict";
import { test } from "node:test";

import { compose, determinant, invert, rotation, scaling, translation } from "../../magicfixup_demo/web/model/affine.js";
import { centreOf } from "../../magicfixup_demo/web/model/collage.js";
import { EDGE_NAMES, aligned, boundsOf } from "../../magicfixup_demo/web/arrange/align.js";
import { decompose, setField } from "../../magicfixup_demo/web/arrange/fields.js";
import { close } from "./close.mjs";

const segment = { left: 40, top: 30, width: 120, height: 80 };
const photo = { width: 640, height: 480 };
const NAMES = ["x", "y", "width", "height", "angle"];

// A deterministic stream of numbers in 0..1, so that a failure can be repeated.
function* numbers(seed) {
  for (let state = seed; ; ) {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    yield state / 2 ** 32;
  }
}

const stream = numbers(7);
const between = (low, high) => low + (high - low) * stream.next().value;
const anyMatrix = () => {
  const shear = [1, 0, between(-0.8, 0.8), 1, 0, 0];
  const mirror = stream.next().value < 0.5 ? -1 : 1;
  const sides = scaling(mirror * between(0.3, 3), between(0.3, 3));
  return [translation(between(-200, 400), between(-200, 400)), rotation(between(-3.1, 3.1)), shear, sides].reduce(compose);
};
const VALUES = { x: [-50, 700], y: [-50, 500], width: [20, 600], height: [20, 500], angle: [-179, 179] };

test("a field that was set reads back, and the others stay", () => {
  for (let round = 0; round < 200; round++) {
    const [name, matrix] = [NAMES[round % NAMES.length], anyMatrix()];
    const before = decompose(segment, matrix);
    const value = between(...VALUES[name]);
    const after = decompose(segment, setField(segment, matrix, name, value));
    for (const other of NAMES) close(after[other], other === name ? value : before[other], 1e-6);
    assert.equal(after.mirrored, before.mirrored);
  }
});

test("shear survives every field: what is left over is a turn, a move and two scales", () => {
  const shearOf = ([a, b, c, d]) => (a * c + b * d) / Math.abs(determinant([a, b, c, d, 0, 0]));
  for (let round = 0; round < 60; round++) {
    const [name, matrix] = [NAMES[round % NAMES.length], anyMatrix()];
    const after = setField(segment, matrix, name, between(...VALUES[name]));
    close(shearOf(after), shearOf(matrix), 1e-6);
  }
});

test("linked sides keep their ratio, and the centre stays", () => {
  for (const name of ["width", "height"]) {
    const matrix = anyMatrix();
    const [before, changed] = [decompose(segment, matrix), setField(segment, matrix, name, 77, true)];
    const after = decompose(segment, changed);
    close(after[name], 77, 1e-6);
    close(after.width / after.height, before.width / before.height, 1e-6);
    close(centreOf(segment, changed), centreOf(segment, matrix), 1e-6);
  }
});

test("a side never becomes nothing, and the matrix can always be inverted", () => {
  for (const value of [0, -5, 0.001]) assert.ok(invert(setField(segment, anyMatrix(), "width", value)).every(Number.isFinite));
  assert.ok(decompose(segment, setField(segment, [1, 0, 0, 1, 0, 0], "width", 1e9)).width < 1e4);
});

test("a flip left and right shows no turn", () => {
  close(decompose(segment, scaling(-1, 1, [100, 70])).angle, 0);
  assert.ok(decompose(segment, scaling(-1, 1, [100, 70])).mirrored);
});

test("aligning puts the bounds where they belong, moves along one axis only, and is done once", () => {
  const wanted = {
    left: ([left]) => [left, 0],
    right: (bounds) => [bounds[2], photo.width],
    centre: (bounds) => [(bounds[0] + bounds[2]) / 2, photo.width / 2],
    top: (bounds) => [bounds[1], 0],
    bottom: (bounds) => [bounds[3], photo.height],
    middle: (bounds) => [(bounds[1] + bounds[3]) / 2, photo.height / 2],
  };
  for (const edge of EDGE_NAMES) {
    const matrix = anyMatrix();
    const after = aligned(segment, { matrix }, photo, edge);
    const [is, should] = wanted[edge](boundsOf(segment, { matrix: after }));
    close(is, should, 1e-6);
    close(after.slice(0, 4), matrix.slice(0, 4));
    const still = ["left", "centre", "right"].includes(edge) ? 5 : 4;
    close(after[still], matrix[still]);
    close(aligned(segment, { matrix: after }, photo, edge), after, 1e-6);
  }
});
