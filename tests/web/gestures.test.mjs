import assert from "node:assert/strict";
import { test } from "node:test";

import { IDENTITY, apply, compose, meanScale, rotation, scaling, translation } from "../../magicfixup_demo/web/model/affine.js";
import { centreOf, cornersOf } from "../../magicfixup_demo/web/model/collage.js";
import { MAX_SCALE, MIN_SCALE, advance, nudge, pinch } from "../../magicfixup_demo/web/arrange/gestures.js";
import { close } from "./close.mjs";

const photo = { width: 600, height: 400 };
const segment = { left: 200, top: 150, width: 100, height: 80 };
const somewhere = compose(translation(30, -20), rotation(0.4, [250, 190]));
const start = (kind, at, more = {}) => ({ kind, matrix: somewhere, segment, photo, at, ...more });

test("no movement is no change", () => {
  for (const kind of ["move", "scale", "rotate"]) close(advance(start(kind, [260, 170], { corner: 1 }), [260, 170]), somewhere);
});

test("a move takes the layer along, whatever way the pointer went", () => {
  const begun = start("move", [250, 190]);
  advance(begun, [400, 10]);
  close(advance(begun, [275, 180]), compose(translation(25, -10), somewhere));
});

test("shift keeps a move to one axis", () => {
  close(advance(start("move", [0, 0]), [30, 12], { shift: true }), compose(translation(30, 0), somewhere));
  close(advance(start("move", [0, 0]), [-3, 12], { shift: true }), compose(translation(0, 12), somewhere));
});

test("a corner follows the pointer along its diagonal, the opposite corner stays", () => {
  for (let corner = 0; corner < 4; corner++) {
    const corners = cornersOf(segment, somewhere);
    const opposite = corners[(corner + 2) % 4];
    const target = corners[corner].map((value, i) => opposite[i] + 1.5 * (value - opposite[i]));
    const matrix = advance(start("scale", corners[corner], { corner }), target);
    close(cornersOf(segment, matrix)[corner], target);
    close(cornersOf(segment, matrix)[(corner + 2) % 4], opposite);
  }
});

test("alt scales about the centre", () => {
  const corners = cornersOf(segment, somewhere);
  const matrix = advance(start("scale", corners[0], { corner: 0 }), [0, 0], { alt: true });
  close(centreOf(segment, matrix), centreOf(segment, somewhere));
});

test("scale is kept between its limits, and never turns inside out", () => {
  const corners = cornersOf(segment, IDENTITY);
  const at = { kind: "scale", matrix: IDENTITY, segment, photo, at: corners[2], corner: 2 };
  close(meanScale(advance(at, [-5000, -5000])), MIN_SCALE);
  close(meanScale(advance(at, [1e6, 1e6])), MAX_SCALE);
});

test("a turn keeps the centre and the size", () => {
  const matrix = advance(start("rotate", [250, 100]), [400, 190]);
  close(centreOf(segment, matrix), centreOf(segment, somewhere));
  close(meanScale(matrix), meanScale(somewhere));
});

test("shift snaps the layer's own angle to 15 degrees", () => {
  const matrix = advance(start("rotate", [250, 100]), [300, 120], { shift: true });
  const steps = Math.atan2(matrix[1], matrix[0]) / (Math.PI / 12);
  close(steps, Math.round(steps));
});

test("two fingers keep what lies under them", () => {
  const begun = start("move", [220, 170], { other: [280, 200] });
  const [to, other] = [[200, 190], [290, 260]];
  const matrix = pinch(begun, to, other);
  const inside = (point) => apply(matrix, apply(invertOf(somewhere), point));
  close(inside(begun.at), to);
  close(inside(begun.other), other);
});

test("two fingers on one spot do not explode", () => {
  const matrix = pinch(start("move", [220, 170], { other: [220, 170] }), [220, 170], [220, 171]);
  assert.ok(matrix.every(Number.isFinite));
});

test("a bit of the layer always stays on the photo", () => {
  for (const to of [[9000, 0], [-9000, 0], [0, 9000], [0, -9000], [9000, -9000]]) {
    const corners = cornersOf(segment, advance(start("move", [250, 190]), to));
    const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
    assert.ok(Math.max(...xs) >= 10 && Math.min(...xs) <= photo.width - 10, `${xs}`);
    assert.ok(Math.max(...ys) >= 10 && Math.min(...ys) <= photo.height - 10, `${ys}`);
  }
});

test("a layer larger than the photo may hang over on all sides", () => {
  const big = scaling(10, 10, [250, 190]);
  close(advance({ ...start("move", [0, 0]), matrix: big }, [5, 5]), compose(translation(5, 5), big));
});

test("nudges are whole pixels and come back", () => {
  const there = nudge({ matrix: somewhere, segment, photo }, 1, -10);
  close(nudge({ matrix: there, segment, photo }, -1, 10), somewhere);
});

const invertOf = ([a, b, c, d, e, f]) => {
  const det = a * d - b * c;
  return [d / det, -b / det, -c / det, a / det, (c * f - d * e) / det, (b * e - a * f) / det];
};
