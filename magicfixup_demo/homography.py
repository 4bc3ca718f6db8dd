"""3x3 homographies for perspective; the twin of ``web/model/homography.js`` (both pass ``tests/affine_vectors.json``).

A homography is a tuple of nine numbers, row by row: ``(x, y)`` goes to ``((a x + b y + c) / w, (d x + e y + f) / w)``
with ``w = g x + h y + i``. Frame and units are those of affine.py. Quads list their corners clockwise on screen, from
the top left.
"""

from collections.abc import Sequence

from magicfixup_demo.affine import Affine, Point

Homography = tuple[float, float, float, float, float, float, float, float, float]
Quad = tuple[Point, Point, Point, Point]

FLATTEST_CORNER = 1e-3  # of the box's area: what the triangle at each corner of a distorted box spans at least, doubled


def from_affine(matrix: Affine) -> Homography:
    """The same map as nine numbers."""
    a, b, c, d, e, f = matrix
    return (a, c, e, b, d, f, 0.0, 0.0, 1.0)


def from_quads(source: Sequence[Point], target: Sequence[Point]) -> Homography:
    """The one homography that takes four corners to four others. Raises ZeroDivisionError when three are in a line."""
    return compose(_from_square(target), invert(_from_square(source)))


def compose(outer: Homography, inner: Homography) -> Homography:
    """Return the homography that applies ``inner`` first, then ``outer``."""
    return tuple(
        sum(outer[3 * row + k] * inner[3 * k + column] for k in range(3)) for row in range(3) for column in range(3)
    )


def invert(matrix: Homography) -> Homography:
    """Return the inverse. Raises ZeroDivisionError when there is none."""
    a, b, c, d, e, f, g, h, i = matrix
    cofactors = (e * i - f * h, c * h - b * i, b * f - c * e)
    det = a * cofactors[0] + d * cofactors[1] + g * cofactors[2]
    adjugate = (*cofactors, f * g - d * i, a * i - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d)
    return tuple(adjugate[3 * row + column] / det for row in range(3) for column in range(3))


def apply(matrix: Homography, point: Point) -> Point:
    """Map one point. Raises ZeroDivisionError on the line that goes to infinity."""
    a, b, c, d, e, f, g, h, i = matrix
    x, y = point
    w = g * x + h * y + i
    return ((a * x + b * y + c) / w, (d * x + e * y + f) / w)


def moved(corners: Sequence[Point], offsets: Sequence[Point]) -> Quad:
    """The corners, each displaced by its own (dx, dy)."""
    return tuple((x + dx, y + dy) for (x, y), (dx, dy) in zip(corners, offsets, strict=True))


def is_sound(corners: Sequence[Point], offsets: Sequence[Point]) -> bool:
    """Whether a box may be distorted so: still convex, not turned over, and no corner nearly flat."""
    (left, top), _, (right, bottom), _ = corners
    least = FLATTEST_CORNER * (right - left) * (bottom - top)
    quad = moved(corners, offsets)
    return all(_doubled_area(quad[k - 1], quad[k], quad[(k + 1) % 4]) >= least for k in range(4))


def _doubled_area(before: Point, corner: Point, after: Point) -> float:
    """Of the triangle; positive where the corners turn clockwise on screen."""
    (x0, y0), (x1, y1), (x2, y2) = before, corner, after
    return (x1 - x0) * (y2 - y1) - (y1 - y0) * (x2 - x1)


def _from_square(quad: Sequence[Point]) -> Homography:
    """The unit square to a quad (Heckbert 1989, section 2.2.3)."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad
    sum_x, sum_y = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    dx1, dx2, dy1, dy2 = x1 - x2, x3 - x2, y1 - y2, y3 - y2
    det = dx1 * dy2 - dx2 * dy1
    g = (sum_x * dy2 - dx2 * sum_y) / det
    h = (dx1 * sum_y - sum_x * dy1) / det
    return (x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1.0)
