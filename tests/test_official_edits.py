"""Coarse edits of another tool (the paper's authors') go through the same engine; what the model learned shows."""

import numpy as np
import pytest

from magicfixup_demo.engine.composite import blend_weight, ring_width
from magicfixup_demo.engine.conditioning import touched_pixels
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.images import open_edit, open_photo, resize_edit
from magicfixup_demo.schema import EditOptions


@pytest.fixture(scope="module")
def engine():
    return load_engine("small", device="cpu")


@pytest.mark.parametrize("name", ["dog_beach__edit__003", "palm_tree__edit__01"])
def test_edits_of_the_papers_authors(shared_data, engine, name):
    folder = shared_data / "official_edits"
    photo = open_photo(folder / f"{name.partition('__')[0]}_og.png")
    edit = open_edit(folder / f"{name}.png")
    result = engine.fixup(photo, edit, EditOptions(steps=1))
    fitted = resize_edit(edit, photo.shape[1], photo.shape[0])
    assert result.images[0].shape == result.sdedit.shape == photo.shape
    assert result.images[0][fitted.hole].std() > 3, "the hole is filled with something"
    untouched = blend_weight(touched_pixels(photo, fitted), ring_width(*photo.shape[:2])) == 0
    assert np.array_equal(result.images[0][untouched], photo[untouched])


def test_the_trained_model_does_something_to_every_hole(repository, engine):
    """A model that returned its input would be the texture fill. (From a smooth fill it had to do more.)"""
    from magicfixup_demo.collage import render
    from magicfixup_demo.collage_json import collage_from_json

    folder = repository / "examples" / "coffee"
    photo = open_photo(folder / "photo.jpg")
    edit = render(photo, collage_from_json((folder / "collage.json").read_text()))
    result = engine.fixup(photo, edit, EditOptions(steps=1, sdedit=False))
    change = np.abs(result.images[0].astype(int) - result.coarse).mean(axis=2)
    assert change[edit.hole].mean() > 1
