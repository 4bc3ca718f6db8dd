import assert from "node:assert/strict";
import { test } from "node:test";

import { IDENTITY, apply, compose, rotation, scaling, translation } from "../../magicfixup_demo/web/model/affine.js";
import { HIT_RADIUS, handleCursor, handlesOf, hitHandle, isOnQuad } from "../../magicfixup_demo/web/arrange/handles.js";
import { close } from "./close.mjs";

const stage = { width: 800, height: 600 };
const segment = { left: 100, top: 100, width: 200, height: 150 };
const layer = { matrix: IDENTITY };
const handles = (more = {}, pointerType = "mouse", distorting = false) =>
  handlesOf({ ...segment, ...more }, layer, IDENTITY, stage, pointerType, distorting);

test("a handle is larger for a pen than for a mouse, and largest for a finger", () => {
  const corner = { kind: "scale", corner: 0 };
  for (const [pointerType, radius] of Object.entries(HIT_RADIUS)) {
    assert.deepEqual(hitHandle(handles({}, pointerType), [100 - radius + 0.5, 100], pointerType), corner);
    assert.equal(hitHandle(handles({}, pointerType), [100 - radius - 0.5, 100], pointerType), null);
  }
  assert.deepEqual(HIT_RADIUS, { mouse: 8, pen: 16, touch: 28 });
});

test("each side has a handle in its middle, unless the side is short", () => {
  const middles = [[200, 100], [300, 175], [200, 250], [100, 175]];
  middles.forEach((at, side) => assert.deepEqual(hitHandle(handles(), at, "mouse"), { kind: "stretch", side }));
  const low = handles({ height: 30 });
  assert.deepEqual(low.sides.map(Boolean), [true, false, true, false]);
});

test("a small layer keeps its middle free to drag, even for a finger", () => {
  assert.equal(hitHandle(handles({ left: 300, top: 300, width: 40, height: 40 }, "touch"), [320, 320], "touch"), null);
});

test("the turning handle stays on the stage", () => {
  for (const top of [0, 5, 450]) {
    const { rotate } = handles({ top });
    assert.ok(rotate[1] > 0 && rotate[1] < stage.height);
    assert.deepEqual(hitHandle(handles({ top }), rotate, "mouse"), { kind: "rotate" });
  }
});

test("while distorting only the corners can be had, where the distort shows them", () => {
  const distort = [[10, 20], [0, 0], [0, 0], [0, 0]];
  const bent = handlesOf(segment, { matrix: translation(5, 0), distort }, IDENTITY, stage, "mouse", true);
  assert.deepEqual(hitHandle(bent, [115, 120], "mouse"), { kind: "distort", corner: 0 });
  assert.equal(hitHandle(bent, [205, 100], "mouse"), null);
});

test("the pointer's look follows the handle as it lies on screen", () => {
  assert.equal(handleCursor(handles(), { kind: "scale", corner: 0 }), "nwse-resize");
  assert.equal(handleCursor(handles(), { kind: "scale", corner: 1 }), "nesw-resize");
  assert.equal(handleCursor(handles(), { kind: "stretch", side: 0 }), "ns-resize");
  assert.equal(handleCursor(handles(), { kind: "stretch", side: 3 }), "ew-resize");
  const turned = handlesOf(segment, { matrix: rotation(Math.PI / 2, [200, 175]) }, IDENTITY, stage);
  assert.equal(handleCursor(turned, { kind: "stretch", side: 0 }), "ew-resize");
});

test("a point is on a quad, whichever way round its corners go", () => {
  const quad = [[0, 0], [10, 0], [10, 10], [0, 10]].map((point) => apply(compose(rotation(0.3), scaling(4, 2)), point));
  const inside = apply(compose(rotation(0.3), scaling(4, 2)), [9.9, 9.9]);
  assert.ok(isOnQuad(quad, inside, 0) && isOnQuad([...quad].reverse(), inside, 0));
  const outside = apply(compose(rotation(0.3), scaling(4, 2)), [11, 5]); // 4 away from the right side
  assert.ok(!isOnQuad(quad, outside, 3.9) && isOnQuad(quad, outside, 4.1));
  close(quad[0], [0, 0]);
});
