// Free distort: the corners of a layer are dragged one by one. Pure: (snapshot, pointer, modifiers) -> layer.distort.

import { apply, invert } from "../model/affine.js";
import { boxOf, isSoundDistort } from "../model/collage.js";
import { isSound } from "../model/homography.js";

const FLATTEST_BY_HAND = 0.04; // of the box's area, at each corner: well before a quad folds or a corner runs to infinity
const HALVINGS = 20;
const FLAT = [0, 1, 2, 3].map(() => [0, 0]);

/**
 * The offsets after start.corner (0 to 3, clockwise from the top left) went from start.at to `to`, in photo pixels. Shift
 * keeps to one of the layer's axes, and the neighbour along it goes the other way: perspective that stays symmetric.
 * A corner stops where the shape would fold.
 */
export function distortBy(start, to, { shift } = {}) {
  const before = start.distort ?? FLAT;
  const [from, there] = [start.at, to].map((point) => apply(invert(start.matrix), point));
  const by = [there[0] - from[0], there[1] - from[1]];
  const wanted = shift ? symmetric(before, start.corner, by) : displaced(before, start.corner, by);
  return furthestSound(start.segment, before, wanted);
}

const displaced = (offsets, corner, [dx, dy]) => offsets.map(([x, y], k) => (k === corner ? [x + dx, y + dy] : [x, y]));

function symmetric(offsets, corner, [dx, dy]) {
  const along = Math.abs(dx) >= Math.abs(dy);
  const neighbour = along ? corner ^ 1 : 3 - corner;
  const by = along ? [dx, 0] : [0, dy];
  return displaced(displaced(offsets, corner, by), neighbour, by.map((value) => -value));
}

// On the straight way from `before` to `wanted`, as far as the shape allows.
function furthestSound(segment, before, wanted) {
  const roomy = (offsets) => isSound(boxOf(segment), offsets, FLATTEST_BY_HAND);
  const fits = roomy(before) ? roomy : (offsets) => isSoundDistort(segment, offsets);
  if (fits(wanted)) return wanted;
  let [good, bad] = [0, 1];
  for (let i = 0; i < HALVINGS; i++) {
    const half = (good + bad) / 2;
    if (fits(between(before, wanted, half))) good = half;
    else bad = half;
  }
  return between(before, wanted, good);
}

const between = (before, wanted, t) => before.map(([x, y], k) => [x + t * (wanted[k][0] - x), y + t * (wanted[k][1] - y)]);
