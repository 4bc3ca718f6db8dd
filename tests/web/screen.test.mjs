import assert from "node:assert/strict";
import { test } from "node:test";

import { IDENTITY, apply } from "../../magicfixup_demo/web/affine.js";
import { HIT_RADIUS, handlesOf, hitHandle } from "../../magicfixup_demo/web/handles.js";
import { maskCovers, subtractMasks } from "../../magicfixup_demo/web/masks.js";
import { traceOutline } from "../../magicfixup_demo/web/outline.js";
import { commandFor } from "../../magicfixup_demo/web/shortcuts.js";
import { fit, isInside, viewToPhoto } from "../../magicfixup_demo/web/view.js";
import { close } from "./close.mjs";

const stage = { width: 800, height: 600 };
const segment = { left: 100, top: 100, width: 200, height: 150 };

test("the photo fits, is centred, keeps its shape, and points come back", () => {
  const photo = { width: 3000, height: 1000 };
  const view = fit(photo, stage, 10);
  close(apply(view, [1500, 500]), [400, 300]);
  close(apply(view, [0, 500])[0], 10);
  close(view[0], view[3]);
  close(viewToPhoto(view, apply(view, [123, 456])), [123, 456]);
  assert.ok(isInside(photo, [0, 0]) && !isInside(photo, [3000, 0]) && !isInside(photo, [-0.1, 5]));
});

test("a handle is larger for a finger than for a mouse", () => {
  const handles = handlesOf(segment, IDENTITY, IDENTITY, stage);
  assert.deepEqual(hitHandle(handles, [100 - 7, 100], "mouse"), { kind: "scale", corner: 0 });
  assert.equal(hitHandle(handles, [100 - 20, 100], "mouse"), null);
  assert.deepEqual(hitHandle(handles, [100 - 20, 100], "touch"), { kind: "scale", corner: 0 });
  assert.ok(HIT_RADIUS.mouse < HIT_RADIUS.pen && HIT_RADIUS.pen < HIT_RADIUS.touch);
});

test("a small layer keeps its middle free to drag, even for a finger", () => {
  const small = { left: 300, top: 300, width: 40, height: 40 };
  assert.equal(hitHandle(handlesOf(small, IDENTITY, IDENTITY, stage), [320, 320], "touch"), null);
});

test("the turning handle stays on the stage", () => {
  for (const top of [0, 5, 450]) {
    const { rotate } = handlesOf({ ...segment, top }, IDENTITY, IDENTITY, stage);
    assert.ok(rotate[1] > 0 && rotate[1] < stage.height);
    assert.deepEqual(hitHandle(handlesOf({ ...segment, top }, IDENTITY, IDENTITY, stage), rotate, "mouse"), { kind: "rotate" });
  }
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
  assert.equal(press("q"), null);
});
