"""2x3 affine matrices in DOMMatrix order; the twin of ``web/model/affine.js``: both pass ``tests/affine_vectors.json``.

A matrix is a tuple ``(a, b, c, d, e, f)`` that maps the point ``(x, y)`` to ``(a x + c y + e, b x + d y + f)``.
The frame is the photo's: pixels, origin at the top left CORNER of the top left pixel, x right, y down, so the
centre of the first pixel is ``(0.5, 0.5)``. Angles are radians, positive from x towards y (clockwise on screen).
"""

import math

Affine = tuple[float, float, float, float, float, float]
Point = tuple[float, float]

IDENTITY: Affine = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def translation(dx: float, dy: float) -> Affine:
    """Move by ``(dx, dy)``."""
    return (1.0, 0.0, 0.0, 1.0, float(dx), float(dy))


def scaling(sx: float, sy: float, centre: Point = (0.0, 0.0)) -> Affine:
    """Scale by ``sx``, ``sy`` about ``centre``; a negative factor flips."""
    return (float(sx), 0.0, 0.0, float(sy), centre[0] * (1 - sx), centre[1] * (1 - sy))


def rotation(angle: float, centre: Point = (0.0, 0.0)) -> Affine:
    """Turn by ``angle`` radians about ``centre``."""
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = centre
    return (cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y)


def compose(outer: Affine, inner: Affine) -> Affine:
    """Return the matrix that applies ``inner`` first, then ``outer``."""
    a, b, c, d, e, f = outer
    A, B, C, D, E, F = inner
    return (
        a * A + c * B,
        b * A + d * B,
        a * C + c * D,
        b * C + d * D,
        a * E + c * F + e,
        b * E + d * F + f,
    )


def determinant(matrix: Affine) -> float:
    """Signed area that the unit square is mapped to; negative when the matrix flips."""
    a, b, c, d, _, _ = matrix
    return a * d - b * c


def invert(matrix: Affine) -> Affine:
    """Return the inverse. Raises ZeroDivisionError when the matrix is singular."""
    a, b, c, d, e, f = matrix
    det = determinant(matrix)
    return (d / det, -b / det, -c / det, a / det, (c * f - d * e) / det, (b * e - a * f) / det)


def apply(matrix: Affine, point: Point) -> Point:
    """Map one point."""
    a, b, c, d, e, f = matrix
    x, y = point
    return (a * x + c * y + e, b * x + d * y + f)
