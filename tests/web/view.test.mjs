import assert from "node:assert/strict";
import { test } from "node:test";

import { apply } from "../../magicfixup_demo/web/model/affine.js";
import { freeCorner } from "../../magicfixup_demo/web/arrange/view_controls.js";
import { wheelOf } from "../../magicfixup_demo/web/arrange/viewing.js";
import { soleChange } from "../../magicfixup_demo/web/canvas/picture.js";
import * as look from "../../magicfixup_demo/web/canvas/view.js";
import { close } from "./close.mjs";

const photo = { width: 3000, height: 2000 };
const stage = { width: 800, height: 600 };
const frame = [photo, stage, 10];
const fitted = look.fit(...frame);

// Pointers on the photo, at different zooms and places.
const cases = [1, 1.7, 5, 30].flatMap((zoom) => [[400, 300], [120, 180], [700, 450]].map((point) => [zoom, point]));

test("zooming keeps the photo point under the pointer, in and back out", () => {
  for (const [zoom, point] of cases) {
    const view = look.zoomed(fitted, zoom, point, ...frame);
    close(look.viewToPhoto(view, point), look.viewToPhoto(fitted, point), 1e-6);
    const closer = look.zoomed(view, 1.3, [410, 290], ...frame);
    close(look.viewToPhoto(closer, [410, 290]), look.viewToPhoto(view, [410, 290]), 1e-6);
    close(look.zoomed(view, 1 / zoom, point, ...frame), fitted, 1e-6);
  }
});

test("the zoom stays between half the fit and 16 times the photo's pixel, and at a limit nothing slides", () => {
  close(look.zoomed(fitted, 1e-6, [0, 0], ...frame)[0], fitted[0] / 2);
  const most = look.zoomed(fitted, 1e6, [500, 300], ...frame);
  close(most[0], look.MOST_SCALE);
  close(look.zoomed(most, 2, [100, 500], ...frame), most);
});

test("panning never loses the photo, and never moves one that is fitted", () => {
  for (const [zoom, point] of cases) {
    for (const [dx, dy] of [[1e5, 0], [-1e5, 0], [1e5, -1e5], [0, 1e5]]) {
      const view = look.panned(look.zoomed(fitted, zoom, point, ...frame), dx, dy, ...frame);
      const [[x0, y0], [x1, y1]] = [[0, 0], [photo.width, photo.height]].map((corner) => apply(view, corner));
      const across = Math.min(x1, stage.width) - Math.max(x0, 0);
      const down = Math.min(y1, stage.height) - Math.max(y0, 0);
      assert.ok(across >= 0.4 * stage.width && down >= 0.4 * stage.height, `${zoom} ${[dx, dy]}: ${across} x ${down}`);
    }
  }
  close(look.panned(fitted, 50, 70, ...frame), fitted);
});

test("a pan goes with the pointer and back", () => {
  const view = look.zoomed(fitted, 6, [400, 300], ...frame);
  const there = look.panned(view, 30, -20, ...frame);
  close(there.slice(4), [view[4] + 30, view[5] - 20]);
  close(look.panned(there, -30, 20, ...frame), view);
});

test("two fingers keep the photo points that they touch", () => {
  const from = [[300, 250], [500, 350]];
  const to = [[280, 240], [560, 380]];
  const view = look.pinched(fitted, from, to, ...frame);
  const spot = look.viewToPhoto(fitted, [400, 300]);
  close(apply(view, spot), [420, 310], 1e-6);
  close(view[0] / fitted[0], 1.4, 1e-6);
});

test("a camera is the view again, also on a stage of another size", () => {
  const view = look.zoomed(fitted, 4, [500, 200], ...frame);
  const camera = look.cameraOf(view, stage);
  close(look.viewOf(camera, stage), view);
  const wider = { width: 1000, height: 500 };
  const again = look.viewOf(camera, wider);
  close(again[0], view[0]);
  close(look.viewToPhoto(again, [500, 250]), look.viewToPhoto(view, [400, 300]));
});

test("the wheel zooms, with shift it pans, and two fingers on a trackpad are finer", () => {
  const wheel = (more) => wheelOf({ deltaX: 0, deltaY: 0, deltaMode: 0, ctrlKey: false, shiftKey: false, ...more });
  close(wheel({ deltaY: -100 }).zoom, 1.2);
  close(wheel({ deltaY: 100 }).zoom, 1 / 1.2);
  close(wheel({ deltaY: -3, deltaMode: 1 }).zoom, wheel({ deltaY: -99 }).zoom);
  assert.ok(wheel({ deltaY: -5, ctrlKey: true }).zoom > wheel({ deltaY: -5 }).zoom);
  assert.deepEqual(wheel({ deltaY: 40, shiftKey: true }).pan, [-40, 0]);
  assert.deepEqual(wheel({ deltaX: 30, deltaY: 2 }).pan, [-30, 0]);
  assert.ok(wheel({ deltaY: -1e6 }).zoom < 2);
});

test("the buttons stand where no handle is", () => {
  const size = { width: 160, height: 36 };
  assert.equal(freeCorner([], stage, size), "bottom-right");
  assert.equal(freeCorner([[790, 590]], stage, size), "bottom-left");
  assert.equal(freeCorner([[640, 560], [10, 590]], stage, size), "top-right");
  assert.equal(freeCorner([[790, 590], [10, 590], [790, 5]], stage, size), "bottom-right");
  assert.equal(freeCorner([[610, 590], [790, 540]], stage, size), "bottom-right", "beside it is free");
});

test("one layer that changed is told from every other change", () => {
  const [a, b] = [{ id: "a" }, { id: "b" }];
  const state = { photo, sources: [], segments: [], layers: [a, b] };
  assert.equal(soleChange(state, { ...state, layers: [a, { ...b }] }), 1);
  for (const other of [{}, { layers: [{ ...a }, { ...b }] }, { layers: [b, a] }, { layers: [a] }, { segments: [] }, { photo: { ...photo } }]) {
    assert.equal(soleChange(state, { ...state, ...other }), -1);
  }
});
