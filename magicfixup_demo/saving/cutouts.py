"""Each layer's object as a picture of its own, for other programs."""

import re
from collections.abc import Mapping

import numpy as np

from magicfixup_demo.foreground import own_colours
from magicfixup_demo.schema import Collage


def cutouts_of(photo: np.ndarray, collage: Collage, sources: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A name for a file -> (h, w, 4) uint8: the object as it was cut, with its own colours up to the soft edge.

    One for each layer, from back to front. photo, sources: (H, W, 3) uint8.
    """
    segments = {segment.id: segment for segment in collage.segments}
    made: dict[str, np.ndarray] = {}
    named = {}
    for number, layer in enumerate(collage.layers, 1):
        segment = segments[layer.segment_id]
        if segment.id not in made:
            colours = own_colours(sources[segment.source] if segment.source else photo, segment)
            made[segment.id] = np.dstack([colours, segment.mask])
        slug = re.sub(r"[^A-Za-z0-9]+", "-", layer.name).strip("-").lower()[:40]
        named[f"{number}-{slug}".rstrip("-")] = made[segment.id]
    return named
