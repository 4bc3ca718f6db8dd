"""The collage's JSON: a round trip, and every way it can be wrong."""

import base64
import copy
import io
import json
import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from magicfixup_demo.affine import compose, rotation, scaling, translation
from magicfixup_demo.collage_json import collage_from_json, collage_to_json, mask_to_base64
from magicfixup_demo.errors import CollageError
from magicfixup_demo.schema import Collage, Layer, Segment

MASK = np.full((5, 4), 255, np.uint8)


def record() -> dict:
    return {
        "version": 1,
        "photo": {"width": 64, "height": 48},
        "segments": [
            {"id": "s1", "left": 10, "top": 20, "mask": mask_to_base64(MASK)},
            {"id": "s2", "left": 0, "top": 0, "mask": mask_to_base64(MASK)},
        ],
        "layers": [
            {"id": "l1", "segment": "s1", "matrix": [1, 0, 0, 1, 3, 4]},
            {"id": "l2", "segment": "s1", "matrix": [1, 0, 0, 1, 0, 0]},
        ],
    }


def changed(*path_and_value) -> dict:
    """The good record with the value at a path replaced: changed("photo", "width", 0)."""
    *path, last, value = path_and_value
    whole = copy.deepcopy(record())
    inner = whole
    for step in path:
        inner = inner[step]
    inner[last] = value
    return whole


def without(*path) -> dict:
    whole = copy.deepcopy(record())
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return whole


def png_header(width: int, height: int) -> str:
    """Base64 of a PNG that says it is width x height and holds next to no data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return base64.b64encode(data + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")).decode()


# --- round trip -------------------------------------------------------------------------------------------------------


@st.composite
def collages(draw) -> Collage:
    segments = []
    for i in range(draw(st.integers(0, 3))):
        width, height = draw(st.integers(1, 20)), draw(st.integers(1, 16))
        mask = np.frombuffer(draw(st.binary(min_size=width * height, max_size=width * height)), np.uint8)
        mask = mask.reshape(height, width).copy()
        mask[0, 0] = 255
        segments.append(Segment(f"s{i}", draw(st.integers(0, 64 - width)), draw(st.integers(0, 48 - height)), mask))
    layers = []
    for i in range(draw(st.integers(0, 4)) if segments else 0):
        scale, angle = draw(st.floats(0.02, 90)), draw(st.floats(-10, 10))
        shift = translation(draw(st.floats(-1e4, 1e4)), draw(st.floats(-1e4, 1e4)))
        matrix = compose(shift, compose(rotation(angle), scaling(scale, -scale)))
        layers.append(Layer(f"l{i}", draw(st.sampled_from(segments)).id, matrix))
    return Collage(64, 48, tuple(segments), tuple(layers))


# Of version 3: an object of another photo, and everything that a layer may say.
FULL = {
    "version": 3,
    "photo": {"width": 64, "height": 48},
    "sources": [{"id": "p2", "width": 300, "height": 20}],
    "segments": [{"id": "s1", "left": 290, "top": 2, "mask": mask_to_base64(MASK), "source": "p2"}],
    "layers": [
        {
            **{
                "id": "l1",
                "segment": "s1",
                "matrix": [1, 0, 0, 1, -250, 4],
                "distort": [[1, 0], [0, 0.5], [0, 0], [-1, 2]],
            },
            **{"name": "dog, near", "hidden": True, "locked": True, "opacity": 0.25, "shadow": 1.5, "softness": 0.5},
        },
        {"id": "l2", "segment": "s1", "matrix": [1, 0, 0, 1, 0, 0]},
    ],
}


def of_full(*path_and_value) -> dict:
    """FULL with the value at a path replaced."""
    *path, last, value = path_and_value
    whole = copy.deepcopy(FULL)
    inner = whole
    for step in path:
        inner = inner[step]
    inner[last] = value
    return whole


def test_everything_of_version_three_is_read_and_written_again():
    collage = collage_from_json(FULL)
    layer, plain = collage.layers
    assert (collage.sources[0].id, collage.sources[0].width, collage.segments[0].source) == ("p2", 300, "p2")
    assert layer.distort == ((1, 0), (0, 0.5), (0, 0), (-1, 2))
    assert (layer.name, layer.hidden, layer.locked, layer.opacity) == ("dog, near", True, True, 0.25)
    assert (layer.shadow, layer.softness) == (1.5, 0.5)
    assert (plain.distort, plain.name, plain.hidden, plain.locked, plain.opacity) == (None, "", False, False, 1)
    assert (plain.shadow, plain.softness, collage.shadows) == (1, 0, True)
    written = json.loads(collage_to_json(collage))
    assert written == FULL | {"segments": [FULL["segments"][0] | {"mask": written["segments"][0]["mask"]}]}


@pytest.mark.parametrize("version", [1, 2])
def test_of_older_versions_no_object_has_a_shadow_and_version_two_is_written(version):
    collage = collage_from_json(changed("version", version))
    assert not collage.shadows
    assert json.loads(collage_to_json(collage))["version"] == 2


SOFT = np.linspace(0, 255, 20).astype(np.uint8).reshape(4, 5)


def test_masks_may_be_soft():
    whole = changed("segments", 0, "mask", mask_to_base64(SOFT))
    assert np.array_equal(collage_from_json(whole).segments[0].mask, SOFT)


@pytest.mark.parametrize(
    ("whole", "field"),
    [
        *((of_full("layers", 0, "opacity", v), r"layers\[0\].opacity") for v in (-0.1, 1.1, "1", True, None, math.nan)),
        *((of_full("layers", 0, "shadow", v), r"layers\[0\].shadow") for v in (-0.1, 1.6, "1", False, None, math.nan)),
        *((of_full("layers", 0, "softness", v), r"layers\[0\].softness") for v in (-0.1, 1.1, "1", [], None)),
        *((of_full("layers", 0, "hidden", v), r"layers\[0\].hidden") for v in (1, "true", None, [])),
        *((of_full("layers", 0, "locked", v), r"layers\[0\].locked") for v in (0, "no")),
        *((of_full("layers", 0, "name", v), r"layers\[0\].name") for v in (7, None, "x" * 81)),
        *(
            (of_full("layers", 0, "distort", v), r"layers\[0\].distort")
            for v in (
                *([], 5, [[0, 0]] * 3, [[0, 0]] * 5, [[0, 0, 0]] * 4, [0, 0, 0, 0]),
                *([[0, math.nan]] * 4, [[0, 1e300]] * 4, [[0, True]] * 4, [[0, "1"]] * 4),
                [[4, 0], [-4, 0], [0, 0], [0, 0]],  # crossed
                [[0, 5], [0, 5], [0, 0], [0, 0]],  # flat
            )
        ),
        *((of_full("segments", 0, "source", v), r"segments\[0\].source") for v in ("p3", 7, None, ["p2"])),
        (of_full("segments", 0, "left", 297), r"segments\[0\].left"),
        (of_full("sources", 0, "width", 0), r"sources\[0\].width"),
        (of_full("sources", 0, "height", 20.5), r"sources\[0\].height"),
        (of_full("sources", 0, {"id": "p2", "width": 12000, "height": 12000}), r"sources\[0\]"),
        (of_full("sources", 0, "id", ""), r"sources\[0\].id"),
        (of_full("sources", FULL["sources"] * 2), "sources"),
        (of_full("sources", [{"id": f"p{i}", "width": 300, "height": 20} for i in range(17)]), "sources"),
        (of_full("sources", {}), "sources"),
    ],
)
def test_a_wrong_field_of_version_two_is_named(whole, field):
    with pytest.raises(CollageError, match=field):
        collage_from_json(whole)


@settings(max_examples=60, deadline=None)
@given(collage=collages())
def test_what_is_written_is_read_again(collage):
    again = collage_from_json(collage_to_json(collage))
    assert (again.width, again.height, again.layers) == (collage.width, collage.height, collage.layers)
    assert len(again.segments) == len(collage.segments)
    for one, other in zip(again.segments, collage.segments, strict=True):
        assert (one.id, one.left, one.top) == (other.id, other.left, other.top)
        assert np.array_equal(one.mask, other.mask)


@pytest.mark.parametrize("form", [lambda r: r, json.dumps, lambda r: json.dumps(r).encode()])
def test_text_bytes_and_records_are_read_alike(form):
    collage = collage_from_json(form(record()))
    assert [segment.id for segment in collage.segments] == ["s1", "s2"]
    assert collage.layers[0].matrix == (1, 0, 0, 1, 3, 4)


def test_unknown_fields_are_ignored():
    assert collage_from_json(record() | {"zoom": 2, "future": [1]}).width == 64


def test_masks_may_be_data_addresses():
    whole = changed("segments", 0, "mask", "data:image/png;base64," + mask_to_base64(MASK))
    assert np.array_equal(collage_from_json(whole).segments[0].mask, MASK)


def test_a_coarse_mask_is_enlarged_to_its_box():
    whole = record()
    half = np.zeros((6, 8), np.uint8)
    half[:, 4:] = 255
    whole["segments"][0] |= {"mask": mask_to_base64(half), "width": 32, "height": 24}
    segment = collage_from_json(whole).segments[0]
    assert segment.mask.shape == (24, 32) and (segment.left, segment.top) == (10, 20)
    assert (segment.mask[:, :14] < 128).all() and (segment.mask[:, 18:] >= 128).all()


# --- malformed --------------------------------------------------------------------------------------------------------

NOT_WHOLE = [True, 1.5, "10", None, math.nan, [10], {}, -1, 10**400]
NOT_A_MATRIX = [
    None,
    "1,0,0,1,0,0",
    {},
    [],
    [1, 0, 0, 1, 0],
    [1, 0, 0, 1, 0, 0, 0],
    [1, 0, 0, 1, 0, math.nan],
    [1, 0, 0, 1, math.inf, 0],
    [1, 0, 0, 1, 1e9, 0],
    [1, 0, 0, 1, 10**400, 0],
    [1, 0, 0, True, 0, 0],
    [1, 0, 0, "1", 0, 0],
    [1, 0, 0, [1], 0, 0],
    [0, 0, 0, 0, 0, 0],
    [1, 1, 1, 1, 0, 0],
    [1e-3, 0, 0, 1, 0, 0],
    [101, 0, 0, 101, 0, 0],
]
BAD_MASKS = [
    None,
    7,
    "",
    "not base64!",
    "ÄÖÜ",
    "QUJD",  # base64, but no picture
    "data:image/png;base64,",
    mask_to_base64(np.zeros((4, 4), np.uint8)),
    mask_to_base64(np.full((4, 4), 127, np.uint8)),
    mask_to_base64(MASK)[:40],
    png_header(4, 4)[:-8],
    png_header(0, 4),
]
MALFORMED = [
    [],
    {},
    "version",
    changed("version", 4),
    changed("version", True),
    changed("version", "1"),
    without("version"),
    without("photo"),
    without("segments"),
    without("layers"),
    without("segments", 0, "id"),
    without("segments", 0, "mask"),
    without("segments", 0, "left"),
    without("layers", 0, "id"),
    without("layers", 0, "segment"),
    without("layers", 0, "matrix"),
    changed("photo", [64, 48]),
    changed("photo", {"width": 12000, "height": 12000}),
    changed("photo", "width", 0),
    changed("photo", "width", 12001),
    changed("segments", {}),
    changed("segments", [1]),
    changed("segments", [None]),
    changed("layers", "l1"),
    changed("layers", [[]]),
    changed("segments", 0, "id", ""),
    changed("segments", 0, "id", 7),
    changed("segments", 0, "id", "x" * 65),
    changed("segments", 1, "id", "s1"),
    changed("layers", 1, "id", "l1"),
    changed("layers", 0, "segment", "s9"),
    changed("layers", 0, "segment", ["s1"]),
    changed("segments", 0, "left", 61),
    changed("segments", 0, "top", 44),
    changed("segments", 0, "width", 3),  # smaller than its mask
    changed("segments", 0, "width", 55),  # from 10 to 65 of 64
    changed("segments", 0, "height", True),
    changed("segments", 0, "height", 10**9),
    changed("segments", [record()["segments"][0] | {"id": f"s{i}"} for i in range(101)]),
    changed("layers", [record()["layers"][0] | {"id": f"l{i}"} for i in range(201)]),
    *(changed("photo", "height", value) for value in NOT_WHOLE),
    *(changed("segments", 0, "left", value) for value in NOT_WHOLE),
    *(changed("layers", 0, "matrix", value) for value in NOT_A_MATRIX),
    *(changed("segments", 0, "mask", value) for value in BAD_MASKS),
]


@pytest.mark.parametrize("whole", MALFORMED)
def test_a_malformed_record_is_refused_in_one_line(whole):
    with pytest.raises(CollageError) as caught:
        collage_from_json(whole)
    message = str(caught.value)
    assert "\n" not in message and 20 < len(message) < 300


@pytest.mark.parametrize(
    "text",
    ["", "null", "7", '"collage"', "{", "[" * 100_000, '{"version": 1' + "," * 9, b"\xff\xfe\x00", "NaN", "1" * 10_000],
)
def test_text_that_is_no_record_is_refused(text):
    with pytest.raises(CollageError):
        collage_from_json(text)


def test_nan_in_the_text_is_refused():
    text = json.dumps(changed("layers", 0, "matrix", [1, 0, 0, 1, math.nan, 0]))
    assert "NaN" in text
    with pytest.raises(CollageError, match=r"layers\[0\]\.matrix"):
        collage_from_json(text)


def test_huge_text_is_refused_before_parsing(monkeypatch):
    monkeypatch.setattr(json, "loads", lambda text: pytest.fail("parsed"))
    with pytest.raises(CollageError, match="24 MB"):
        collage_from_json("[" * 24_000_001)


def test_a_mask_larger_than_the_photo_is_refused_before_decoding(monkeypatch):
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("decoded"))
    with pytest.raises(CollageError, match="larger than its photo"):
        collage_from_json(changed("segments", 0, "mask", png_header(11_000, 40)))


def test_masks_that_enlarge_to_gigabytes_are_refused():
    whole = changed("photo", {"width": 4000, "height": 2000})
    item = record()["segments"][0] | {"left": 0, "top": 0, "width": 4000, "height": 2000}
    whole["segments"] = [item | {"id": f"s{i}"} for i in range(100)]
    with pytest.raises(CollageError, match="megapixels together"):
        collage_from_json(whole)


def test_masks_that_unpack_to_gigabytes_are_refused():
    """Each mask is a few kilobytes of JSON and eight megabytes of memory."""
    whole = changed("photo", {"width": 4000, "height": 2000})
    mask = mask_to_base64(np.full((2000, 4000), 255, np.uint8))
    assert len(mask) < 60_000
    whole["segments"] = [{"id": f"s{i}", "left": 0, "top": 0, "mask": mask} for i in range(100)]
    with pytest.raises(CollageError, match="megapixels together"):
        collage_from_json(whole)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_mask_files_never_crash(data):
    """Bytes of a real mask flipped anywhere: it is read, or refused in our own words."""
    buffer = io.BytesIO()
    Image.fromarray(MASK).save(buffer, "PNG")
    damaged = bytearray(buffer.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=6)):
        damaged[place] ^= data.draw(st.integers(1, 255))
    whole = changed("segments", 0, "mask", base64.b64encode(bytes(damaged)).decode())
    try:
        assert collage_from_json(whole).segments[0].mask.max() >= 128
    except CollageError as error:
        assert "mask" in str(error) or "segments[0]" in str(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
PATHS = [
    ("photo",),
    ("photo", "width"),
    ("segments",),
    ("segments", 0),
    ("segments", 0, "id"),
    ("segments", 0, "left"),
    ("segments", 0, "mask"),
    ("layers",),
    ("layers", 0),
    ("layers", 0, "segment"),
    ("layers", 0, "matrix"),
    ("layers", 0, "matrix", 4),
]


@settings(max_examples=200, deadline=None)
@given(path=st.sampled_from(PATHS), value=json_values)
def test_any_value_anywhere_is_read_or_refused(path, value):
    try:
        assert isinstance(collage_from_json(changed(*path, value)), Collage)
    except CollageError as error:
        assert "\n" not in str(error)
