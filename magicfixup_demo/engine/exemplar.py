"""Wide holes filled with texture of the photo's own: patches of it, so chosen that they agree with each other.

Completion after Wexler, Shechtman and Irani (2007), from coarse to fine: each patch that reaches into the hole looks
for its nearest neighbour among the known ones, then each pixel of the hole is voted for by the patches that cover it.
As there, patches count less the further inside they lie, so that what is known spreads inwards; and of two neighbours
that are alike the closer one is taken: sky lies beside sky. Neighbours are found exactly at the coarsest level and
by PatchMatch (Barnes et al. 2009) above it. The field found at the working size paints at any size, so a large photo
gets texture as sharp as its own.
"""

import copy
from collections.abc import Iterator

import cv2
import numpy as np

from magicfixup_demo.images import to_uint8

RADIUS = 2  # pixels; patches are 5 x 5
OFFSETS = [(dy, dx) for dy in range(-RADIUS, RADIUS + 1) for dx in range(-RADIUS, RADIUS + 1)]
RING = [i for i, (dy, dx) in enumerate(OFFSETS) if max(abs(dy), abs(dx)) == 1]
BOX = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8)
SIDES = (64, 128, 256)  # mean sides of the levels, pixels; 256 is the working size
ITERATIONS = (8, 8, 6)  # at each level; at the first for each of two guesses
REACHES = (1, 4, 16, 64)  # pixels: how far PatchMatch's random candidates lie
LEAST_SOURCES = 50  # patches; with fewer there is nothing to choose from
SOFT, SHARP = 1.0, 0.15  # widths of the votes, relative to the 75th percentile of the distances; sharp at the end
INWARD = 2.0  # a patch counts that many times less for each pixel of its level that its centre lies further inside
FAR = 25.0  # grey levels that a patch must be more alike to be taken from a whole side of the picture away
FITTING = 4  # patches whose centres make a pixel of the first guess
STRAY = 40.0  # grey levels, standard deviation: how far another seed starts from the first guess
SHADING = 40.0  # grey levels: differences much larger than that are not of light
MOST_COMPARED = 60_000_000  # pairs of patches in an exact search; beyond it PatchMatch begins at random
CHUNK = 2048  # patches compared at once in the exact search
PAINTED = 16384  # pixels painted at once: few enough for their numbers to stay in a processor's cache


def paint_texture(rgb: np.ndarray, hole: np.ndarray, sources: np.ndarray, seed: int = 0) -> np.ndarray:
    """Paint the hole with texture from elsewhere.

    rgb: (H, W, 3) uint8 with the hole filled somehow already, which is one of two first guesses. hole: (H, W) bool.
    sources: (H, W) bool, pixels that may be copied. seed: 0 starts from those guesses themselves, others stray from
    them and end with other patches. Returns (H, W, 3) uint8, equal to ``rgb`` outside the hole, and everywhere when
    there is too little to copy. The same input gives the same output.
    """
    if not hole.any():
        return rgb
    rng = np.random.default_rng(seed)
    level = None
    for side, iterations in zip(sides(hole.shape), ITERATIONS, strict=True):
        finer = Level(rgb, hole, sources, side)
        if len(finer.targets) == 0 or len(finer.sources) < LEAST_SOURCES:
            continue
        if level is None:
            level = _begun(finer, iterations, rng, stray=seed != 0)
        else:
            finer.complete(level, iterations, rng)
            level = finer
    return rgb if level is None else _paint(level, rgb, hole)


def _begun(level: "Level", iterations: int, rng: np.random.Generator, stray: bool) -> "Level":
    """The coarsest level, completed from two first guesses: the one in the end whose patches are the more alike.

    A smooth fill may carry one thing across another, which then agrees with itself and stays.
    """
    peeled = level.fork()
    peeled.peel()
    for guess in (level, peeled):
        if stray:
            guess.stray(rng)
        guess.complete(None, iterations, rng)
    return min(level, peeled, key=Level.disagreement)


class Level:
    """One size of the pyramid. Pixels are flat indices into a picture with RADIUS pixels of border on each side.

    ``targets`` (T,): centres of the patches that reach into the hole; ``nearest`` (T,): the centre of the known patch
    that each is most like; ``distance`` (T,): between the two, squared; ``certainty`` (T,): 1 beside the hole, less in
    it.
    """

    def __init__(self, rgb: np.ndarray, hole: np.ndarray, sources: np.ndarray, side: float):
        scale = side / (hole.shape[0] * hole.shape[1]) ** 0.5
        size = tuple(max(8, round(length * scale)) for length in hole.shape[::-1])

        def shrink(values: np.ndarray) -> np.ndarray:
            return cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)

        unknown, usable = shrink(hole) > 0.25, shrink(sources & ~hole) > 0.98
        border = [RADIUS] * 4
        self.picture = cv2.copyMakeBorder(shrink(rgb), *border, cv2.BORDER_REFLECT_101)
        self.height, self.width = self.picture.shape[:2]
        self.steps = np.array([dy * self.width + dx for dy, dx in OFFSETS])
        self.pixels = self.picture.reshape(-1, 3)  # a view: what is voted is seen in the picture
        pad = ((RADIUS, RADIUS), (RADIUS, RADIUS))
        self.unknown = np.flatnonzero(np.pad(unknown, pad))
        known = cv2.erode(np.pad(usable, pad).astype(np.uint8), BOX, borderValue=0)
        self.sources = np.flatnonzero(known)
        reached = np.pad(cv2.dilate(unknown.astype(np.uint8), BOX), pad)
        self.targets = np.flatnonzero(reached)
        self.target_at, self.source_at = (_inverse(chosen, known.size) for chosen in (self.targets, self.sources))
        depth = cv2.distanceTransform(np.pad(unknown, pad).astype(np.uint8), cv2.DIST_L2, 5)
        self.certainty = (INWARD ** -depth.reshape(-1)[self.targets]).astype(np.float32)
        self.farness = FAR * (3 * len(OFFSETS)) ** 0.5 / np.array(size[::-1])  # of a pixel's step, as colours count
        self.patches = self._gather(self.sources)  # known pixels, so these never change

    @property
    def inside(self) -> np.ndarray:
        """The picture without its border, (h, w, 3) float32."""
        return self.picture[RADIUS:-RADIUS, RADIUS:-RADIUS]

    def fork(self) -> "Level":
        """The same level, to be completed otherwise."""
        other = copy.copy(self)
        other.picture = self.picture.copy()
        other.pixels = other.picture.reshape(-1, 3)
        return other

    def disagreement(self) -> float:
        """How little the patches in the hole are like their neighbours, in all."""
        self._measure()
        return float(self.distance.sum())

    def peel(self) -> None:
        """A first guess: ring by ring from the border inwards, each pixel as where what is known around it fits."""
        known = np.zeros((self.height, self.width), bool)
        known[RADIUS:-RADIUS, RADIUS:-RADIUS] = True
        known = known.reshape(-1)
        known[self.unknown] = False
        squares, left = np.square(self.patches), self.unknown
        while len(left):  # sources are known, so each round finds a ring
            seen = known[left[:, None] + self.steps]
            reached = seen[:, RING].any(1)
            ring, seen, left = left[reached], seen[reached], left[~reached]
            weights = np.hstack([np.repeat(seen, 3, axis=1), np.repeat(seen.mean(1, keepdims=True), 2, axis=1)])
            weights = weights.astype(np.float32)
            costs = weights @ squares.T - 2 * (weights * self._gather(ring)) @ self.patches.T
            fitting = np.argpartition(costs, FITTING, axis=1)[:, :FITTING]
            self.pixels[ring] = self.pixels[self.sources[fitting]].mean(axis=1)
            known[ring] = True

    def stray(self, rng: np.random.Generator) -> None:
        """Begin from another guess: the search would find the same neighbours again from the same one."""
        self.pixels[self.unknown] += rng.normal(0, STRAY, (len(self.unknown), 3)).astype(np.float32)

    def complete(self, coarser: "Level | None", iterations: int, rng: np.random.Generator) -> None:
        """Find neighbours and vote, ``iterations`` times; starts from the coarser level's answer where there is one."""
        if coarser is not None:
            self._adopt(coarser, rng)
        for i in range(iterations):
            if coarser is None:
                self._search_all()
            else:
                self._search(rng)
            self._vote(SOFT if i < iterations - 1 else SHARP)

    def follow(self, coarser: "Level | None", rng: np.random.Generator, iterations: int) -> None:
        """Find neighbours of the patches as they stand in the hole, which nothing changes."""
        if coarser is not None:
            self._move_on(coarser, rng)
        elif len(self.targets) * len(self.sources) <= MOST_COMPARED:
            self._search_all()
        else:
            self.nearest = rng.choice(self.sources, len(self.targets))
        for _ in range(iterations):
            self._search(rng)

    def weights(self, width: float) -> np.ndarray:
        """How much each target patch counts in a vote, (T,)."""
        typical = max(float(np.percentile(self.distance, 75)), 1e-3)
        return self.certainty * (np.exp(-self.distance / (2 * width * typical)).astype(np.float32) + 1e-8)

    def _adopt(self, coarser: "Level", rng: np.random.Generator) -> None:
        """Take over the coarser level's picture and neighbours; patches that have none there get a random one."""
        height, width = self.inside.shape[:2]
        guess = cv2.resize(coarser.inside, (width, height), interpolation=cv2.INTER_LINEAR)
        self.pixels[self.unknown] = np.pad(guess, ((RADIUS,) * 2, (RADIUS,) * 2, (0, 0))).reshape(-1, 3)[self.unknown]
        self._move_on(coarser, rng)
        self._measure()
        self._vote(SOFT)

    def _move_on(self, coarser: "Level", rng: np.random.Generator) -> None:
        """The coarser level's neighbours as a beginning."""
        height, width = self.inside.shape[:2]
        row, column = (place - RADIUS for place in np.divmod(self.targets, self.width))
        scale_y, scale_x = height / coarser.inside.shape[0], width / coarser.inside.shape[1]
        parent = coarser.target_at[coarser.place((row + 0.5) / scale_y, (column + 0.5) / scale_x)]
        down, right = coarser.moves()
        row += np.rint(down[parent] * scale_y).astype(np.int64)
        column += np.rint(right[parent] * scale_x).astype(np.int64)
        self.nearest = self.place(row, column)
        lost = (parent < 0) | (self.source_at[self.nearest] < 0)
        self.nearest[lost] = rng.choice(self.sources, int(lost.sum()))

    def place(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Flat indices of rows and columns (without the border), clipped to the picture."""
        height, width = self.inside.shape[:2]
        row, column = (np.clip(v.astype(np.int64), 0, most - 1) for v, most in ((row, height), (column, width)))
        return (row + RADIUS) * self.width + column + RADIUS

    def moves(self) -> tuple[np.ndarray, np.ndarray]:
        """(rows, columns) from each target to its nearest neighbour, (T,) each."""
        (y, x), (to_y, to_x) = (np.divmod(places, self.width) for places in (self.targets, self.nearest))
        return to_y - y, to_x - x

    def _search_all(self) -> None:
        """Exact neighbours, by |a - b|^2 = |a|^2 - 2 ab + |b|^2."""
        wanted = self._gather(self.targets)
        lengths = np.square(self.patches).sum(1)
        chosen = [
            (lengths - 2 * (wanted[start : start + CHUNK] @ self.patches.T)).argmin(1)
            for start in range(0, len(wanted), CHUNK)
        ]
        self.nearest = self.sources[np.concatenate(chosen)]
        self._measure()

    def _search(self, rng: np.random.Generator) -> None:
        """PatchMatch: try the neighbours' neighbours, then random places around the present one."""
        self._measure()
        for step in (1, -1, self.width, -self.width):
            beside = self.target_at[np.clip(self.targets + step, 0, len(self.target_at) - 1)]
            self._try(np.where(beside >= 0, self.nearest[beside] - step, -1))
        for reach in REACHES:
            down, right = rng.integers(-reach, reach + 1, (2, len(self.targets)))
            column = self.nearest % self.width + right
            inside = (column >= 0) & (column < self.width)
            self._try(np.where(inside, self.nearest + down * self.width + right, -1))

    def _try(self, candidates: np.ndarray) -> None:
        inside = (candidates >= 0) & (candidates < len(self.source_at)) & (candidates != self.nearest)
        source = self.source_at[np.where(inside, candidates, 0)]
        tried = np.flatnonzero(inside & (source >= 0))
        distance = np.square(self.wanted[tried] - self.patches[source[tried]]).sum(1)
        better = distance < self.distance[tried]
        chosen = tried[better]
        self.nearest[chosen], self.distance[chosen] = candidates[chosen], distance[better]

    def _measure(self) -> None:
        self.wanted = self._gather(self.targets)
        self.distance = np.square(self.wanted - self.patches[self.source_at[self.nearest]]).sum(1)

    def shading(self) -> np.ndarray:
        """(h, w, 3) float32, to be added in the hole: a patch from a lighter place brings its light with it.

        Beside the hole the votes are compared with what is known there; the difference is carried inwards smoothly
        (a membrane, as in Poisson cloning). Large differences are edges that do not meet, and are left alone.
        """
        beside = np.setdiff1d(self.targets, self.unknown)
        values = np.zeros((self.height * self.width, 3), np.float32)
        values[beside] = self.pixels[beside] - self._voted(beside, SHARP)
        trust = np.zeros(self.height * self.width, np.float32)
        trust[beside] = np.exp(-np.square(values[beside]).max(axis=1) / SHADING**2)
        shape = (self.height, self.width)
        field = spread(values.reshape(*shape, 3), trust.reshape(shape))
        return field[RADIUS:-RADIUS, RADIUS:-RADIUS]

    def _vote(self, width: float) -> None:
        self.pixels[self.unknown] = self._voted(self.unknown, width)

    def _voted(self, places: np.ndarray, width: float) -> np.ndarray:
        """What the patches that cover some pixels say of them: (P,) -> (P, 3)."""
        weights = self.weights(width)
        total, colour = np.zeros(len(places), np.float32), np.zeros((len(places), 3), np.float32)
        for step in self.steps:
            voter = self.target_at[np.clip(places - step, 0, len(self.target_at) - 1)]
            weight = np.where(voter >= 0, weights[voter], 0)
            colour += weight[:, None] * self.pixels[np.where(voter >= 0, self.nearest[voter] + step, 0)]
            total += weight
        return colour / total[:, None]

    def _gather(self, centres: np.ndarray) -> np.ndarray:
        """Patches as rows, with their places as two more values, (N, 77)."""
        colours = self.pixels[centres[:, None] + self.steps].reshape(len(centres), 3 * len(OFFSETS))
        places = np.stack(np.divmod(centres, self.width), 1) * self.farness
        return np.hstack([colours, places.astype(np.float32)])


def sides(shape: tuple[int, int]) -> list[float]:
    """The levels' sides; a picture smaller than the working size is not enlarged."""
    scale = min(1.0, (shape[0] * shape[1]) ** 0.5 / SIDES[-1])
    return [side * scale for side in SIDES]


def _inverse(chosen: np.ndarray, size: int) -> np.ndarray:
    """(size,) the position of each index in ``chosen``, -1 where it is absent."""
    result = np.full(size, -1, np.int64)
    result[chosen] = np.arange(len(chosen))
    return result


def _paint(level: Level, rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Vote for the hole's pixels at the size of ``rgb``, with the neighbours found at the level's size."""
    height, width = hole.shape
    shading = cv2.resize(level.shading(), (width, height), interpolation=cv2.INTER_LINEAR).reshape(-1, 3)
    painted = rgb.copy()
    pixels = painted.reshape(-1, 3)
    for places, colour in voted(level, rgb, hole, level.weights(SHARP)):
        pixels[places] = to_uint8(colour + shading[places])
    return painted


def voted(
    level: Level,
    picture: np.ndarray,
    hole: np.ndarray,
    weights: np.ndarray,
    offsets: list[tuple[int, int]] = OFFSETS,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What the patches say of the hole's pixels, some at a time: flat places (P,) and values (P, C).

    picture: (H, W, C), of any size; hole: (H, W) bool of that size; weights: (T,) of the level's targets; offsets: of
    the patches that may vote for a pixel. Pixels that no patch covers are left out.
    """
    height, width = hole.shape
    scale_y, scale_x = height / level.inside.shape[0], width / level.inside.shape[1]
    down, right = level.moves()
    moves = np.rint(down * scale_y).astype(np.int64), np.rint(right * scale_x).astype(np.int64)
    places = np.flatnonzero(hole)
    for some in np.split(places, range(PAINTED, len(places), PAINTED)):
        total, values = _votes(level, picture, hole, some, moves, weights, offsets)
        said = total > 0
        yield some[said], values[said] / total[said, None]


def _votes(
    level: Level,
    picture: np.ndarray,
    hole: np.ndarray,
    places: np.ndarray,
    moves: tuple[np.ndarray, np.ndarray],
    weights: np.ndarray,
    offsets: list[tuple[int, int]],
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (P,) and weighted values (P, C) of what the patches say of some pixels of ``picture``.

    places: (P,) flat indices; moves: (rows, columns) of ``picture`` from each target to its neighbour; weights: (T,).
    """
    height, width = hole.shape
    row, column = np.divmod(places, width)
    y, x = (row + 0.5) / (height / level.inside.shape[0]), (column + 0.5) / (width / level.inside.shape[1])
    cell, unknown, pixels = level.place(y, x), hole.reshape(-1), picture.reshape(height * width, -1)
    reach = range(-RADIUS, RADIUS + 1)  # nearness: so that no cell of the level shows as a square
    near_y, near_x = ({step: _bell(place % 1 - 0.5 + step) for step in reach} for place in (y, x))
    total, values = np.zeros(len(places), np.float32), np.zeros((len(places), pixels.shape[1]), np.float32)
    for dy, dx in offsets:
        voter = level.target_at[cell - dy * level.width - dx]
        from_y = np.clip(row + moves[0][voter], 0, height - 1)
        source = from_y * width + np.clip(column + moves[1][voter], 0, width - 1)
        weight = np.where((voter >= 0) & ~unknown[source], weights[voter] * (near_y[dy] * near_x[dx]), 0)
        values += weight[:, None] * pixels[source]
        total += weight
    return total, values


def spread(values: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """Fill a field (h, w, 3) from where it is trusted (h, w), by averages of coarser and coarser copies (pull-push)."""
    height, width = trust.shape
    known = trust[..., None]
    if min(height, width) <= 2:
        return np.broadcast_to((values * known).sum((0, 1)) / max(known.sum(), 1e-6), values.shape).astype(np.float32)
    size = ((width + 1) // 2, (height + 1) // 2)
    share = cv2.resize(trust, size, interpolation=cv2.INTER_AREA)
    mean = (
        cv2.resize(values * trust[..., None], size, interpolation=cv2.INTER_AREA) / np.maximum(share, 1e-6)[..., None]
    )
    coarser = cv2.resize(spread(mean, np.minimum(share * 4, 1)), (width, height), interpolation=cv2.INTER_LINEAR)
    return values * known + coarser * (1 - known)


def _bell(distance: np.ndarray) -> np.ndarray:
    """Falls from 1 at a patch's centre to nearly 0 at its edge; distance in pixels of the level."""
    return np.exp(-0.5 * np.square(distance.astype(np.float32)))
