"""The two motion models of the paper: a source frame warped towards a target frame, as a coarse edit.

Magic Fixup (arXiv 2403.13044), section 3.3: by dense optical flow, and by one similarity transform per segment. What is
asked of a pair, so that the edit shows what the target shows, moved:

- the flow is neither static nor too violent, and the warp covers at least 60 % of the picture (the paper's filters);
- of the source pixels that stay in the picture, two in five come back when the flow is followed there and back; half
  are believable: they come back, or land on their own colour (a plain surface, where flow means nothing);
- flow pairs are splatted from such pixels alone, and their specks of hole and of content are smoothed away;
- segments that their transform explains badly, or that do not look like the target where they land, are left out; so
  are the parts of a segment that do not come back and land on something else (who has left the scene);
- where two segments overlap in the target, the one that looks more like the target lies in front; else the larger
  one lies behind. Segments reach a little below their neighbours, so that no thin cracks open between them;
- the warped picture looks like the target: not more than a small part of it is another thing (a cut that was missed,
  a caption that appears, an object that enters);
- no black border has moved in (a stabiliser's).
"""

import cv2
import numpy as np

from magicfixup_demo.collage import footprint, render, segment_from_mask
from magicfixup_demo.engine.conditioning import largest_channel
from magicfixup_demo.images import to_uint8
from magicfixup_demo.pairs.flow import difference, median15
from magicfixup_demo.pairs.segments import MotionSegment, motion_segments
from magicfixup_demo.schema import CoarseEdit, Collage, Layer

LEAST_COVER = 0.6
LEAST_TRUSTED, LEAST_BELIEVABLE = 0.4, 0.5
ALIKE = 10.0  # grey levels of difference after the blur that count as the same colour
OVERLAP = 2  # pixels by which a segment reaches below the ones in front of it
CLOSED = 5  # pixels: thinner holes and specks of a flow warp are closed
UNLIKE = 28.0  # grey levels of difference after the blur that mean another thing
MOST_UNLIKE_IN_SEGMENT, MOST_UNLIKE_IN_PAIR = 0.35, 0.10
BLACK, BLACK_SHARE = 6, 0.003  # a stabiliser's border: grey levels at most, share of the picture


def warp_by_flow(source: np.ndarray, flow: np.ndarray, trusted: np.ndarray) -> CoarseEdit:
    """Splat the trusted pixels ((H, W) bool) along the median-filtered flow; faster ones lie in front; else holes."""
    height, width = flow.shape[:2]
    smooth = median15(flow)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    to_x, to_y = x + smooth[..., 0], y + smooth[..., 1]
    front = np.exp(np.clip(np.linalg.norm(smooth, axis=2) * 0.5, 0, 40))  # stands in for depth
    colour = np.zeros((height * width, 3))
    weight, cover = np.zeros(height * width), np.zeros(height * width)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        column, row = np.floor(to_x).astype(int) + dx, np.floor(to_y).astype(int) + dy
        share = np.clip(1 - abs(to_x - column), 0, 1) * np.clip(1 - abs(to_y - row), 0, 1)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height) & (share > 0) & trusted
        index = row[inside] * width + column[inside]
        heavy = (share * front)[inside]
        cover += np.bincount(index, share[inside], minlength=height * width)
        weight += np.bincount(index, heavy, minlength=height * width)
        for channel in range(3):
            colour[:, channel] += np.bincount(index, heavy * source[..., channel][inside], minlength=height * width)
    rgb = to_uint8(colour / np.maximum(weight, 1e-12)[:, None])
    return _closed(rgb.reshape(height, width, 3), (cover > 0.3).reshape(height, width))


def _closed(rgb: np.ndarray, covered: np.ndarray) -> CoarseEdit:
    """Close the thin cracks that stretching leaves (with what lies beside them), and drop lone specks."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CLOSED, CLOSED))
    closed = cv2.morphologyEx(covered.astype(np.uint8), cv2.MORPH_CLOSE, disc)
    kept = cv2.morphologyEx(closed, cv2.MORPH_OPEN, disc).astype(bool)
    filled = cv2.inpaint(rgb, (kept & ~covered).astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return CoarseEdit(rgb=np.where(kept[..., None], filled, 0).astype(np.uint8), alpha=kept.astype(np.uint8) * 255)


def warp_by_segments(
    source: np.ndarray, target: np.ndarray, flow: np.ndarray, trusted: np.ndarray, rng: np.random.Generator
) -> CoarseEdit | None:
    """Cut the source into segments that move together and make a collage of them, moved; None when nothing fits.

    trusted: (H, W) bool, where the flow may be believed. The target decides what is left out and what lies in front.
    """
    pieces = [_Piece(source, target, trusted, s) for s in motion_segments(source, flow, trusted, rng)]
    pieces = [piece for piece in pieces if piece.unlike <= MOST_UNLIKE_IN_SEGMENT and piece.mask.any()]
    if not pieces:
        return None
    height, width = trusted.shape
    ordered = _back_to_front(pieces)
    masks = [*(piece.grown for piece in ordered[:-1]), ordered[-1].mask]
    segments = [segment_from_mask(f"s{i}", mask) for i, mask in enumerate(masks)]
    layers = tuple(Layer(s.id, s.id, piece.matrix) for s, piece in zip(segments, ordered, strict=True))
    everything = segment_from_mask("rest", np.ones((height, width), bool))  # the photo itself is not kept below
    return render(source, Collage(width=width, height=height, segments=(everything, *segments), layers=layers))


class _Piece:
    """A segment where it lands: its footprint, and how unlike the target each pixel is there."""

    def __init__(self, source: np.ndarray, target: np.ndarray, trusted: np.ndarray, moved: MotionSegment):
        height, width = moved.mask.shape
        self.matrix = a, b, c, d, e, f = moved.matrix
        segment = segment_from_mask("moved", moved.mask)
        self.there = footprint(segment, Layer("there", "moved", self.matrix), width, height) >= 128
        centres = np.float64([[a, c, e + (a + c - 1) / 2], [b, d, f + (b + d - 1) / 2]])  # pixel centres lie at .5
        warped = cv2.warpAffine(source, centres, (width, height), borderMode=cv2.BORDER_REPLICATE)
        self.difference = difference(warped, target)
        self.unlike = float((self.difference[self.there] > UNLIKE).mean()) if self.there.any() else 1.0
        back = cv2.warpAffine(self.difference, centres, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        self.mask = moved.mask & ~_blobs(~trusted & (back > UNLIKE))

    @property
    def grown(self) -> np.ndarray:
        """The mask with the little that lies below its neighbours."""
        return cv2.dilate(self.mask.astype(np.uint8), np.ones((2 * OVERLAP + 1,) * 2, np.uint8)) > 0


def _blobs(wrong: np.ndarray) -> np.ndarray:
    """(H, W) bool without its specks, and with what lies close around the rest."""
    solid = cv2.morphologyEx(wrong.astype(np.uint8), cv2.MORPH_OPEN, np.ones((CLOSED, CLOSED), np.uint8))
    return cv2.dilate(solid, np.ones((2 * (OVERLAP + 3) + 1,) * 2, np.uint8)) > 0


def _back_to_front(pieces: list[_Piece]) -> list[_Piece]:
    """Largest first; then neighbours in the order change places while the overlap says so."""
    order = list(pieces)
    for _ in order:
        for i in range(len(order) - 1):
            behind, front = order[i], order[i + 1]
            both = behind.there & front.there
            if both.any() and behind.difference[both].mean() < front.difference[both].mean():
                order[i], order[i + 1] = front, behind
    return order


def covers_enough(edit: CoarseEdit) -> bool:
    """The paper's filter on the warped picture."""
    return 1 - edit.hole.mean() >= LEAST_COVER


def looks_like(edit: CoarseEdit, target: np.ndarray) -> bool:
    """Whether what the edit shows outside its holes is what the target shows there, but for a small part."""
    solid = cv2.erode((edit.alpha == 255).astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    shown = np.where(edit.hole[..., None], target, edit.rgb)  # so that the blur mixes nothing of a hole in
    return bool(solid.any()) and (difference(shown, target)[solid] > UNLIKE).mean() <= MOST_UNLIKE_IN_PAIR


def has_black_border(frame: np.ndarray) -> bool:
    """Whether black pixels hang on the picture's border, as a stabiliser leaves them."""
    black = (largest_channel(frame) <= BLACK).astype(np.uint8)
    _, pieces = cv2.connectedComponents(black, connectivity=4)
    edge = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    on_edge = np.isin(pieces, np.setdiff1d(edge, 0))
    return on_edge.mean() > BLACK_SHARE
