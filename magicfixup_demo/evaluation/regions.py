"""The parts of a picture that are judged apart: the hole, the moved object, the ring around both, and the rest."""

import numpy as np

from magicfixup_demo.engine.composite import crop_box, ring_width
from magicfixup_demo.engine.conditioning import dilated_hole, distance_to, moved_content, touched_pixels
from magicfixup_demo.evaluation.metrics import Regions
from magicfixup_demo.schema import CoarseEdit

REGIONS = ("whole", "hole", "object", "ring", "untouched")
LEAST_PIXELS = 64  # smaller regions say nothing


def regions_of(photo: np.ndarray, edit: CoarseEdit) -> Regions:
    """The regions of an edit by name: (H, W) bool masks that share no pixel, and None for the whole picture.

    ``hole``: the dilated hole. ``object``: content that differs from the photo, without the hole; where a camera moved
    that is nearly everything. ``ring``: not touched, but within the reach of the engine's blend (25 pixels at 512).
    ``untouched``: beyond the ring. Thin rims (conditioning.RIM) belong to none. Regions under LEAST_PIXELS are
    left out.
    """
    touched, hole = touched_pixels(photo, edit), dilated_hole(edit)
    near = distance_to(touched) < ring_width(*crop_box(touched).size)
    masks = {
        "hole": hole,
        "object": moved_content(photo, edit) & ~hole,
        "ring": near & ~touched & ~hole,
        "untouched": ~touched & ~near,
    }
    return {"whole": None} | {name: mask for name, mask in masks.items() if mask.sum() >= LEAST_PIXELS}
