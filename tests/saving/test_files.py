"""Work -> file -> work: the same again, whatever is in it; and no file, however made, does harm."""

import base64
import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.errors import MagicFixupError, SavedFileError
from magicfixup_demo.images import open_photo, png_bytes
from magicfixup_demo.saving import bundle, picture, png
from magicfixup_demo.saving.iptc import EDITED_BY_HAND, EDITED_BY_MODEL, KEYWORD
from magicfixup_demo.saving.photos import photo_file, pixels_sha256
from magicfixup_demo.saving.reading import read_work
from magicfixup_demo.saving.record import PhotoReference, Record, ResultFacts, record_from_json, record_to_json
from magicfixup_demo.saving.work import Work, opened

WIDTH, HEIGHT = 48, 40
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PHOTO = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
OTHER = np.random.default_rng(6).integers(0, 256, (HEIGHT + 7, WIDTH - 3, 3), np.uint8)


def reference(image: np.ndarray, name: str, source: str = "") -> PhotoReference:
    return PhotoReference(name, image.shape[1], image.shape[0], pixels_sha256(image), id=source)


texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=30)
numbers = st.floats(-40, 40, allow_nan=False)


@st.composite
def collages(draw) -> str:
    """JSON as a page may send it: soft masks, other photos, every field of a layer."""
    segments, layers = [], []
    source_id = draw(
        st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=10)
    )
    for number in range(draw(st.integers(0, 3))):
        mask = draw(arrays.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
        mask[0, 0] = 255
        encoded = base64.b64encode(png_bytes(mask)).decode()
        segment = {"id": f"s{number}", "left": draw(st.integers(0, 25)), "top": draw(st.integers(0, 20))}
        segment |= {"width": mask.shape[1], "height": mask.shape[0], "mask": encoded}
        segments.append(segment | ({"source": source_id} if draw(st.booleans()) else {}))
        scale = draw(st.floats(0.2, 3))
        layer = {
            "id": f"l{number}",
            "segment": f"s{number}",
            "matrix": [scale, 0, 0, scale, draw(numbers), draw(numbers)],
        }
        layer |= {"name": draw(texts), "hidden": draw(st.booleans()), "locked": draw(st.booleans())}
        layer |= {"opacity": draw(st.floats(0, 1))}
        if draw(st.booleans()):
            layer["distort"] = [[draw(st.floats(-0.2, 0.2)), 0.1] for _ in range(4)]
        layers.append(layer)
    record = {"version": 2, "photo": {"width": WIDTH, "height": HEIGHT}, "segments": segments, "layers": layers}
    if any("source" in segment for segment in segments):
        record["sources"] = [{"id": source_id, "width": OTHER.shape[1], "height": OTHER.shape[0]}]
    return json.dumps(record)


facts = st.builds(
    ResultFacts,
    model=texts,
    revision=texts,
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(1, 100),
    seconds=st.floats(0, 1e6),
    licence=texts,
)


@st.composite
def works(draw) -> Work:
    collage = draw(collages())
    sources = tuple(reference(OTHER, draw(texts), source["id"]) for source in json.loads(collage).get("sources", []))
    options = {"seed": draw(st.integers(0, 2**32 - 1)), "steps": None, "prompt": draw(texts), "sdedit": True}
    result = draw(st.none() | facts)
    record = Record(reference(PHOTO, draw(texts)), sources, options, result)
    photos = {"": photo_file(PHOTO, None)} | {source.id: photo_file(OTHER, None) for source in sources}
    repaired = 255 - PHOTO if result else None
    return Work(record, collage, photos, repaired, start=draw(st.none() | st.just(PHOTO // 2)))


def assert_same(back: Work, work: Work) -> None:
    assert back.record == work.record and back.collage == work.collage
    for source in (work.record.photo, *work.record.sources):
        np.testing.assert_array_equal(opened(back.photos[source.id], source), open_photo(work.photos[source.id].data))
    if work.result is None:
        assert back.result is None
    else:
        np.testing.assert_array_equal(back.result, work.result)


def zipped(work: Work) -> bytes:
    edit = render(PHOTO, collage_from_json(work.collage), {s.id: OTHER for s in work.record.sources})
    return bundle.to_zip(work, edit, {"1": np.full((3, 3, 4), 9, np.uint8)})


# Round trips


@FEW
@given(works())
def test_a_zip_brings_everything_back(work):
    back = read_work(zipped(work))
    assert_same(back, work)
    if work.start is not None:
        np.testing.assert_array_equal(back.start, work.start)


@FEW
@given(works())
def test_a_png_with_the_photo_brings_everything_back(work):
    assert_same(read_work(picture.to_png(work, PHOTO if work.result is None else work.result)), work)


@FEW
@given(works())
def test_a_light_png_has_all_but_the_photos(work):
    light = Work(work.record, work.collage, {}, work.result)
    data = picture.to_png(light, PHOTO if work.result is None else work.result)
    back = read_work(data)
    assert back.record == work.record and back.collage == work.collage and not back.photos
    assert picture.PHOTO not in data


def a_work(result: bool = True, collage: str | None = None) -> Work:
    empty = {"version": 2, "photo": {"width": WIDTH, "height": HEIGHT}, "segments": [], "layers": []}
    record = Record(
        reference(PHOTO, "dog"), (), {"seed": 7}, ResultFacts("small", "sha256:ab", 7, 2) if result else None
    )
    pixels = 255 - PHOTO if result else None
    return Work(record, collage or json.dumps(empty), {"": photo_file(PHOTO, None)}, pixels)


def test_a_collage_of_many_megabytes_is_in_pieces_that_other_readers_take():
    noise = np.random.default_rng(0).integers(0, 256, (1100, 1100), np.uint8)
    noise[0, 0] = 255
    mask = base64.b64encode(png_bytes(noise)).decode()
    collage = {"version": 2, "photo": {"width": 1100, "height": 1100}, "layers": []}
    collage["segments"] = [
        {"id": "s", "left": 0, "top": 0, "mask": mask},
        {"id": "t", "left": 0, "top": 0, "mask": mask},
    ]
    big = np.zeros((1100, 1100, 3), np.uint8)
    work = Work(Record(reference(big, "big")), json.dumps(collage))
    data = picture.to_png(work, big)
    assert len(work.collage) > 3_000_000
    with Image.open(io.BytesIO(data)) as image:  # Pillow refuses texts of over a megabyte
        assert max(len(text) for text in image.text.values()) < 1_000_000
    assert read_work(data).collage == work.collage


def test_a_png_whose_chunks_were_stripped_is_just_a_picture():
    data = picture.to_png(a_work(), 255 - PHOTO)
    for bare in (png.picture_only(data), png_bytes(255 - PHOTO)):
        assert read_work(bare) is None
        np.testing.assert_array_equal(open_photo(bare), 255 - PHOTO)


def test_a_png_that_another_program_wrote_anew_still_restores():
    """Texts become tEXt or zTXt, move behind the pixels, and the pixels change: the painted result comes back."""
    data = picture.to_png(a_work(), 255 - PHOTO)
    texts = png.texts_of(png.chunks_of(data))
    painted = png_bytes(PHOTO // 3)
    *front, end = png.chunks_of(painted)
    plain = [(b"tEXt", f"{key}\0{text}".encode("latin-1")) for key, text in texts.items() if key != KEYWORD]
    packed = [(b"zTXt", key.encode() + b"\0\0" + zlib.compress(text.encode())) for key, text in texts.items()]
    for chunks in (plain, packed):
        back = read_work(png.png_of([*front, *chunks, end]))
        assert back.collage == a_work().collage and back.record == a_work().record
        np.testing.assert_array_equal(back.result, PHOTO // 3)


def test_a_zip_that_was_unpacked_and_packed_again_still_restores():
    work = a_work()
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(zipped(work))) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(f"my dog/{name}", old.read(name))
        new.writestr("__MACOSX/._settings.json.txt", b"x")
        new.writestr("my dog/.DS_Store", b"x")
    assert_same(read_work(again.getvalue()), work)


def test_the_zip_holds_every_part_as_a_file_that_others_can_read():
    work = a_work()
    with zipfile.ZipFile(io.BytesIO(zipped(work))) as archive:
        names = set(archive.namelist())
        hole = np.asarray(Image.open(archive.open("hole-mask.png")))
        coarse = Image.open(archive.open("coarse-edit.png"))
        json.loads(archive.read("settings.json"))
    assert names == {"settings.json", "collage.json", "photo.png", "coarse-edit.png", "hole-mask.png", "result.png"} | {
        "cutouts/1.png"
    }
    assert coarse.mode == "RGBA" and hole.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("pixels", [PHOTO, np.dstack([PHOTO, PHOTO[..., 0]])])
def test_pictures_say_that_a_model_was_at_work_and_only_then(pixels):
    for work, code in ((a_work(), EDITED_BY_MODEL), (a_work(result=False), EDITED_BY_HAND)):
        with Image.open(io.BytesIO(picture.to_png(work, pixels))) as image:
            np.testing.assert_array_equal(np.asarray(image), pixels)
            assert f'DigitalSourceType="{code}"' in image.info[KEYWORD]
            assert code.encode() in picture.to_png(work, pixels), "readable without unpacking, as XMP in PNG has to be"
            assert image.info["Software"].startswith("Magic Fixup Demo")
            assert ("seed 7" in image.info["Comment"]) == (work.result is not None)
            assert "exif" not in image.info
    assert (
        'AISystemVersionUsed="sha256:ab"'
        in png.texts_of(png.chunks_of(picture.plain_png(PHOTO, a_work().record)))[KEYWORD]
    )


# Hostile and broken files


def rezipped(change: dict[str, bytes | None], more: dict | None = None, **options) -> bytes:
    """The zip of a good work with some files changed, left out (None) or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(zipped(a_work()))) as old, zipfile.ZipFile(buffer, "w", **options) as new:
        for name in old.namelist():
            if change.get(name, b"") is not None:
                new.writestr(name, change.get(name) or old.read(name))
        for name, data in (more or {}).items():
            new.writestr(name, data)
    return buffer.getvalue()


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("photo.jpg")
    info.external_attr = 0o120777 << 16
    return info


def changed_json(data: bytes, **changes) -> bytes:
    return json.dumps(json.loads(data) | changes).encode()


RECORD = record_to_json(a_work().record).encode()
BOMB = b'{"version": 1, "x": "' + b"0" * 60_000_000 + b'"}'
HUGE = png.png_of([(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b"")])
BAD_ZIPS = {
    "slip": rezipped({}, {"../../evil.txt": b"x"}),
    "slip with backslashes": rezipped({}, {"..\\evil.txt": b"x"}),
    "absolute": rezipped({}, {"/etc/passwd": b"x"}),
    "drive": rezipped({}, {"C:evil": b"x"}),
    "link": rezipped({}, {link(): b"/etc/passwd"}),
    "bomb": rezipped({"settings.json": BOMB}, compression=zipfile.ZIP_DEFLATED),
    "many": rezipped({}, {f"cutouts/{i}.png": b"" for i in range(500)}),
    "very many": rezipped({}, {f"cutouts/{i}.png": b"" for i in range(4000)}),
    "unknown packing": rezipped({}, compression=zipfile.ZIP_LZMA),
    "no settings": rezipped({"settings.json": None}),
    "no collage": rezipped({"collage.json": None}),
    "no photo": rezipped({"photo.png": None}),
    "settings of tomorrow": rezipped({"settings.json": changed_json(RECORD, version=2)}),
    "true is no version": rezipped({"settings.json": changed_json(RECORD, version=True)}),
    "a photo of another size": rezipped({"settings.json": changed_json(RECORD, photo={"width": 5, "height": 5})}),
    "no number": rezipped({"collage.json": a_work().collage.replace("48", "NaN").encode()}),
    "collage of tomorrow": rezipped({"collage.json": changed_json(a_work().collage.encode(), version=99)}),
    "not text": rezipped({"collage.json": b"\xff\xfe"}),
    "deep": rezipped({"settings.json": b"[" * 100_000}),
    "a picture as large as a wall": rezipped({"result.png": HUGE}),
    "cut": zipped(a_work())[:-30],
    "cut in front": b"PK\3\4" + zipped(a_work())[400:],
    "empty": b"PK\3\4",
    "comment": zipped(a_work())[:-2] + b"\x05\0hello",
}


@pytest.mark.parametrize("name", BAD_ZIPS)
def test_hostile_zips_are_refused_in_a_sentence(name):
    with pytest.raises(MagicFixupError) as refusal:
        read_work(BAD_ZIPS[name])
    assert str(refusal.value).endswith(".") and "Traceback" not in str(refusal.value) and len(str(refusal.value)) < 250


def test_an_encrypted_zip_is_refused():
    data = bytearray(zipped(a_work()))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = -1
        while (at := data.find(signature, at + 1)) >= 0:
            data[at + offset] |= 1
    with pytest.raises(SavedFileError, match="encrypted"):
        read_work(bytes(data))


@FEW
@given(st.data())
def test_damage_anywhere_is_a_sentence_or_does_no_harm(data):
    files = [zipped(a_work()), picture.to_png(a_work(), 255 - PHOTO)]
    file = bytearray(data.draw(st.sampled_from(files)))
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_work(bytes(file))
    except MagicFixupError as error:
        assert str(error)


def png_with(changes: dict[str, str], more: list | None = None) -> bytes:
    texts = png.texts_of(png.chunks_of(picture.to_png(a_work(), PHOTO))) | changes
    return png.with_chunks(png_bytes(PHOTO), [png.text_chunk(key, text) for key, text in texts.items()] + (more or []))


BAD_PNGS = {
    "version": png_with({"magicfixup": changed_json(RECORD, version=3).decode()}),
    "nonsense": png_with({"magicfixup": "{"}),
    "collage": png_with({"magicfixup-collage": a_work().collage.replace("48", "Infinity")}),
    "bomb": png_with({}, [(b"zTXt", b"bomb\0\0" + zlib.compress(b"0" * 50_000_000))]),
    "kind": png_with({}, [(picture.PHOTO, b"\0exe\0MZ")]),
    "many photos": png_with({}, [(picture.PHOTO, b"%d\0png\0" % i) for i in range(30)]),
    "another photo": png_with({}, [(picture.PHOTO, b"other\0png\0")]),
    "seed": png_with({"magicfixup": changed_json(RECORD, result={"seed": -1, "steps": 1}).decode()}),
    "sources": png_with({"magicfixup": changed_json(RECORD, sources=[{}] * 40).decode()}),
}


@pytest.mark.parametrize("name", BAD_PNGS)
def test_hostile_pngs_are_refused_in_a_sentence(name):
    with pytest.raises(MagicFixupError) as refusal:
        read_work(BAD_PNGS[name])
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("first", [b"x" * 100, b"x" * 101, "\u00e9".encode() * 50])
def test_texts_of_a_png_are_bounded_together(monkeypatch, first):
    monkeypatch.setattr(png, "MAX_TEXT_BYTES", 100)  # the first one leaves nothing for the second
    plain = (b"iTXt", b"first\0\0\0\0\0" + first)
    bomb = (b"zTXt", b"bomb\0\0" + zlib.compress(b"0" * 1_000_000))
    with pytest.raises(SavedFileError, match="too much"):
        png.texts_of([plain, bomb])


def test_settings_that_make_no_sense_are_left_out():
    options = {"seed": 2**40, "steps": "4", "model": ["small"], "prompt": "x" * 5000, "sdedit": 1, "samples": 2, "x": 1}
    assert record_from_json(changed_json(RECORD, options=options)).options == {"samples": 2}


def test_a_photo_of_another_size_in_the_file_is_refused():
    with pytest.raises(SavedFileError):
        opened(photo_file(OTHER, None), reference(PHOTO, "dog"))
