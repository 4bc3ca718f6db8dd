"""Photos -> reverse-synthetic pairs: which object of which photo goes where is drawn here; synthetic.py does it."""

from collections.abc import Iterator, Sequence

import numpy as np

from magicfixup_demo.pairs.options import PairOptions
from magicfixup_demo.pairs.sources import Source, read_mask, read_photo
from magicfixup_demo.pairs.synthetic import LEAST_AREA, MOST_AREA, Pair, intruder, moved_object


def photo_pairs(
    source: Source, with_masks: Sequence[Source], options: PairOptions, rng: np.random.Generator
) -> Iterator[tuple[str, Pair, dict]]:
    """(name within the photo, pair, facts); ``with_masks``: the sources whose objects may be borrowed."""
    photo = read_photo(source.path)
    height, width = photo.shape[:2]
    for i in range(options.moved_per_photo):
        mask = _object_mask(source, with_masks, width, height, rng)
        pair = moved_object(photo, mask, rng) if mask is not None else None
        if pair is not None:
            yield f"moved{i}", pair, {"kind": "moved"}
    for i in range(options.intruders_per_photo if with_masks else 0):
        other = with_masks[rng.integers(len(with_masks))]
        picture = read_photo(other.path)
        mask = read_mask(other.masks[rng.integers(len(other.masks))], picture.shape[1], picture.shape[0])
        pair = intruder(photo, picture, mask, rng)
        if pair is not None:
            yield f"intruder{i}", pair, {"kind": "intruder", "other": other.path.name}


def _object_mask(
    source: Source, with_masks: Sequence[Source], width: int, height: int, rng: np.random.Generator
) -> np.ndarray | None:
    """An object of the photo; where none is known, the shape of another photo's object cut from any content."""
    owner = source if source.masks else (with_masks[rng.integers(len(with_masks))] if with_masks else None)
    if owner is None:
        return None
    mask = read_mask(owner.masks[rng.integers(len(owner.masks))], width, height)
    return mask if LEAST_AREA < mask.mean() < MOST_AREA else None
