"""The standing pictures: a fixed list of arrangements on real photos, to be looked at by a person after each change.

standing.json lists them. An entry names a photo below the data folder, its ``objects`` (what a person would click:
lists of "points", "exclude" and a "box" in photo pixels) and its ``layers`` ({"object": index, "matrix": [a, b, c, d,
e, f]}, back to front, as in a collage); an object without a layer is deleted. An entry with an ``edit`` instead is an
RGBA picture that another program made of its photo.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np

from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.engine.interface import Engine
from magicfixup_demo.errors import MagicFixupError, OptionError
from magicfixup_demo.evaluation.methods import Method
from magicfixup_demo.images import open_edit, open_photo, resize_edit, save_png
from magicfixup_demo.schema import CoarseEdit, Collage, EditOptions, Layer, Prompt
from magicfixup_demo.segmentation.interface import Embedding, Segmenter
from magicfixup_demo.segmentation.matting import matte

LIST = Path(__file__).with_name("standing.json")
GAP = 8  # pixels between panels
CHECK = 8  # pixels, a square of the pattern that marks holes
CHECK_COLOURS = (255, 0, 255), (90, 0, 90)  # two, since a photo may be pink itself
STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 1rem; color: #222; background: #fff; }
h2 { font-size: 15px; margin: 1.5rem 0 .2rem; } p { margin: 0 0 .4rem; }
div { overflow-x: auto; } img { display: block; max-width: none; }
"""


@dataclass(frozen=True)
class Tools:
    """What all entries are rendered with. ``migan``: MiGan or another method; None for three panels."""

    segmenter: Segmenter
    engine: Engine
    migan: Method | None = None


def standing_entries(only: list[str] | None = None) -> list[dict]:
    """The entries, or those of them that are named. Raises OptionError for a name that is not among them."""
    entries = json.loads(LIST.read_text())
    names = [entry["name"] for entry in entries]
    for name in only or []:
        if name not in names:
            raise OptionError(f"There is no standing picture {name!r}; choose from {', '.join(names)}.")
    return [entry for entry in entries if only is None or entry["name"] in only]


def render_standing(
    entries: list[dict], data: Path, output: Path, tools: Tools, seed: int, say: Callable[[str], object]
) -> list[str]:
    """Write NAME.png, NAME-result.png and NAME-mask.png of each entry to ``output``, and index.html over all there.

    ``say`` gets a line for each entry. Returns the names of those that failed; what is wrong with one stops no other.
    Raises OptionError where nothing can be written.
    """
    failed = []
    _write_page(output)
    for entry in entries:
        started = time.monotonic()
        try:
            hole = _write_entry(entry, data, output, tools, seed)
        except MagicFixupError as error:
            failed.append(entry["name"])
            say(f"{entry['name']}: {error}")
        else:
            say(f"{entry['name']}: {hole:.1%} hole, {time.monotonic() - started:.1f} s")
            _write_page(output)
    return failed


def arrange(entry: dict, data: Path, photo: np.ndarray, segmenter: Segmenter) -> tuple[CoarseEdit, np.ndarray]:
    """An entry's coarse edit, of the photo's size (H, W, 3), and its mask: (H, W) uint8, 255 where an object was.

    Of an edit of another program the mask is its hole. Raises MagicFixupError.
    """
    height, width = photo.shape[:2]
    if "edit" in entry:
        edit = resize_edit(open_edit(data / entry["edit"]), width, height)
        return edit, np.where(edit.hole, 255, 0).astype(np.uint8)
    embedding = segmenter.embed(photo)
    masks = [select(thing, photo, segmenter, embedding) for thing in entry["objects"]]
    segments = tuple(segment_from_mask(str(i), mask) for i, mask in enumerate(masks))
    layers = tuple(
        Layer(id=str(i), segment_id=str(layer["object"]), matrix=tuple(map(float, layer["matrix"])))
        for i, layer in enumerate(entry["layers"])
    )
    return render(photo, Collage(width, height, segments, layers)), np.maximum.reduce(masks)


def select(thing: dict, photo: np.ndarray, segmenter: Segmenter, embedding: Embedding) -> np.ndarray:
    """The opacity, (H, W) uint8, of what the segmenter offers first for an object's clicks, as the page cuts it out."""
    points, exclude = thing.get("points", []), thing.get("exclude", [])
    labels = (True,) * len(points) + (False,) * len(exclude)
    box = tuple(thing["box"]) if "box" in thing else None
    prompt = Prompt(tuple((x, y) for x, y in points + exclude), labels, box)
    return matte(photo, segmenter.candidates(embedding, prompt)[0].mask)


def shown(edit: CoarseEdit) -> np.ndarray:
    """The arrangement, (H, W, 3) uint8, over a checker pattern that shows through its holes."""
    y, x = np.indices(edit.alpha.shape) // CHECK
    pattern = np.array(CHECK_COLOURS, np.float32)[(x + y) % 2]
    opacity = edit.alpha[..., None].astype(np.float32) / 255
    return np.rint(edit.rgb * opacity + pattern * (1 - opacity)).astype(np.uint8)


def side_by_side(pictures: list[np.ndarray]) -> np.ndarray:
    """(H, W, 3) uint8 each -> (H, n W + gaps, 3) uint8, unscaled."""
    gap = np.full((pictures[0].shape[0], GAP, 3), 255, np.uint8)
    return np.hstack([part for picture in pictures for part in (gap, picture)][1:])


def _write_entry(entry: dict, data: Path, output: Path, tools: Tools, seed: int) -> float:
    """Render one entry; returns the share of it that is hole."""
    photo = open_photo(data / entry["photo"])
    edit, mask = arrange(entry, data, photo, tools.segmenter)
    result = tools.engine.fixup(photo, edit, EditOptions(sdedit=False, seed=seed)).images[0]
    panels = [photo, shown(edit), result]
    if tools.migan:
        panels.append(tools.migan(photo, edit, seed))
    save_png(output / f"{entry['name']}-mask.png", mask)
    save_png(output / f"{entry['name']}-result.png", result)
    save_png(_sheet(output, entry), side_by_side(panels))
    return float(edit.hole.mean())


def _sheet(output: Path, entry: dict) -> Path:
    return output / f"{entry['name']}.png"


def _write_page(output: Path) -> None:
    """Write index.html over the sheets that are there, those of earlier runs too."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        (output / "index.html").write_text(
            _page([entry for entry in standing_entries() if _sheet(output, entry).exists()])
        )
    except OSError as error:
        raise OptionError(f"Cannot write to {output}: {error.strerror or error}; choose another folder.") from error


def _page(entries: list[dict]) -> str:
    """HTML that shows the entries' sheets, a pixel of the photo for a pixel of the page."""
    head = f'<meta charset="utf-8"><title>Standing pictures</title><style>{STYLE}</style>'
    intro = "<p>Photo, arrangement (checks: holes), result, and MI-GAN alone where it was asked for. All at 100 %.</p>"
    body = [intro, *(_row(quote(entry["name"]), escape(entry["note"])) for entry in entries)]
    lines = ["<!doctype html>", '<html lang="en">', f"<head>{head}</head>", "<body>", *body, "</body>", "</html>", ""]
    return "\n".join(lines)


def _row(name: str, note: str) -> str:
    links = " ".join(f'<a href="{name}-{what}.png">{what}</a>' for what in ("result", "mask"))
    return f'<h2>{name}</h2>\n<p>{note} {links}</p>\n<div><img loading="lazy" src="{name}.png" alt="{note}"></div>'
