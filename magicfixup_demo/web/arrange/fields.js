// A layer's matrix as numbers that people type, and back. Pure.
//   matrix = move · turn(angle) · shear · scale, about the centre of the segment's box; a mirrored layer is one whose
//   width runs the other way. Setting one number leaves the others (and the shear) as they are.

import { compose, determinant, rotation, scaling, translation } from "../model/affine.js";
import { centreOf } from "../model/collage.js";
import { MAX_SCALE, MIN_SCALE } from "./gestures.js";

const DEGREES = 180 / Math.PI;
const SMALLEST_SIDE = 1; // photo pixels

/**
 * { x, y, width, height, angle, mirrored }: the centre and the sides in photo pixels, the turn in degrees clockwise
 * from -180 to 180.
 */
export function decompose(segment, matrix) {
  const [a, b, c, d] = matrix;
  const mirrored = determinant(matrix) < 0;
  const [x, y] = centreOf(segment, matrix);
  const side = Math.hypot(a, b);
  const angle = (mirrored ? Math.atan2(-b, -a) : Math.atan2(b, a)) * DEGREES;
  return { x, y, width: side * segment.width, height: (Math.abs(a * d - b * c) / side) * segment.height, angle, mirrored };
}

/** The matrix after one field (x, y, width, height or angle) has been set. `linked` keeps the sides' ratio. */
export function setField(segment, matrix, field, value, linked = false) {
  const now = decompose(segment, matrix);
  if (field === "x") return compose(translation(value - now.x, 0), matrix);
  if (field === "y") return compose(translation(0, value - now.y), matrix);
  if (field === "angle") return compose(rotation((value - now.angle) / DEGREES, [now.x, now.y]), matrix);
  const factor = within(value, segment[field]) / now[field];
  const [fx, fy] = linked ? [factor, factor] : field === "width" ? [factor, 1] : [1, factor];
  const middle = [segment.left + segment.width / 2, segment.top + segment.height / 2];
  return compose(matrix, scaling(fx, fy, middle));
}

/** The nearest side that a layer may have: not so small that it is lost, nor larger than the handles allow. */
const within = (side, own) => Math.min(Math.max(side, SMALLEST_SIDE, own * MIN_SCALE), own * MAX_SCALE);
