"""Several variants of the small model, with its real weights."""

import numpy as np
import pytest

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.plate import lifted, removed_objects
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.images import open_photo
from magicfixup_demo.limits import sample_seed
from magicfixup_demo.schema import EditOptions


@pytest.fixture(scope="module")
def coffee(repository):
    folder = repository / "examples" / "coffee"
    photo = open_photo(folder / "photo.jpg")
    return photo, render(photo, collage_from_json((folder / "collage.json").read_text("utf-8")))


def test_variants_are_the_single_runs_of_their_seeds(coffee):
    """Each is a picture to choose: other ground where objects were lifted, and elsewhere the same pixels."""
    photo, edit = coffee
    engine = load_engine("small", device="cpu")
    variants = engine.fixup(*coffee, EditOptions(seed=3, samples=3, sdedit=False))
    for i in range(3):
        engine.forget()
        again = engine.fixup(*coffee, EditOptions(seed=sample_seed(3, i), sdedit=False))
        np.testing.assert_array_equal(variants.images[i], again.images[0])
    found = lifted(removed_objects(edit.collage))
    for first, second in ((0, 1), (0, 2), (1, 2)):
        apart = np.abs(variants.images[first].astype(int) - variants.images[second])
        assert apart[edit.hole].mean() > 2
        assert not apart[~found].any()
