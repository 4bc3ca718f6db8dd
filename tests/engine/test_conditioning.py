"""What the published network is given: hole, fill and latent mask, to the pixel."""

import numpy as np
import pytest
import torch
from PIL import Image

from magicfixup_demo.engine.codecs import LatentCodec
from magicfixup_demo.engine.conditioning import dilated_hole, fill_as_published, image_tensor, mask_tensor
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.schema import CoarseEdit, EditOptions

EDITS = ("dog_beach__edit__003", "palm_tree__edit__01")


@pytest.fixture(params=EDITS)
def recorded(parity_data, request):
    """Pictures that the published script made of one real edit, by name, and the edit."""

    def picture(name: str) -> np.ndarray:
        return np.asarray(Image.open(parity_data / "preprocess" / f"{request.param}.{name}.png"))

    rgba = picture("coarse_resized_rgba")
    return picture, CoarseEdit(rgb=rgba[..., :3], alpha=rgba[..., 3])


def test_hole_and_fill_are_the_published_scripts(recorded):
    picture, edit = recorded
    assert np.array_equal(edit.hole, picture("hole") == 255)
    assert np.array_equal(dilated_hole(edit), picture("hole_dilated7") == 255)
    filled = fill_as_published(None, edit)
    content = ~dilated_hole(edit)
    assert np.array_equal(filled[content], picture("coarse_u8_fp16")[content])
    assert np.array_equal(filled, picture("filled_fp16"))


def test_single_precision_would_be_another_picture(recorded):
    """Else the test above could not tell half precision from none."""
    picture, edit = recorded
    assert (picture("filled_fp32") != fill_as_published(None, edit)).mean() > 0.01


def test_the_engine_hands_the_published_scripts_pictures_to_the_network(recorded, monkeypatch):
    """Through the very path of the page and the command line, for a photo of the model's size."""
    picture, edit = recorded
    given = {}

    def noted(self, photo, coarse, mask, **settings):
        given.update(photo=photo, coarse=coarse, mask=mask)
        return coarse

    monkeypatch.setattr(MagicFixupPipeline, "__call__", noted)
    preset = PRESETS["magicfixup-tiny"]
    info = EngineInfo("tiny", "", "", default_steps=1, max_steps=1, samplers=("published",))
    engine = PipelineEngine(build_pipeline(preset), info, preset.fill, 1.0, preset.area, preset.multiple)
    engine.fixup(picture("ref_resized"), edit, EditOptions(steps=1, sdedit=False))
    assert torch.equal(given["photo"], image_tensor(picture("ref_resized")))
    assert torch.equal(given["coarse"], image_tensor(picture("filled_fp16")))
    assert torch.equal(given["mask"], mask_tensor(edit))


def test_a_large_picture_is_filled_at_the_models_size():
    y, x = np.mgrid[0:1100, 0:1400]
    rgb = np.dstack([x // 8, y // 6, 90 + 0 * x]).astype(np.uint8)
    alpha = np.full(rgb.shape[:2], 255, np.uint8)
    alpha[500:600, 600:760] = 0
    edit = CoarseEdit(rgb=np.where(alpha[..., None] > 0, rgb, 0).astype(np.uint8), alpha=alpha)
    filled = fill_as_published(None, edit).astype(int)
    assert np.abs(filled - rgb).max() <= 12, "a gradient goes on through its hole"
    assert np.abs(filled - rgb)[~dilated_hole(edit)].max() <= 1


def test_the_latent_mask_is_the_mean_of_each_cells_four_centre_pixels():
    """Bilinear without anti-aliasing, as the published code's torchvision did; with it, cells differ by up to 0.65."""
    alpha = np.random.default_rng(3).integers(0, 256, (64, 128), dtype=np.uint8)
    mask = mask_tensor(CoarseEdit(rgb=np.zeros((*alpha.shape, 3), np.uint8), alpha=alpha))
    latent = LatentCodec(build_pipeline(PRESETS["magicfixup-tiny"]).vae).encode_mask(mask)
    cells = mask.view(8, 8, 16, 8)[:, 3:5, :, 3:5].mean(dim=(1, 3))
    torch.testing.assert_close(latent[0, 0], cells)
