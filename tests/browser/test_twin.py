"""The page's renderer against collage.py: the same collage, drawn by both, without the page around it."""

import base64
import io
import json
import mimetypes
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from browser.fakes import FakeEffects
from magicfixup_demo.affine import IDENTITY, compose, rotation, scaling, translation
from magicfixup_demo.collage import render, whole_mask
from magicfixup_demo.collage_json import collage_to_json
from magicfixup_demo.engine.arrangement import laid_over
from magicfixup_demo.engine.composite import Box
from magicfixup_demo.engine.effects import Shadow, laid
from magicfixup_demo.engine.plate import Plate, cleared, lifted, removed_objects, removed_segments
from magicfixup_demo.images import png_bytes
from magicfixup_demo.schema import Collage, Layer, Segment, Source
from magicfixup_demo.ui import live
from magicfixup_demo.ui.live import patches_of, prepared_of, shadow_record

WEB = Path(__file__).resolve().parents[2] / "magicfixup_demo" / "web"
ADDRESS = "http://editor.test/"
WIDTH, HEIGHT = 300, 200

DRAW = """async ({ json, photos, patches, shadows, address }) => {
  const { decodePicture, makeCanvas, makeSegment, readMask } = await import(address + "canvas/masks.js");
  const { drawScene } = await import(address + "canvas/render.js");
  const { readShadow } = await import(address + "canvas/shadows.js");
  const { removedSegments } = await import(address + "model/collage.js");
  const { Plates } = await import(address + "live/plates.js");
  const record = JSON.parse(json);
  const opened = {};
  for (const [id, { url, width, height }] of Object.entries(photos)) {
    const bitmap = await decodePicture(url);
    opened[id] = { id, width, height, bitmap, scale: bitmap.width / width };
  }
  const segments = await Promise.all(record.segments.map(async (segment) => {
    const photo = opened[segment.source ?? ""];
    return { ...makeSegment(segment.id, await readMask(segment, photo), photo), source: segment.source };
  }));
  const { "": photo, ...sources } = opened;
  const canvas = makeCanvas(photo.bitmap.width, photo.bitmap.height);
  const context = canvas.getContext("2d");
  const state = { photo, sources: Object.values(sources), segments, layers: record.layers };
  const plates = new Plates();
  const decoded = patches.map(async ({ picture, ...patch }) => ({ ...patch, image: await decodePicture(picture) }));
  const found = await Promise.all(shadows.map(readShadow));
  if (patches.length) plates.add(state, removedSegments(state), await Promise.all(decoded), found);
  drawScene(context, state, plates);
  return canvas.toDataURL("image/png");
}"""


@pytest.fixture(scope="module")
def page(chromium):
    """A page with nothing on it that can import the editor's modules."""
    page = chromium.new_page()

    def answer(route):
        path = WEB / route.request.url.removeprefix(ADDRESS)
        if path.is_file():
            route.fulfill(body=path.read_bytes(), content_type=mimetypes.guess_type(path.name)[0])
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page.route(ADDRESS + "**", answer)
    page.goto(ADDRESS)
    yield page
    page.close()


def drawn(
    page,
    photo: np.ndarray,
    collage: Collage,
    sources: dict | None = None,
    shown: float = 1.0,
    patches: Sequence[dict] = (),
    shadows: Sequence[dict] = (),
) -> np.ndarray:
    """What the page makes of it, (h, w, 4) uint8; ``shown``: size at which it has the photo itself.

    ``patches``, ``shadows``: of its plate, as the server sends them.
    """

    def sent(picture: np.ndarray, scale: float) -> dict:
        height, width = picture.shape[:2]
        small = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        url = "data:image/png;base64," + base64.b64encode(png_bytes(small)).decode()
        return {"url": url, "width": width, "height": height}

    photos = {"": sent(photo, shown)} | {name: sent(picture, 1.0) for name, picture in (sources or {}).items()}
    found = {"patches": list(patches), "shadows": list(shadows)}
    asked = {"json": collage_to_json(collage), "photos": photos, "address": ADDRESS}
    data = page.evaluate(DRAW, asked | found)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGBA"))


def agree(shown: np.ndarray, expected: np.ndarray, slack: int = 1, most: float = 8) -> None:
    """Premultiplied, each pixel lies in the range of its neighbours within ``slack`` pixels, but for rounding."""
    pictures = []
    for rgba in (shown, expected):
        rgba = rgba.astype(np.float32)
        pictures.append(np.dstack([rgba[..., :3] * rgba[..., 3:] / 255, rgba[..., 3:]]))
    kernel = np.ones((2 * slack + 1, 2 * slack + 1), np.uint8)
    low, high = cv2.erode(pictures[1], kernel), cv2.dilate(pictures[1], kernel)
    outside = np.maximum(low - pictures[0], pictures[0] - high).max(axis=2)
    assert np.quantile(outside, 0.999) <= most
    assert np.abs(pictures[0] - pictures[1]).mean() <= 2.5


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """Smooth colours, so that a shift of a fraction of a pixel is a small difference and a wrong place a large one."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = 128 + 90 * np.sin(columns / 19), 128 + 90 * np.cos(rows / 13), 60 + (rows + columns) / 3
    return np.clip(np.dstack(planes), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def dark_on_green(photo) -> tuple[np.ndarray, Segment]:
    """A photo with a dark soft disc, and that disc as a segment."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    cover = np.clip(0.5 + (42 - np.hypot(columns - 80, rows - 90)) / 5, 0, 1)
    picture = np.rint(photo * (1 - cover[..., None]) + np.array([60, 30, 20]) * cover[..., None]).astype(np.uint8)
    mask = np.rint(cover * 255).astype(np.uint8)
    left, top, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
    return picture, Segment("disc", left, top, mask[top : top + height, left : left + width].copy())


def block(left: int, top: int, width: int, height: int, **more) -> Segment:
    return Segment(more.pop("id", "block"), left, top, np.full((height, width), 255, np.uint8), **more)


def one(segment: Segment, *layers: Layer, sources=()) -> Collage:
    return Collage(WIDTH, HEIGHT, (segment,), layers, tuple(sources))


MOVES = {
    "moved": translation(90, 31),
    "turned": compose(rotation(0.5, (110, 90)), translation(60, 10)),
    "larger": scaling(1.6, 1.3, (60, 60)),
    "smaller": compose(translation(80, 10), scaling(0.4, 0.6, (80, 90))),
    "flipped": compose(translation(70, 0), scaling(-1, 1, (80, 90))),
}
TILT = ((14.0, 6.0), (-22.0, 3.0), (9.0, 12.0), (-16.0, -5.0))


@pytest.mark.parametrize("name", MOVES)
def test_moved_layers(page, dark_on_green, name):
    picture, disc = dark_on_green
    for distort, opacity in ((None, 1.0), (TILT, 1.0), (None, 0.4)):
        collage = one(disc, Layer("l", "disc", MOVES[name], distort, opacity=opacity))
        agree(drawn(page, picture, collage), render(picture, collage).rgba)


def test_a_distort_alone_and_a_strong_one(page, photo):
    far = ((40.0, 20.0), (-40.0, 20.0), (30.0, 0.0), (-30.0, 0.0))
    for distort in (TILT, far):
        collage = one(block(40, 40, 110, 80), Layer("l", "block", IDENTITY, distort))
        agree(drawn(page, photo, collage), render(photo, collage).rgba)


def test_hidden_layers_and_holes(page, dark_on_green):
    picture, disc = dark_on_green
    collage = one(disc, Layer("l", "disc", hidden=True))
    shown, expected = drawn(page, picture, collage), render(picture, collage).rgba
    assert np.array_equal(shown[..., 3], expected[..., 3])


def test_an_object_in_its_place_leaves_no_trace(page, dark_on_green):
    picture, disc = dark_on_green
    shown = drawn(page, picture, one(disc, Layer("l", "disc")))
    assert np.array_equal(shown[..., :3], picture) and (shown[..., 3] == 255).all()


def test_a_soft_object_in_its_place_before_another_layer(page, dark_on_green):
    picture, disc = dark_on_green
    behind = block(200, 40, 70, 70, id="behind")
    layers = (Layer("b", "behind", translation(-110, 15)), Layer("d", "disc"))
    collage = Collage(WIDTH, HEIGHT, (disc, behind), layers)
    shown, expected = drawn(page, picture, collage).astype(int), render(picture, collage).rgba.astype(int)
    assert np.abs(shown - expected).max() <= 4


def test_soft_edges_have_the_same_colours(page, dark_on_green):
    """Moved by whole pixels, so that nothing but the estimate of the colours can differ."""
    picture, disc = dark_on_green
    collage = one(disc, Layer("l", "disc", translation(120, 20)))
    shown, expected = drawn(page, picture, collage).astype(int), render(picture, collage).rgba.astype(int)
    assert np.abs(shown - expected)[expected[..., 3] == 255].max() <= 4


def plate_of(photo: np.ndarray, collage: Collage) -> tuple[np.ndarray, np.ndarray]:
    """A ground of other colours that is the photo at its border, (H, W, 3) uint8, and the hole, (H, W) bool."""
    hole = lifted(removed_objects(collage))
    share = np.clip(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5) / 4, 0, 1)[..., None]
    ground = photo[:, ::-1] // 2 + 60
    return np.rint(photo * (1 - share) + ground * share).astype(np.uint8), hole


@pytest.mark.parametrize("matrix", [MOVES["moved"], MOVES["turned"], translation(9, 4)])
def test_layers_over_a_plate(page, dark_on_green, matrix):
    """One stands over the margin of its own old place, and a soft one stands still over that of another."""
    picture, disc = dark_on_green
    beside = block(124, 70, 40, 50, id="beside")
    layers = (Layer("d", "disc", matrix), Layer("b", "beside"))
    still = (Layer("d", "disc"), Layer("b", "beside", matrix))
    pair = (disc, beside)
    for collage in (one(disc, layers[0]), *(Collage(WIDTH, HEIGHT, pair, shown) for shown in (layers, still))):
        plate, hole = plate_of(picture, collage)
        patches = patches_of(Plate(plate, hole), picture, collage)
        expected = laid_over(render(picture, collage, lifted=hole), plate)
        shown = drawn(page, picture, collage, patches=patches)
        assert (shown[..., 3] == 255).all(), "no hole is left"
        agree(shown, np.dstack([expected, shown[..., 3]]))


def shaded(page, picture: np.ndarray, collage: Collage, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """What the page shows of a collage whose objects have shadows, and what Python makes of it; (h, w, 4) uint8."""
    objects = {one.id: whole_mask(one, HEIGHT, WIDTH) for one in removed_segments(collage)}
    found = {name: FakeEffects().of(picture, mask) for name, mask in objects.items()}
    lit, hole = cleared(picture, list(objects.values()), list(found.values()))
    ground = np.where(hole[..., None], cv2.blur(lit, (31, 31)), lit)
    plate = Plate(ground, hole, tuple(found.values()))
    edit = render(
        lit, collage, lifted=hole, shadow_of=lambda layer: laid(found[layer.segment_id], layer, WIDTH, HEIGHT)
    )
    shown = drawn(page, picture, collage, shown=scale, **prepared_of(plate, picture, collage))
    return shown, np.dstack([laid_over(edit, ground), np.full((HEIGHT, WIDTH), 255, np.uint8)])


STRENGTHS = {"as found": (1.0, 0.0), "strong and soft": (1.5, 1.0), "faint": (0.4, 0.3), "none": (0.0, 0.5)}


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("name", MOVES)
def test_a_shadow_goes_along(page, dark_on_green, name, strength):
    picture, disc = dark_on_green
    shadow, softness = STRENGTHS[strength]
    for distort, opacity in ((None, 1.0), (TILT, 0.6)):
        layer = Layer("l", "disc", MOVES[name], distort, opacity=opacity, shadow=shadow, softness=softness)
        agree(*shaded(page, picture, one(disc, layer)))


def test_a_shadow_falls_on_what_lies_below_its_layer_alone(page, dark_on_green):
    picture, disc = dark_on_green
    pair = (disc, block(200, 40, 70, 70, id="block"))
    layers = (Layer("d", "disc", translation(80, -50)), Layer("b", "block", translation(-20, 50)))
    shown = []
    for order in (layers, layers[::-1]):
        page_shows, expected = shaded(page, picture, Collage(WIDTH, HEIGHT, pair, order))
        agree(page_shows, expected)
        shown.append(page_shows.astype(int).sum(axis=2))
    x, y = 195, 95  # of the block, under the disc's foot
    assert shown[1][y, x] < shown[0][y, x] - 20


@pytest.mark.parametrize("matrix", [IDENTITY, translation(60, -40)])
def test_an_object_is_lit_once_another_takes_its_shadow_away(page, dark_on_green, matrix):
    picture, disc = dark_on_green
    beside = block(60, 140, 70, 40, id="block")
    layers = (Layer("b", "block", matrix), Layer("d", "disc", translation(120, -30)))
    shown, expected = shaded(page, picture, Collage(WIDTH, HEIGHT, (disc, beside), layers))
    agree(shown, expected)
    x, y = round(90 + matrix[4]), round(145 + matrix[5])
    assert shown[y, x, :3].astype(int).sum() > 1.2 * picture[145, 90].astype(int).sum()


def test_a_shadow_of_a_photo_shown_smaller_than_it_is(page, dark_on_green, monkeypatch):
    picture, disc = dark_on_green
    size = (WIDTH // 2, HEIGHT // 2)
    monkeypatch.setattr(live, "display_size", lambda width, height: size)
    shown, expected = shaded(page, picture, one(disc, Layer("l", "disc", translation(90, 20))), scale=0.5)
    agree(shown, cv2.resize(expected, size, interpolation=cv2.INTER_AREA), most=12)


COVERAGE = """async ({ record, strength, softness, address }) => {
  const { coverageOf, readShadow } = await import(address + "canvas/shadows.js");
  return [...coverageOf(await readShadow(record), strength, softness)];
}"""


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_coverage_of_a_shadow(page, strength):
    taken = np.random.default_rng(0).integers(0, 256, (40, 60)).astype(np.float32) / 255
    shadow = Shadow(Box(10, 20, 130, 100), taken, (60, 60), 55)
    asked = dict(zip(("strength", "softness"), STRENGTHS[strength], strict=True))
    made = page.evaluate(COVERAGE, {"record": shadow_record(shadow, 1.0), "address": ADDRESS} | asked)
    assert np.abs(np.reshape(made, taken.shape) - shadow.coverage(*STRENGTHS[strength])).max() < 1e-4


def test_objects_of_another_photo(page, photo):
    guest = np.ascontiguousarray(photo[::-1, :180])
    segment = block(100, 30, 60, 50, source="p2")
    for distort in (None, TILT):
        layer = Layer("l", "block", compose(translation(40, 60), scaling(1.2, 0.9)), distort)
        collage = one(segment, layer, sources=[Source("p2", 180, HEIGHT)])
        expected = render(photo, collage, {"p2": guest}).rgba
        agree(drawn(page, photo, collage, {"p2": guest}), expected)


def test_a_photo_shown_smaller_than_it_is(page, photo):
    """The page has half its pixels of the photo, and all of the other photo's."""
    guest = np.ascontiguousarray(photo[::-1, :180])
    segments = (block(20, 20, 90, 70, id="own"), block(100, 30, 60, 50, source="p2"))
    layers = (Layer("a", "own", translation(60, 40), TILT), Layer("b", "block", translation(90, 0), TILT))
    collage = Collage(WIDTH, HEIGHT, segments, layers, (Source("p2", 180, HEIGHT),))
    shown = drawn(page, photo, collage, {"p2": guest}, shown=0.5)
    agree(shown, halved(render(photo, collage, {"p2": guest})), most=12)


def test_a_soft_edge_shown_smaller_than_it_is(page, dark_on_green):
    picture, disc = dark_on_green
    collage = one(disc, Layer("l", "disc", translation(120, 20)))
    agree(drawn(page, picture, collage, shown=0.5), halved(render(picture, collage)), most=12)


def halved(edit) -> np.ndarray:
    """A coarse edit at half its size, (h, w, 4) uint8."""
    premultiplied = edit.rgba.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255
    small = cv2.resize(premultiplied, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small[..., :3] /= np.maximum(small[..., 3:], 1) / 255
    return np.clip(np.rint(small), 0, 255)


def test_the_page_keeps_one_number_for_the_cut(page):
    from magicfixup_demo.collage import CUT_THRESHOLD

    assert page.evaluate(f'import("{ADDRESS}canvas/masks.js").then(({{ CUT }}) => CUT)') == CUT_THRESHOLD
    assert json.loads(collage_to_json(one(block(1, 1, 2, 2))))["version"] == 3
