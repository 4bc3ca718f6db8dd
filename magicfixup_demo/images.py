"""Opening, checking, fitting and saving pictures. The only module that decodes files or changes a picture's size."""

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from magicfixup_demo.containers import is_excessive, is_excessive_exif
from magicfixup_demo.errors import EditError, PhotoError, SegmentationError
from magicfixup_demo.schema import CoarseEdit

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_SIDE = 12_000
MIN_SIDE = 32
MOST_LAYERS = 8  # times that the parts of a file may cover its picture: once a channel
RAW_EXIF, MOST_RAW_EXIF = "Raw profile type exif", 140_000  # hexadecimal digits of a block as large as JPEG may have

# Our own limit is checked on the header, before Pillow decodes anything; Pillow's stays as a second wall behind it.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def open_photo(source: str | os.PathLike | bytes, most_bytes: int | None = None) -> np.ndarray:
    """Read a photo as an upright RGB picture.

    ``source`` is a path or the file's bytes. Animated files give their first frame, CMYK, palette, grey and 16-bit
    files are converted, transparency is laid over white, EXIF orientation is applied and all metadata dropped.
    Returns (H, W, 3) uint8. Raises PhotoError with what to do, also for a file of over ``most_bytes``, by default
    MAX_FILE_BYTES.
    """
    return np.asarray(_decode(source, PhotoError, _over_white, most_bytes))


def open_edit(source: str | os.PathLike | bytes) -> CoarseEdit:
    """Read a coarse edit: any RGBA picture whose alpha marks the hole (0 = hole).

    Returns a CoarseEdit. Raises EditError when there is no alpha channel, or nothing but hole.
    """
    rgba = np.asarray(_decode(source, EditError, _with_alpha))
    edit = CoarseEdit(rgb=rgba[..., :3], alpha=rgba[..., 3])
    if edit.hole.all():
        raise EditError("This edit is nothing but hole; leave some of the photo or an object in it.")
    return edit


def open_mask(source: str | os.PathLike | bytes, width: int, height: int) -> np.ndarray:
    """Read a mask of objects in a photo of ``width`` x ``height`` pixels: white, from grey 128 on, is object.

    Any file that ``open_photo`` reads, within the same limits; what is transparent is no object. Returns (H, W) bool.
    Raises SegmentationError, also where the mask has another size or nothing in it is white.
    """
    mask = np.asarray(_decode(source, SegmentationError, _grey_over_black)) >= 128
    if mask.shape != (height, width):
        raise SegmentationError(
            f"This mask is {mask.shape[1]} x {mask.shape[0]} pixels, but its photo is {width} x {height}; "
            "give a mask of the photo's size."
        )
    if not mask.any():
        raise SegmentationError("This mask is empty: nothing in it is white; paint the object white, the rest black.")
    return mask


def save_png(path: str | os.PathLike, picture: np.ndarray, text: dict[str, str] | None = None) -> None:
    """Write (H, W), (H, W, 3) or (H, W, 4) uint8 as PNG, with optional text fields. Raises PhotoError if it cannot."""
    try:
        Path(path).write_bytes(png_bytes(picture, text))
    except OSError as error:
        raise PhotoError(
            f"Cannot write {path}: {error.strerror or error}; choose another place or free some space."
        ) from error


def png_bytes(picture: np.ndarray, text: dict[str, str] | None = None) -> bytes:
    """Encode as PNG. Level 3 is 4 times faster than the default and 5 % larger."""
    info = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        info.add_itxt(key, value)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", pnginfo=info, compress_level=3)
    return buffer.getvalue()


def resize(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize (H, W[, C]) uint8, bool or float32: area average when shrinking, bicubic when enlarging.

    Bool masks come back as bool (threshold at half coverage); uint8 is rounded and clipped.
    """
    if picture.shape[:2] == (height, width):
        return picture
    if picture.dtype == bool:
        return resize(picture.astype(np.float32), width, height) >= 0.5
    shrinking = width * height < picture.shape[0] * picture.shape[1]
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=interpolation)


def resize_edit(edit: CoarseEdit, width: int, height: int) -> CoarseEdit:
    """Resize a coarse edit without letting the colour of its holes bleed into its content (premultiplied)."""
    if edit.alpha.shape == (height, width):
        return edit
    alpha = edit.alpha.astype(np.float32) / 255
    premultiplied = resize(edit.rgb.astype(np.float32) * alpha[..., None], width, height)
    small_alpha = resize(alpha, width, height)  # bicubic overshoots at edges; the colours do so alike, so divide first
    rgb = premultiplied / np.maximum(small_alpha, 1e-3)[..., None]
    return CoarseEdit(rgb=to_uint8(rgb), alpha=to_uint8(small_alpha * 255))


def fitted_size(width: int, height: int, area: int = 512 * 512, multiple: int = 32) -> tuple[int, int]:
    """Return (width, height) of about ``area`` pixels with the same aspect, each a multiple of ``multiple``.

    Never larger than the picture itself, rounded up: a small photo is not blown up.
    """
    scale = min(1.0, (area / (width * height)) ** 0.5)
    return tuple(max(multiple, round(side * scale / multiple) * multiple) for side in (width, height))


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Grey levels of any kind, rounded and clipped to 0..255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _over_white(picture: Image.Image) -> Image.Image:
    return _over("white", picture)


def _grey_over_black(picture: Image.Image) -> Image.Image:
    return _over("black", picture).convert("L")


def _over(colour: str, picture: Image.Image) -> Image.Image:
    """Lay transparency over a colour; any mode -> RGB."""
    if not _has_alpha(picture):
        return _to_eight_bit(picture).convert("RGB")
    picture = _to_eight_bit(picture).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, colour), picture).convert("RGB")


def _with_alpha(picture: Image.Image) -> Image.Image:
    if not _has_alpha(picture):
        raise EditError(
            "This edit has no alpha channel, so its holes are unknown; "
            "save it as an RGBA PNG with alpha 0 in the holes."
        )
    return _to_eight_bit(picture).convert("RGBA")


def _has_alpha(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info


def _to_eight_bit(picture: Image.Image) -> Image.Image:
    """Bring 16 and 32-bit grey to 8 bits; Pillow's own convert would clip at 255. A transparent value stays so."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.nan_to_num(np.asarray(picture).astype(np.float32), posinf=0, neginf=0)
    grey = Image.fromarray(to_uint8(values * (255 / _white_of(picture.mode, float(values.max())))))
    if "transparency" in picture.info:
        opaque = np.asarray(picture) != picture.info["transparency"]
        grey.putalpha(Image.fromarray(to_uint8(opaque * 255.0)))
    return grey


def _white_of(mode: str, highest: float) -> float:
    """The value that means white: known for 16 bits, else the smallest usual range that holds the picture's highest."""
    if mode.startswith("I;16"):
        return 65535.0
    usual = (1.0, 255.0, 65535.0) if mode == "F" else (255.0, 65535.0)
    return next((white for white in usual if highest <= white), highest)


def _decode(
    source: str | os.PathLike | bytes,
    error_class: type[Exception],
    convert: Callable[[Image.Image], Image.Image],
    most_bytes: int | None = None,
) -> Image.Image:
    """Check the header against all limits, then decode, turn upright and convert. Content decides the format."""
    data = _read(source, error_class, most_bytes)
    if is_excessive(data):
        raise error_class(
            "This picture is stored in a way that takes too long to read; save it as PNG or JPEG and retry."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            _check_size(*picture.size, error_class)
            _check_tiles(picture)
            picture.seek(0)
            picture.load()
            _drop_excessive_exif(picture)
            return convert(ImageOps.exif_transpose(picture))
    except error_class:
        raise
    except UnidentifiedImageError as error:
        raise error_class("This file is not a picture that can be read here; use a JPEG, PNG or WebP file.") from error
    except Image.DecompressionBombError as error:
        raise error_class(_too_large()) from error
    except Exception as error:  # Pillow's decoders raise many kinds; each means the same to the user
        raise error_class("This picture is damaged or cut off; export or download it again and retry.") from error


def _read(source: str | os.PathLike | bytes, error_class: type[Exception], most_bytes: int | None) -> bytes:
    most_bytes = most_bytes or MAX_FILE_BYTES
    try:
        size = len(source) if isinstance(source, bytes) else os.path.getsize(source)
        if size > most_bytes:
            raise error_class(f"This file is over {most_bytes >> 20} MB; save it smaller and retry.")
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise error_class(
            f"Cannot read {Path(source).name}: {error.strerror or error}; check the name and retry."
        ) from error
    if not data:
        raise error_class("This file is empty (0 bytes); choose another one.")
    return data


def _check_size(width: int, height: int, error_class: type[Exception]) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise error_class(f"This picture is {width} x {height} pixels. {_too_large()}")
    if min(width, height) < MIN_SIDE:
        raise error_class(
            f"This picture is only {width} x {height} pixels; use one of at least {MIN_SIDE} pixels a side."
        )


def _check_tiles(picture: Image.Image) -> None:
    """A picture is there once, in each of its channels; a file may say that it is there a thousand times."""
    whole = sum((right - left) * (lower - upper) for _, (left, upper, right, lower), *_ in picture.tile)
    if whole > MOST_LAYERS * picture.width * picture.height:
        raise ValueError("the parts of this picture lie over each other")


def _drop_excessive_exif(picture: Image.Image) -> None:
    """A photo whose metadata is too much to read opens without; "Raw profile" is how some programs keep it in a PNG."""
    if is_excessive_exif(picture.info.get("exif") or b""):
        del picture.info["exif"]
    if len(picture.info.get(RAW_EXIF, "")) > MOST_RAW_EXIF:
        del picture.info[RAW_EXIF]


def _too_large() -> str:
    return (
        f"The largest allowed is {MAX_PIXELS // 1_000_000} megapixels and {MAX_SIDE} pixels a side; "
        "make it smaller and retry."
    )
