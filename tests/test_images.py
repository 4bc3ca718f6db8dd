"""Opening, fitting and saving real files of every kind that users have."""

import io
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from magicfixup_demo.errors import EditError, PhotoError
from magicfixup_demo.images import (
    fitted_size,
    open_edit,
    open_photo,
    png_bytes,
    resize,
    resize_edit,
    save_png,
)
from magicfixup_demo.schema import CoarseEdit

ORIENTATION = 274  # the EXIF tag


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def picture(photo) -> Image.Image:
    return Image.fromarray(photo)


# --- photos -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_lossless_files_open_exactly(picture, photo, kind, options):
    assert np.array_equal(open_photo(encoded(picture, kind, **options)), photo)


def test_a_jpeg_opens_from_a_path_whatever_its_name(tmp_path, smooth_photo):
    path = tmp_path / "photo.of.something.txt"
    path.write_bytes(encoded(Image.fromarray(smooth_photo), "JPEG", quality=95))
    assert np.abs(open_photo(path).astype(int) - smooth_photo).mean() < 3


def test_twelve_megapixels_open():
    assert open_photo(encoded(Image.new("RGB", (4000, 3000), (9, 8, 7)), "JPEG")).shape == (3000, 4000, 3)


def test_cmyk_becomes_rgb():
    opened = open_photo(encoded(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "JPEG"))
    assert opened.shape == (40, 40, 3)
    assert opened[20, 20, 0] > 200 and opened[20, 20, 1:].max() < 60  # red


def test_lab_becomes_rgb():
    opened = open_photo(encoded(Image.new("LAB", (40, 40), (128, 128, 128)), "TIFF"))
    assert opened.shape == (40, 40, 3) and (np.ptp(opened, axis=2) <= 2).all() and 110 < opened.mean() < 130


def test_grayscale_becomes_three_equal_channels():
    opened = open_photo(encoded(Image.new("L", (40, 40), 77), "PNG"))
    assert (opened == 77).all() and opened.shape == (40, 40, 3)


@pytest.mark.parametrize(("value", "expected"), [(65535, 255), (32768, 128), (257, 1), (200, 1), (0, 0)])
def test_sixteen_bit_grey_keeps_its_range(value, expected):
    assert (open_photo(encoded(Image.fromarray(np.full((40, 40), value, np.uint16)), "PNG")) == expected).all()


def test_sixteen_bit_grey_with_a_transparent_value_opens_over_white():
    values = np.full((40, 40), 1000, np.uint16)
    values[:20] = 40000
    data = encoded(Image.fromarray(values), "PNG", transparency=1000)
    opened = open_photo(data)
    assert (opened[20:] == 255).all() and (opened[:20] == 156).all()
    assert np.array_equal(open_edit(data).hole, values == 1000)


@pytest.mark.parametrize(("high", "dtype"), [(1.0, np.float32), (255.0, np.float32), (65535, np.int32)])
def test_other_deep_greys_use_their_range(high, dtype):
    values = np.zeros((40, 40), dtype)
    values[:20] = high
    opened = open_photo(encoded(Image.fromarray(values), "TIFF"))
    assert (opened[:20] == 255).all() and (opened[20:] == 0).all()


def test_a_float_picture_with_nan_opens():
    values = np.full((40, 40), 0.5, np.float32)
    values[0, 0], values[0, 1] = np.nan, np.inf
    opened = open_photo(encoded(Image.fromarray(values), "TIFF"))
    assert (opened[1:] == 128).all()


def test_a_palette_becomes_its_colours(picture):
    palette = picture.quantize(16)
    assert np.array_equal(open_photo(encoded(palette, "PNG")), np.asarray(palette.convert("RGB")))


def test_black_and_white_opens():
    assert (open_photo(encoded(Image.new("1", (40, 40), 1), "PNG")) == 255).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_over_white(mode):
    opened = open_photo(encoded(Image.new("RGBA", (40, 40), (0, 0, 0, 128)).convert(mode), "PNG"))
    assert (opened == 127).all()


def test_a_transparent_palette_colour_is_laid_over_white():
    palette = Image.new("P", (40, 40), 0)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.paste(1, (0, 0, 40, 20))
    opened = open_photo(encoded(palette, "PNG", transparency=0))
    assert (opened[20:] == 255).all() and (opened[0, 0] == (200, 100, 50)).all()


def test_a_transparent_rgb_colour_is_laid_over_white():
    picture = Image.new("RGB", (40, 40), (10, 20, 30))
    assert (open_photo(encoded(picture, "PNG", transparency=(10, 20, 30))) == 255).all()


@pytest.mark.parametrize(("kind", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})])
def test_animations_give_their_first_frame(kind, options):
    frames = [Image.new("RGB", (40, 40), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, **options)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert (open_photo(data)[20, 20] == (255, 0, 0)).all()


UPRIGHT_OF = {  # EXIF orientation -> how the stored pixels come from the upright ones
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, k=-1),
}


@pytest.mark.parametrize("orientation", UPRIGHT_OF)
def test_exif_turned_photos_open_upright(photo, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = Image.fromarray(np.ascontiguousarray(UPRIGHT_OF[orientation](photo)))
    assert np.array_equal(open_photo(encoded(stored, "PNG", exif=exif)), photo)


def test_a_broken_exif_block_does_no_harm(smooth_photo):
    exif = b"Exif\x00\x00" + random.Random(1).randbytes(200)
    data = encoded(Image.fromarray(smooth_photo), "JPEG", quality=95, exif=exif)
    assert open_photo(data).shape == smooth_photo.shape


# --- edits ------------------------------------------------------------------------------------------------------------


def test_an_edit_comes_back_as_it_was_saved(tmp_path, photo):
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[5:20, 7:30] = 0
    edit = CoarseEdit(rgb=photo, alpha=alpha)
    save_png(tmp_path / "edit.png", edit.rgba)
    opened = open_edit(tmp_path / "edit.png")
    assert np.array_equal(opened.rgba, edit.rgba) and opened.hole.sum() == 15 * 23


def test_a_palette_edit_with_a_transparent_colour_opens():
    palette = Image.new("P", (40, 40), 0)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.paste(1, (0, 0, 40, 20))
    edit = open_edit(encoded(palette, "PNG", transparency=0))
    assert edit.hole[20:].all() and not edit.hole[:20].any()


@pytest.mark.parametrize("name", ["dog_beach__edit__003.png", "palm_tree__edit__01.png"])
def test_edits_of_the_papers_authors_open(shared_data, name):
    edit = open_edit(shared_data / "official_edits" / name)
    assert 0 < edit.hole.mean() < 0.5


# --- sizes ------------------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(width=st.integers(32, 12000), height=st.integers(32, 12000), area=st.sampled_from([256**2, 512**2]))
def test_fitted_sizes_suit_the_model(width, height, area):
    new_width, new_height = fitted_size(width, height, area)
    assert new_width % 32 == 0 and new_height % 32 == 0
    assert new_width <= width + 16 and new_height <= height + 16
    if min(new_width, new_height) > 128:
        assert new_width * new_height == pytest.approx(min(area, width * height), rel=0.35)
        assert new_width / new_height == pytest.approx(width / height, rel=0.3)


def test_resizing_to_the_same_size_changes_nothing(photo):
    assert resize(photo, 80, 60) is photo


@pytest.mark.parametrize("size", [(40, 30), (37, 41), (160, 120)])
def test_resizing_keeps_kind_and_mean(smooth_photo, size):
    smaller = resize(smooth_photo, *size)
    assert smaller.shape == (size[1], size[0], 3) and smaller.dtype == np.uint8
    assert smaller.mean((0, 1)) == pytest.approx(smooth_photo.mean((0, 1)), abs=1)


def test_masks_resize_to_masks():
    mask = np.zeros((60, 80), bool)
    mask[20:40, 20:60] = True
    smaller = resize(mask, 40, 30)
    assert smaller.dtype == bool and smaller.sum() == mask.sum() / 4


@pytest.mark.parametrize("size", [(40, 30), (33, 47), (123, 99)])
def test_the_colour_of_holes_does_not_bleed(size):
    """Content is one grey; the hole is a glaring colour that must not show in any visible pixel."""
    rgb = np.full((60, 80, 3), 90, np.uint8)
    alpha = np.full((60, 80), 255, np.uint8)
    rgb[11:33, 21:44], alpha[11:33, 21:44] = (255, 0, 255), 0
    smaller = resize_edit(CoarseEdit(rgb, alpha), *size)
    assert smaller.rgb.shape == (size[1], size[0], 3)
    visible = smaller.alpha >= 128
    assert np.abs(smaller.rgb[visible].astype(int) - 90).max() <= 1
    assert smaller.hole.mean() == pytest.approx((alpha == 0).mean(), rel=0.15)


# --- saving -----------------------------------------------------------------------------------------------------------


def test_png_text_survives(photo):
    data = png_bytes(photo, {"seed": "7", "model": "größe"})
    assert Image.open(io.BytesIO(data)).text == {"seed": "7", "model": "größe"}


def test_saving_where_it_cannot_says_so(tmp_path, photo):
    with pytest.raises(PhotoError, match="choose another place"):
        save_png(tmp_path / "no" / "such" / "folder.png", photo)


def test_edit_and_photo_errors_are_told_apart():
    with pytest.raises(EditError):
        open_edit(b"nothing")
    with pytest.raises(PhotoError):
        open_photo(b"nothing")


@pytest.mark.parametrize(
    "content", [b"hello, this is text and no picture", b"<svg xmlns='x'/>", b"%PDF-1.7", b"\x00" * 99]
)
def test_what_is_no_picture_is_called_that(content):
    with pytest.raises(PhotoError, match="not a picture"):
        open_photo(content)
