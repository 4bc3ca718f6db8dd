"""Which picture files are too much work before they are a picture, and that no honest one is."""

import io

import numpy as np
import pytest
from PIL import Image

from magicfixup_demo.containers import is_excessive
from tests.fuzz import bombs, seeds

EXCESSIVE = ["values of a TIFF that overlap", "values of a JPEG's EXIF that overlap", "a JPEG filled up"]
EXCESSIVE += ["a JPEG of many comments", "a JPEG of many scans", "a PNG of many chunks", "a GIF's comment"]
EXCESSIVE += ["a BMP of ends of lines", "a BMP of single pixels", "a large tile"]


@pytest.mark.parametrize("name", EXCESSIVE)
def test_bombs_are_told(name):
    assert is_excessive(bombs.BOMBS[name]())


def test_ordinary_files_are_not():
    assert not [data[:40] for data in seeds.pictures() + seeds.foreign() + seeds.saved() if is_excessive(data)]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"progressive": True, "quality": 95, "icc_profile": bytes(500_000)}),
        ("PNG", {"compress_level": 1}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"tiffinfo": {270: "x" * 200_000}}),
        ("GIF", {"comment": b"x" * 20_000, "optimize": False}),
        ("BMP", {}),
    ],
)
def test_large_honest_files_are_not(kind, options):
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, kind, **options)
    assert not is_excessive(buffer.getvalue())


def test_what_is_cut_off_is_for_pillow_to_judge():
    for data in seeds.pictures():
        assert not any(is_excessive(data[:end]) for end in range(0, min(len(data), 400), 7))
