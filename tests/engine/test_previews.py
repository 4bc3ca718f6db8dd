"""Previews show where a run is heading, lie where the crop lies, and leave the result alone."""

import numpy as np
import pytest
import torch

from magicfixup_demo.engine.composite import Box
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.previews import Canvas, colour_map, to_colours


def test_colours_that_are_a_linear_map_of_the_latent_are_found_again():
    random = torch.Generator().manual_seed(0)
    latent = torch.randn(1, 4, 8, 8, generator=random)
    wanted = to_colours(torch.randn(5, 3, generator=random), latent)  # (1, 3, 8, 8)
    photo = wanted.repeat_interleave(8, -1).repeat_interleave(8, -2)
    torch.testing.assert_close(to_colours(colour_map(latent, photo), latent), wanted, atol=1e-4, rtol=1e-4)


def test_a_photo_of_one_colour_has_a_map_too():
    shown = to_colours(colour_map(torch.ones(1, 4, 8, 8), torch.full((1, 3, 64, 64), 0.3)), torch.ones(1, 4, 8, 8))
    torch.testing.assert_close(shown, torch.full((1, 3, 8, 8), 0.3))


@pytest.mark.parametrize("preset", ["tiny", "magicfixup-tiny"])
def test_each_step_but_the_last_is_shown_and_nothing_changes(preset):
    torch.manual_seed(0)
    pipeline = build_pipeline(PRESETS[preset])
    pipeline.set_progress_bar_config(disable=True)
    photo = torch.rand(1, 3, 64, 128) * 2 - 1
    settings = {"steps": 3, "strength": 0.5}
    shown: list[torch.Tensor] = []

    def run(preview=None):
        generator = torch.Generator().manual_seed(0)
        return pipeline(photo, photo, torch.ones(1, 1, 64, 128), generator=generator, preview=preview, **settings)

    assert torch.equal(run(shown.append), run())
    assert len(shown) == 2
    assert all(picture.shape[1] == 3 and picture.shape[-1] == 2 * picture.shape[-2] for picture in shown)
    if preset == "tiny":  # untrained it predicts the coarse edit itself
        torch.testing.assert_close(shown[0], photo, atol=1e-5, rtol=0)


def test_a_preview_lies_in_its_crop_of_the_shrunken_photo():
    photo = np.full((1024, 2048, 3), 50, np.uint8)
    sent: list[np.ndarray] = []
    Canvas(photo, Box(1024, 512, 2048, 1024), sent.append)(torch.ones(1, 3, 16, 32))
    (picture,) = sent
    assert picture.shape == (362, 724, 3)
    assert (picture[181:, 362:] == 255).all()
    assert (picture[:181] == 50).all() and (picture[:, :362] == 50).all()
