"""What programs may ask for: segment, render, fixup and lift, through gradio_client and as MCP tools.

Every call brings its photo and is complete in itself: nothing is shared with the visits of the page. The docstrings are
what clients and language models read.
"""

import functools
import inspect
from collections.abc import Callable

import gradio as gr
import numpy as np
from gradio import FileData
from gradio.context import LocalContext

from magicfixup_demo.collage_json import MAX_SOURCES
from magicfixup_demo.errors import Cancelled, SegmentationError
from magicfixup_demo.images import png_bytes
from magicfixup_demo.schema import CoarseEdit
from magicfixup_demo.segmentation.matting import matte
from magicfixup_demo.serving.events import telling
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.answer_files import answer_file
from magicfixup_demo.ui.api_collage import MOST_SELECTED, complete, with_names
from magicfixup_demo.ui.drawing import draw
from magicfixup_demo.ui.fixing import check_changed, piece_of, turn_to_fix
from magicfixup_demo.ui.lifting import lifted_png, objects_of
from magicfixup_demo.ui.payload import checked_seed, options_from, prompt_from
from magicfixup_demo.ui.result_file import result_png
from magicfixup_demo.ui.services import Services
from magicfixup_demo.ui.telling import sentence_of

SEGMENTS_AT_ONCE = 2
EVENTS = {"segment": "click", "render": "render", "fixup": "fixup", "lift": "lift"}


class Api:
    """The four functions over ``services``; their signatures are the endpoints' types."""

    def __init__(self, services: Services):
        self._services = services

    def segment(
        self,
        photo: FileData,
        points: list[list[float]] | None = None,
        exclude: list[list[float]] | None = None,
        box: list[float] | None = None,
        soft: bool = False,
    ) -> FileData:
        """Cut an object out of a photo: points or a box on it -> its mask, a grey PNG of the photo's size, 255 inside.

        Args:
            photo: The photo (JPEG, PNG, WebP, GIF, BMP or TIFF): an upload, or a data: URL. Addresses are not fetched.
            points: Pixels on the object, each [x, y] from the photo's top left corner.
            exclude: Pixels that are not the object, each [x, y].
            box: [left, top, right, bottom] around the object in pixels, in place of points or beside them.
            soft: Whether the edge is soft, as in the cut-outs of render and fixup; else all is 0 or 255.

        Returns:
            The mask as a PNG file.
        """
        image = self._services.uploads.read(photo)
        mask = self._mask(image, points, exclude, box)
        return answer_file(png_bytes(matte(image, mask) if soft else mask), "mask")

    def render(self, photo: FileData, collage: dict, sources: list[FileData] | None = None) -> FileData:
        """Rearrange objects of a photo without repairing it: a quick look before fixup. Moved objects leave holes.

        Args:
            photo: The photo: an upload, or a data: URL. Addresses are not fetched.
            collage: {"segments": [...], "layers": [...]}. A segment is an object cut out of the photo: {"id": "dog",
                "points": [[x, y]]} lets the server find it (also "exclude" and "box", as in segment), or give "left",
                "top" and "mask", the base64 of a grey PNG. A layer shows a segment, the first one furthest back: {"id":
                "1", "segment": "dog", "matrix": [a, b, c, d, e, f]} takes pixel (x, y) to (a x + c y + e, b x + d y +
                f), so [1, 0, 0, 1, 50, 0] moves it 50 pixels to the right. A segment without a layer is removed.
            sources: Other photos to take objects from: as many as the collage names in "sources": [{"id": "park"}], in
                that order. A segment with "source": "park" is cut from there, in that photo's pixels.

        Returns:
            The arrangement as a PNG file of the photo's size; alpha 0 marks the holes.
        """
        edit, _ = self._edit(photo, collage, sources)
        return answer_file(png_bytes(edit.rgba), "arrangement")

    def fixup(
        self,
        photo: FileData,
        collage: dict,
        model: str = "",
        seed: int = 0,
        steps: int | None = None,
        sampler: str = "",
        sources: list[FileData] | None = None,
    ) -> FileData:
        """Rearrange objects of a photo and make a realistic photo of it: holes filled, light and shadows adapted.

        Args:
            photo: The photo: an upload, or a data: URL. Addresses are not fetched.
            collage: {"segments": [...], "layers": [...]}, as in render.
            model: A model of this server by name, "small" for one; empty for its default.
            seed: 0 to 4294967295; the same seed gives the same picture.
            steps: How many denoising steps; null for the model's own number.
            sampler: One of the model's samplers by name; empty for its default.
            sources: Other photos to take objects from, as in render.

        Returns:
            The photo as a PNG file of its full size; its metadata say that AI edited it, with which model and seed.
        """
        edit, image = self._edit(photo, collage, sources)
        check_changed(image, edit)
        report = _reporter()
        engine = self._services.engines.get(model or None, report)
        asked = {"seed": seed, "steps": steps, "sampler": sampler}
        options = options_from(asked, engine.info, sdedit=False)
        with turn_to_fix(self._services, "", report, piece_of(engine, image, edit, options)):
            result = engine.fixup(image, edit, options, report)
        licence = self._services.engines.catalogue.licence_of(result.model)
        return answer_file(result_png(image, result, licence), "result")

    def lift(
        self,
        photo: FileData,
        masks: list[FileData] | None = None,
        points: list[list[float]] | None = None,
        seed: int = 0,
    ) -> FileData:
        """Remove objects from a photo: what stood behind them is filled anew, all else stays as it is.

        Name the objects by masks, by points, or by both. To move an object instead of removing it, use fixup.

        Args:
            photo: The photo: an upload, or a data: URL. Addresses are not fetched.
            masks: Pictures of the photo's size, white where an object is to be removed, as segment returns them.
            points: Pixels, each [x, y] on another object to be removed; the server finds each object by itself.
            seed: 0 to 4294967295; the same seed gives the same picture, another one other ground.

        Returns:
            The photo as a PNG file of its full size; its metadata say that AI edited it, with which model and seed.
        """
        image = self._services.uploads.read(photo)
        objects = self._objects(image, _listed(masks), _listed(points))
        return answer_file(lifted_png(self._services, image, objects, checked_seed(seed), _reporter()), "lifted")

    def _edit(self, photo: object, collage: object, sources: object) -> tuple[CoarseEdit, np.ndarray]:
        read = self._services.uploads.read
        files = sources[: MAX_SOURCES + 1] if isinstance(sources, list) else []  # one too many is enough to be refused
        image, pictures = read(photo), [read(file) for file in files]
        named = with_names(collage, pictures)
        completed = complete(collage, image, named, self._selected)
        return draw(self._services, "", image, completed, named, _reporter()), image

    def _selected(self, picture: np.ndarray, segment: dict) -> np.ndarray:
        mask = self._mask(picture, segment.get("points"), segment.get("exclude"), segment.get("box"))
        return matte(picture, mask)

    def _objects(self, image: np.ndarray, masks: list, points: list) -> list[np.ndarray]:
        """(H, W) bool: what is white in a mask, and the object under each point. Raises MagicFixupError."""
        if not masks and not points:
            raise SegmentationError(strings.NOTHING_TO_LIFT)
        if len(points) > MOST_SELECTED:
            raise SegmentationError(strings.MANY_TO_FIND.format(most=MOST_SELECTED))
        objects = objects_of(self._services.uploads, masks, image)
        for point in points:
            objects.append(self._mask(image, [point], None, None) > 0)
        return objects

    def _mask(self, image: np.ndarray, points: object, exclude: object, box: object) -> np.ndarray:
        """(H, W) uint8, 255 inside what the segmenter offers first."""
        prompt = prompt_from({"points": _labelled(points, True) + _labelled(exclude, False), "box": box})
        segmenter = self._services.segmenter.start().result()
        candidate = segmenter.candidates(self._services.embed(image, _reporter()), prompt)[0]
        return np.where(candidate.mask, 255, 0).astype(np.uint8)


def add_api(services: Services, fixups: dict) -> None:
    """Add the endpoints to the page that is being built; ``fixups``: the limits that fix-ups of the page have too."""
    api = Api(services)
    few = {"concurrency_limit": SEGMENTS_AT_ONCE, "concurrency_id": "api"}
    for function, limits in ((api.segment, few), (api.render, few), (api.fixup, fixups), (api.lift, fixups)):
        gr.api(_saying(function), api_name=function.__name__, **limits)


def _saying(function: Callable) -> Callable:
    """The same, with errors of ours as Gradio's, which clients get to read."""

    @functools.wraps(function)
    def said(*args, **options):
        try:
            with telling(EVENTS[function.__name__], "program"):
                return function(*args, **options)
        except Exception as error:
            raise gr.Error(sentence_of(error, function.__name__), print_exception=False) from error

    said.__signature__ = inspect.signature(function)
    return said


def _labelled(points: object, include: bool) -> list:
    """[[x, y], ...] -> [[x, y, include], ...]; anything else is left for prompt_from to refuse."""
    return [[*row, include] if isinstance(row, list) else row for row in _listed(points)]


def _listed(value: object) -> list:
    """A list as it is; what stands alone as a list of one."""
    return value if isinstance(value, list) else [value] if value else []


def _reporter() -> Callable[[float, str], None]:
    """Progress for the client of this call."""
    return functools.partial(_report, gr.Progress())  # gr.api takes none as an argument


def _report(progress: gr.Progress, fraction: float, text: str) -> None:
    """Raises Cancelled where nobody waits for the answer any more."""
    if _caller_left():
        raise Cancelled("Stopped.")
    progress(fraction, desc=text)


def _caller_left() -> bool:
    """Whether the client whose call this thread answers has closed its connection: Gradio only marks such a call."""
    page, call = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    waiting = [event for events in page._queue.active_jobs if events for event in events] if page else []
    return any(event._id == call and not event.alive for event in waiting)
