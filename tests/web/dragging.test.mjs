// Free aspect, turning with snaps, distorting and alignment: what stays, what is clamped, what comes back.
import assert from "node:assert/strict";
import { test } from "node:test";

import { IDENTITY, apply, compose, invert, rotation, scaling, translation } from "../../magicfixup_demo/web/model/affine.js";
import { centreOf, cornersOf, isSoundDistort } from "../../magicfixup_demo/web/model/collage.js";
import { distortBy } from "../../magicfixup_demo/web/arrange/distorting.js";
import { MIN_SCALE, advance, turnOf } from "../../magicfixup_demo/web/arrange/gestures.js";
import { alignedTo, linesOf } from "../../magicfixup_demo/web/arrange/guides.js";
import { close } from "./close.mjs";

const photo = { width: 600, height: 400 };
const segment = { left: 200, top: 150, width: 100, height: 80 };
const bent = [[5, 8], [-10, 4], [0, -6], [12, 0]];
const mirrored = compose(scaling(-1, 1, [250, 190]), rotation(0.7, [250, 190]));
const places = [IDENTITY, compose(translation(30, -20), rotation(0.4, [250, 190])), mirrored];
const snapshots = places.flatMap((matrix) => [null, bent].map((distort) => ({ matrix, distort, segment, photo })));
const middle = ([x, y], [u, v]) => [(x + u) / 2, (y + v) / 2];
const shown = (start, matrix) => cornersOf(segment, matrix, start.distort);

test("a side follows the pointer, the opposite side stays, and the way back leads home", () => {
  for (const snapshot of snapshots) {
    for (let side = 0; side < 4; side++) {
      const corners = shown(snapshot, snapshot.matrix);
      const sideOf = (all, k) => middle(all[k % 4], all[(k + 1) % 4]);
      const at = sideOf(corners, side);
      const axis = side % 2 === 0 ? [0, 1] : [1, 0]; // along which it goes, in the layer's own frame
      const along = snapshot.matrix.slice(0, 4);
      const step = [along[0] * axis[0] + along[2] * axis[1], along[1] * axis[0] + along[3] * axis[1]].map((v) => v * (side === 0 || side === 3 ? -17 : 17));
      const to = [at[0] + step[0], at[1] + step[1]];
      const start = { ...snapshot, kind: "stretch", side, at };
      const matrix = advance(start, to);
      const local = (m, point) => apply(invert(m), point);
      close(sideOf(shown(start, matrix), side + 2), sideOf(corners, side + 2), 1e-6);
      const k = side % 2 === 0 ? 1 : 0;
      close(local(snapshot.matrix, sideOf(shown(start, matrix), side))[k], local(snapshot.matrix, to)[k], 1e-6);
      close(advance({ ...start, matrix, at: to }, at), snapshot.matrix, 1e-6);
    }
  }
});

test("alt keeps the centre, for a side and for a corner", () => {
  for (const snapshot of snapshots) {
    for (const held of [{ kind: "stretch", side: 1 }, { kind: "scale", corner: 2 }]) {
      const matrix = advance({ ...snapshot, ...held, at: [300, 200] }, [320, 230], { alt: true });
      close(centreOf(segment, matrix, snapshot.distort), centreOf(segment, snapshot.matrix, snapshot.distort), 1e-6);
    }
  }
});

test("shift frees a corner: it goes where the pointer goes, and the opposite corner stays", () => {
  for (const snapshot of snapshots) {
    const corners = shown(snapshot, snapshot.matrix);
    const to = [corners[2][0] + 6, corners[2][1] + 9];
    const after = shown(snapshot, advance({ ...snapshot, kind: "scale", corner: 2, at: corners[2] }, to, { shift: true }));
    close(after[2], to, 1e-6);
    close(after[0], corners[0], 1e-6);
  }
});

test("a side is never pushed through the opposite one", () => {
  const matrix = advance({ matrix: IDENTITY, segment, photo, kind: "stretch", side: 1, at: [300, 190] }, [-900, 190]);
  close(matrix[0], MIN_SCALE);
});

test("turning clings to upright, shift goes in steps of 15 degrees, ctrl lets go of upright", () => {
  const start = { matrix: IDENTITY, segment, photo, at: [250, 100] };
  const pointer = (degrees) => apply(rotation((degrees * Math.PI) / 180, [250, 190]), start.at);
  const turned = (degrees, keys) => {
    const { angle, held } = turnOf(start, pointer(degrees), keys);
    return [(angle * 180) / Math.PI, held];
  };
  for (const near of [0, 90, -90]) assert.deepEqual(turned(near + 2).map(Math.round), [near, 1]);
  assert.deepEqual(turned(8).map(Math.round), [8, 0]);
  assert.deepEqual(turned(92, { ctrl: true }).map(Math.round), [92, 0]);
  assert.deepEqual(turned(38, { shift: true }).map(Math.round), [45, 1]);
  close(advance({ ...start, kind: "rotate" }, pointer(91)), rotation(Math.PI / 2, [250, 190]));
});

test("a dragged corner goes with the pointer, the others stay, and it comes back", () => {
  for (const snapshot of snapshots) {
    const corners = shown(snapshot, snapshot.matrix);
    const to = [corners[1][0] + 9, corners[1][1] - 7];
    const distort = distortBy({ ...snapshot, corner: 1, at: corners[1] }, to);
    const after = cornersOf(segment, snapshot.matrix, distort);
    close(after[1], to, 1e-6);
    for (const k of [0, 2, 3]) close(after[k], corners[k], 1e-6);
    const back = distortBy({ ...snapshot, distort, corner: 1, at: to }, corners[1]);
    close(back.flat(), (snapshot.distort ?? [0, 0, 0, 0].map(() => [0, 0])).flat(), 1e-6);
  }
});

test("with shift the neighbour mirrors the corner, along one axis", () => {
  const flat = { matrix: IDENTITY, distort: null, segment, photo, corner: 0, at: [200, 150] };
  close(distortBy(flat, [220, 155], { shift: true }).flat(), [20, 0, -20, 0, 0, 0, 0, 0]);
  close(distortBy(flat, [203, 140], { shift: true }).flat(), [0, -10, 0, 0, 0, 0, 0, 10]);
});

test("no pointer folds a layer: the corner stops where the shape would lose a corner", () => {
  for (const snapshot of snapshots) {
    for (let corner = 0; corner < 4; corner++) {
      for (const to of [[0, 0], [600, 0], [600, 400], [0, 400], [250, 190], [1e5, -1e5]]) {
        for (const shift of [false, true]) {
          const at = shown(snapshot, snapshot.matrix)[corner];
          assert.ok(isSoundDistort(segment, distortBy({ ...snapshot, corner, at }, to, { shift })));
        }
      }
    }
  }
});

const state = {
  photo,
  segments: [{ id: "s", ...segment }, { id: "t", left: 400, top: 300, width: 60, height: 40 }],
  layers: [
    { id: "a", segment: "s", matrix: IDENTITY },
    { id: "b", segment: "t", matrix: IDENTITY },
    { id: "c", segment: "t", matrix: translation(7, 3), hidden: true },
  ],
};

test("a moving layer clings to the photo's middle and to other layers' edges, and says so", () => {
  const lines = linesOf(state, "a");
  const near = (matrix, axes) => alignedTo(lines, segment, { matrix, distort: null }, 5, axes);
  const centred = near(translation(47, 0));
  close(centred.matrix, translation(50, 0));
  assert.deepEqual(centred.guides, [{ axis: 0, at: 300, from: 0, to: 400 }]);
  const beside = near(translation(163, 60)); // left edge to the other one's right would be 460; right edge 460 is near 463
  close(beside.matrix, translation(160, 60));
  assert.deepEqual(beside.guides.map(({ axis, at }) => [axis, at]), [[0, 460]]);
  assert.deepEqual(near(translation(70, 22)).guides, []);
  close(near(translation(47, 8), [1]).matrix, translation(47, 10));
});

test("neither the layer itself nor a hidden one is a guide", () => {
  const ats = linesOf(state, "a").filter(({ axis }) => axis === 0).map(({ at }) => at);
  assert.deepEqual(ats, [0, 300, 600, 400, 430, 460]);
});
