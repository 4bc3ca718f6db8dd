import assert from "node:assert/strict";
import { test } from "node:test";

import { apply } from "../../magicfixup_demo/web/model/affine.js";
import { maskCovers, subtractMasks } from "../../magicfixup_demo/web/canvas/masks.js";
import { traceOutline } from "../../magicfixup_demo/web/canvas/outline.js";
import { commandFor } from "../../magicfixup_demo/web/page/shortcuts.js";
import { fit, isInside, viewToPhoto } from "../../magicfixup_demo/web/canvas/view.js";
import { close } from "./close.mjs";

const stage = { width: 800, height: 600 };

test("the photo fits, is centred, keeps its shape, and points come back", () => {
  const photo = { width: 3000, height: 1000 };
  const view = fit(photo, stage, 10);
  close(apply(view, [1500, 500]), [400, 300]);
  close(apply(view, [0, 500])[0], 10);
  close(view[0], view[3]);
  close(viewToPhoto(view, apply(view, [123, 456])), [123, 456]);
  assert.ok(isInside(photo, [0, 0]) && !isInside(photo, [3000, 0]) && !isInside(photo, [-0.1, 5]));
});

const mask = (rows, sx = 0, sy = 0) => ({
  ...{ sx, sy, sw: rows[0].length, sh: rows.length, png: "png" },
  alpha: Uint8Array.from([...rows.join("")].map((c) => (c === "#" ? 255 : 0))),
});

test("an outline is one closed loop per border, holes too", () => {
  const ring = mask(["#####", "#...#", "#...#", "#####"]);
  const loops = traceOutline(ring.alpha, 5, 4);
  assert.deepEqual(loops.map((loop) => loop.length).sort((a, b) => a - b), [10, 18]);
  assert.equal(traceOutline(mask(["#.", ".#"]).alpha, 2, 2).flat().length, 8);
  assert.deepEqual(traceOutline(mask(["..", ".."]).alpha, 2, 2), []);
});

test("what is cut out already is not cut out again", () => {
  const left = subtractMasks(mask(["####"], 2, 0), [mask(["##"], 4, 0)]);
  assert.deepEqual([...left.alpha], [255, 255, 0, 0]);
  assert.equal(left.png, null, "its PNG must be made anew");
  assert.equal(subtractMasks(mask(["##"]), [mask(["###"])]), null);
  const alone = mask(["##"]);
  assert.equal(subtractMasks(alone, [mask(["##"], 0, 5)]), alone);
});

test("a mask answers in photo pixels when the scene is smaller than the photo", () => {
  const shape = mask(["#."], 10, 10);
  const photo = { scale: 0.5 };
  assert.ok(maskCovers(shape, photo, 21.9, 20));
  assert.ok(!maskCovers(shape, photo, 22, 20));
  assert.ok(!maskCovers(shape, photo, 19.9, 20));
});

test("keys", () => {
  const press = (key, held = {}) => commandFor({ key, ctrl: false, shift: false, alt: false, ...held });
  assert.equal(press("z", { ctrl: true }).name, "undo");
  assert.equal(press("Z", { ctrl: true, shift: true }).name, "redo");
  assert.deepEqual(press("ArrowLeft"), { name: "nudge", args: [-1, 0] });
  assert.deepEqual(press("ArrowDown", { shift: true }), { name: "nudge", args: [0, 10] });
  assert.equal(press("Delete").name, "remove");
  assert.equal(press("v", { ctrl: true }), null, "pasting stays the browser's");
  assert.equal(press("j"), null);
});
