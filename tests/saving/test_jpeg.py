"""JPEG without metadata: the same pixels, and nothing left that tells who, where, with what, or what was before."""

import io

import numpy as np
import pytest
from camera_jpeg import SECRETS, camera_jpeg, full_exif
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from magicfixup_demo.errors import SavedFileError
from magicfixup_demo.images import open_photo
from magicfixup_demo.saving.camera import chosen, exif_of, orientation_of, says
from magicfixup_demo.saving.jpeg import without_metadata
from magicfixup_demo.saving.photos import keep_photo, photo_file


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 2}])
def test_the_pixels_are_the_same_and_nothing_else_is_left(photo, mode, options):
    data = camera_jpeg(photo, mode, **options)
    clean = without_metadata(data)
    np.testing.assert_array_equal(open_photo(clean), open_photo(data))
    assert all(secret in data and secret not in clean for secret in SECRETS)
    assert clean.count(b"\xff\xd8\xff") == 1 and clean.endswith(b"\xff\xd9")
    with Image.open(io.BytesIO(clean)) as picture:
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "adobe"} | {
            "adobe_transform",
            "progressive",
            "progression",
        }


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_stays_turned(photo, orientation):
    data = camera_jpeg(photo, orientation=orientation)
    clean = without_metadata(data, orientation_of(exif_of(data)))
    np.testing.assert_array_equal(open_photo(clean), open_photo(data))
    with Image.open(io.BytesIO(clean)) as picture:
        assert dict(picture.getexif()) == ({} if orientation == 1 else {0x0112: orientation})


def test_the_colour_profile_stays(photo):
    profile = b"icc " * 20_000  # in two segments
    clean = without_metadata(camera_jpeg(photo, icc_profile=profile))
    with Image.open(io.BytesIO(clean)) as picture:
        assert picture.info["icc_profile"] == profile


def test_a_thumbnail_in_the_first_segment_goes(photo):
    data = camera_jpeg(photo)
    thumbnail = b"JFIF\0\1\2\0\0\1\0\1\2\2" + b"SECRET-PIXEL"
    data = data[:2] + b"\xff\xe0" + (2 + len(thumbnail)).to_bytes(2, "big") + thumbnail + data[2:]
    clean = without_metadata(data)
    assert b"SECRET-PIXEL" not in clean
    np.testing.assert_array_equal(open_photo(clean), open_photo(data))


def test_damaged_files_are_a_sentence(photo):
    data = camera_jpeg(photo)[:-2]
    for cut in (2, 3, 4, 10, 300, 700, len(data) // 2):
        part = data[:cut]
        if b"\xff\xd9" not in part:
            with pytest.raises(SavedFileError):
                without_metadata(part)
    for endless in (b"\xff\xe0" + b"\0" * 50, b"\xff\xe1\0\2" * 30_000, b"\xff\xda\0\2" + b"\xff\0" * 2_000_000):
        with pytest.raises(SavedFileError):
            without_metadata(b"\xff\xd8" + endless)


# What is kept of a photo


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_keeps_its_own_bytes(photo, orientation):
    data = camera_jpeg(photo, orientation=orientation)
    kept = keep_photo(data)
    file = photo_file(open_photo(data), kept)
    assert file is kept and file.suffix == "jpg" and len(file.data) < len(data)
    np.testing.assert_array_equal(open_photo(file.data), open_photo(data))


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_other_formats_come_back_pixel_for_pixel(photo, form, mode):
    buffer = io.BytesIO()
    Image.fromarray(photo).convert(mode).save(buffer, form)
    image = open_photo(buffer.getvalue())
    file = photo_file(image, keep_photo(buffer.getvalue()))
    assert file.suffix == "png"
    np.testing.assert_array_equal(open_photo(file.data), image)


def test_a_png_loses_its_texts_and_its_time(photo):
    buffer = io.BytesIO()

    info = PngInfo()
    info.add_text("Author", "Ada Private")
    info.add(b"tIME", b"\x07\xe8\1\1\1\1\1")
    Image.fromarray(photo).save(buffer, "PNG", pnginfo=info, exif=full_exif())
    kept = keep_photo(buffer.getvalue())
    assert b"Ada Private" in buffer.getvalue() and not any(s in kept.data for s in (b"Ada Private", b"tIME", b"eXIf"))
    np.testing.assert_array_equal(open_photo(kept.data), photo)


def test_what_does_not_decode_to_the_photo_is_written_anew(photo):
    other = keep_photo(camera_jpeg(255 - photo))
    file = photo_file(photo, other)
    assert file.suffix == "png"
    np.testing.assert_array_equal(open_photo(file.data), photo)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"nonsense", b"\x89PNG\r\n\x1a\n"])
def test_keeping_never_fails(data):
    assert keep_photo(data).data == b""


# Camera and place


def test_camera_and_place_are_chosen_each_by_itself():
    exif = full_exif(6)
    assert says(exif) == {"camera": True, "place": True}
    assert says(b"") == says(b"broken") == {"camera": False, "place": False}
    assert chosen(exif) == b""
    camera, place = (Image.Exif() for _ in range(2))
    camera.load(chosen(exif, camera=True))
    place.load(chosen(exif, place=True))
    assert camera[0x0110] == "EOS R5" and camera.get_ifd(0x8769)[0x829A] == pytest.approx(0.01)
    assert not camera.get_ifd(0x8825) and 0x0112 not in camera
    assert place.get_ifd(0x8825)[2] == (48.0, 51.0, 30.0) and 0x0110 not in place
    both = chosen(exif, camera=True, place=True)
    assert says(both) == {"camera": True, "place": True}
    assert not any(secret in both for secret in (b"SERIAL-77", b"Ada Private", b"notes"))
