// 3x3 homographies for perspective; the twin of homography.py (both pass tests/affine_vectors.json).
// Nine numbers, row by row: (x, y) goes to ((a x + b y + c) / w, (d x + e y + f) / w) with w = g x + h y + i.
// Quads list their corners clockwise on screen, from the top left. Import it whole: `import * as homography`.

const FLATTEST_CORNER = 1e-3; // of the box's area: what the triangle at each corner spans at least, doubled
const THREE = [0, 1, 2];

export const fromAffine = ([a, b, c, d, e, f]) => [a, c, e, b, d, f, 0, 0, 1];

/** The one homography that takes four corners to four others. */
export const fromQuads = (source, target) => compose(fromSquare(target), invert(fromSquare(source)));

/** Applies `inner` first, then `outer`. */
export const compose = (outer, inner) =>
  THREE.flatMap((row) => THREE.map((column) => THREE.reduce((sum, k) => sum + outer[3 * row + k] * inner[3 * k + column], 0)));

/** The inverse; throws RangeError when there is none. */
export function invert([a, b, c, d, e, f, g, h, i]) {
  const [A, B, C] = [e * i - f * h, c * h - b * i, b * f - c * e];
  const det = a * A + d * B + g * C;
  if (det === 0) throw new RangeError("singular homography");
  const adjugate = [A, B, C, f * g - d * i, a * i - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d];
  return adjugate.map((value) => value / det);
}

export function apply([a, b, c, d, e, f, g, h, i], [x, y]) {
  const w = g * x + h * y + i;
  return [(a * x + b * y + c) / w, (d * x + e * y + f) / w];
}

/** The corners, each displaced by its own [dx, dy]. */
export const moved = (corners, offsets) => corners.map(([x, y], k) => [x + offsets[k][0], y + offsets[k][1]]);

/** Whether a box may be distorted so: still convex, not turned over, and no corner flatter than that share of its area. */
export function isSound(corners, offsets, flattest = FLATTEST_CORNER) {
  const [[left, top], , [right, bottom]] = corners;
  const least = flattest * (right - left) * (bottom - top);
  const quad = moved(corners, offsets);
  return quad.every((corner, k) => doubledArea(quad[(k + 3) % 4], corner, quad[(k + 1) % 4]) >= least);
}

// Of the triangle; positive where the corners turn clockwise on screen.
const doubledArea = ([x0, y0], [x1, y1], [x2, y2]) => (x1 - x0) * (y2 - y1) - (y1 - y0) * (x2 - x1);

// The unit square to a quad (Heckbert 1989, section 2.2.3).
function fromSquare([[x0, y0], [x1, y1], [x2, y2], [x3, y3]]) {
  const [sumX, sumY] = [x0 - x1 + x2 - x3, y0 - y1 + y2 - y3];
  const [dx1, dx2, dy1, dy2] = [x1 - x2, x3 - x2, y1 - y2, y3 - y2];
  const det = dx1 * dy2 - dx2 * dy1;
  if (det === 0) throw new RangeError("three corners in a line");
  const g = (sumX * dy2 - dx2 * sumY) / det;
  const h = (dx1 * sumY - sumX * dy1) / det;
  return [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1];
}
