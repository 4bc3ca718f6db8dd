"""Files that are no photos, photos that are too much, edits that say nothing: one clear sentence each, quickly."""

import io
import random
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from magicfixup_demo import images
from magicfixup_demo.errors import EditError, MagicFixupError, PhotoError, SegmentationError
from magicfixup_demo.images import open_edit, open_mask, open_photo


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int = 200, height: int = 150) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def png_of_claimed_size(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header says it is width x height, one bit a pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def refusal(opener, source) -> str:
    """The message with which a source is refused; checks that it is one sentence for people."""
    with pytest.raises(MagicFixupError) as caught:
        opener(source)
    message = str(caught.value)
    assert type(caught.value) is {open_edit: EditError, mask_opener: SegmentationError}.get(opener, PhotoError)
    assert "\n" not in message and message.endswith(".") and 20 < len(message) < 300
    return message


def mask_opener(source):
    """Of a photo of 64 x 48 pixels."""
    return open_mask(source, 64, 48)


@pytest.fixture(params=[open_photo, open_edit, mask_opener], ids=["photo", "edit", "mask"])
def opener(request):
    return request.param


NOT_PICTURES = {
    "text": b"this is a letter, not a photo\n" * 50,
    "web page": b"<!DOCTYPE html><html><body>404</body></html>",
    "vector picture": b'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"/>',
    "archive": b"PK\x03\x04" + bytes(200),
    "document": b"%PDF-1.7\n" + bytes(200),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
    "only a signature": b"\x89PNG\r\n\x1a\n",
    "zeros": bytes(5000),
    "noise": random.Random(3).randbytes(5000),
}


@pytest.mark.parametrize("kind", NOT_PICTURES)
def test_not_a_picture(opener, kind):
    refusal(opener, NOT_PICTURES[kind])


def test_an_empty_file(opener, tmp_path):
    path = tmp_path / "empty.jpg"
    path.touch()
    assert "0 bytes" in refusal(opener, path)
    assert "0 bytes" in refusal(opener, b"")


def test_a_missing_file_and_a_folder(opener, tmp_path):
    assert "none.jpg" in refusal(opener, tmp_path / "none.jpg")
    refusal(opener, tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_file(opener, kind, kept):
    data = encoded(noise().convert("RGBA" if kind in ("PNG", "WEBP") else "RGB"), kind)
    refusal(opener, data[: int(len(data) * kept)])


@pytest.mark.parametrize("size", [(1, 1), (31, 400), (400, 31)])
def test_too_small(opener, size):
    assert f"{size[0]} x {size[1]}" in refusal(opener, encoded(Image.new("RGBA", size), "PNG"))


@pytest.mark.parametrize("size", [(20_000, 20_000), (12_001, 100), (100, 12_001), (9000, 9000), (2**31 - 1, 2**31 - 1)])
def test_too_large_is_refused_by_its_header(opener, size, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    data = png_of_claimed_size(*size)
    assert len(data) < 200
    refusal(opener, data)


def test_a_real_bomb_is_refused_by_its_header(opener, monkeypatch):
    """20,000 x 20,000 pixels of one colour fit in 50 kilobytes."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    data = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    monkeypatch.undo()
    assert len(data) < 100_000
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    refusal(opener, data)


def test_a_file_of_too_many_bytes_is_refused_before_reading(opener, tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as opened:
        opened.truncate(images.MAX_FILE_BYTES + 1)  # sparse: takes no room on disk
    assert "64 MB" in refusal(opener, path)


def test_too_many_bytes_in_memory_are_refused(opener, monkeypatch):
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 1000)
    refusal(opener, encoded(noise().convert("RGBA"), "PNG"))


def test_a_text_bomb_in_a_png_is_refused(opener):
    info = zlib.compress(bytes(200_000_000))
    body = b"Comment\0\0" + info
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    good = encoded(Image.new("RGBA", (64, 64)), "PNG")
    refusal(opener, good[:33] + chunk + good[33:])  # 33: signature and header


@pytest.mark.parametrize("opened", [open_photo, lambda data: open_mask(data, 48, 40)], ids=["photo", "mask"])
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_damaged_files_never_crash(opened, data):
    """Bytes of a real file changed anywhere: it opens, or it is refused in our own words."""
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"]))
    damaged = bytearray(encoded(noise(48, 40), kind))
    for place in data.draw(st.lists(st.integers(0, min(600, len(damaged)) - 1), min_size=1, max_size=5)):
        damaged[place] = data.draw(st.integers(0, 255))
    try:
        assert opened(bytes(damaged)).dtype in (np.uint8, bool)
    except (PhotoError, SegmentationError) as error:
        assert "\n" not in str(error)


# --- edits that say nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "CMYK", "LAB"])
def test_an_edit_without_alpha(mode):
    kind = "TIFF" if mode in ("CMYK", "LAB") else "PNG"
    assert "alpha" in refusal(open_edit, encoded(Image.new(mode, (64, 64)), kind))


@pytest.mark.parametrize("alpha", [0, 100, 127])
def test_an_edit_that_is_nothing_but_hole(alpha):
    assert "nothing but hole" in refusal(open_edit, encoded(Image.new("RGBA", (64, 64), (9, 9, 9, alpha)), "PNG"))


def test_one_pixel_of_content_is_enough():
    picture = Image.new("RGBA", (64, 64), (9, 9, 9, 0))
    picture.putpixel((5, 6), (1, 2, 3, 255))
    assert (~open_edit(encoded(picture, "PNG")).hole).sum() == 1


# --- masks that say nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(48, 64), (65, 48), (64, 47), (128, 96)])
def test_a_mask_of_another_size(size):
    message = refusal(mask_opener, encoded(Image.new("L", size, 255), "PNG"))
    assert f"{size[0]} x {size[1]}" in message and "64 x 48" in message


@pytest.mark.parametrize("colour", [(0, 0), (127, 255), (255, 0), (255, 127)])
def test_a_mask_without_white(colour):
    assert "nothing in it is white" in refusal(mask_opener, encoded(Image.new("LA", (64, 48), colour), "PNG"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "CMYK"])
def test_one_white_pixel_of_a_mask_is_enough(mode):
    grey = Image.new("L", (64, 48))
    grey.putpixel((5, 6), 255)
    picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257) if mode == "I;16" else grey.convert("RGB")
    picture = picture if mode == "I;16" else picture.convert(mode)
    mask = mask_opener(encoded(picture, "TIFF" if mode == "CMYK" else "PNG"))
    assert mask.dtype == bool and mask.sum() == 1 and mask[6, 5]


@pytest.mark.parametrize(("grey", "inside"), [(127, False), (128, True)])
def test_a_mask_begins_at_middle_grey(grey, inside):
    picture = Image.new("L", (64, 48), grey)
    picture.putpixel((5, 6), 255)
    assert mask_opener(encoded(picture, "PNG")).all() == inside
