// 2x3 affine matrices in DOMMatrix order [a, b, c, d, e, f]; the twin of affine.py (both pass tests/affine_vectors.json).
// (x, y) goes to (a x + c y + e, b x + d y + f). Pixels, y down, origin at the corner of the top left pixel; radians.

export const IDENTITY = Object.freeze([1, 0, 0, 1, 0, 0]);

export const translation = (dx, dy) => [1, 0, 0, 1, dx, dy];

export const scaling = (sx, sy, [x, y] = [0, 0]) => [sx, 0, 0, sy, x * (1 - sx), y * (1 - sy)];

export function rotation(angle, [x, y] = [0, 0]) {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return [cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y];
}

/** The matrix that applies `inner` first, then `outer`. */
export function compose([a, b, c, d, e, f], [A, B, C, D, E, F]) {
  return [a * A + c * B, b * A + d * B, a * C + c * D, b * C + d * D, a * E + c * F + e, b * E + d * F + f];
}

/** Signed area that the unit square is mapped to; negative when the matrix flips. */
export const determinant = ([a, b, c, d]) => a * d - b * c;

/** The inverse; throws RangeError when the matrix is singular. */
export function invert(matrix) {
  const [a, b, c, d, e, f] = matrix;
  const det = determinant(matrix);
  if (det === 0) throw new RangeError("singular matrix");
  return [d / det, -b / det, -c / det, a / det, (c * f - d * e) / det, (b * e - a * f) / det];
}

export const apply = ([a, b, c, d, e, f], [x, y]) => [a * x + c * y + e, b * x + d * y + f];

export const isIdentity = (matrix) => matrix.every((value, i) => value === IDENTITY[i]);

/** How much the matrix enlarges, as one number: the side of the square that the unit square's area fills. */
export const meanScale = (matrix) => Math.sqrt(Math.abs(determinant(matrix)));
