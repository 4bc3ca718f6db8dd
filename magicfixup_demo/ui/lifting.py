"""Objects removed from a photo for programs: always by the embedded model, whichever repairs arrangements here."""

import time

import numpy as np

from magicfixup_demo.collage_json import MAX_MASK_PIXELS, MAX_SEGMENTS
from magicfixup_demo.engine.choice import FALLBACK
from magicfixup_demo.engine.interface import Progress
from magicfixup_demo.errors import ModelError, SegmentationError
from magicfixup_demo.saving.record import ResultFacts
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.fixing import is_large, turn_to_fix
from magicfixup_demo.ui.lines import Piece
from magicfixup_demo.ui.result_file import edited_png
from magicfixup_demo.ui.services import Services
from magicfixup_demo.ui.uploads import UploadedPhotos

STEPS = 1  # of what is lifted, as in the record of a fix-up by the same model


def objects_of(uploads: UploadedPhotos, files: list, photo: np.ndarray) -> list[np.ndarray]:
    """(H, W) bool each: what is white in the files, which are masks of objects of a photo, (H, W, 3).

    Raises SegmentationError for too many, and for the first that cannot be used; PhotoError for no upload.
    """
    height, width = photo.shape[:2]
    most = min(MAX_SEGMENTS, MAX_MASK_PIXELS // (height * width))  # as in a collage
    if len(files) > most:
        raise SegmentationError(strings.MANY_MASKS.format(most=most))
    objects = []
    for number, file in enumerate(files, 1):
        try:
            objects.append(uploads.read_mask(file, width, height))
        except SegmentationError as problem:
            raise SegmentationError(strings.MASK_OF_MANY.format(number=number, problem=problem)) from problem
    return objects


def lifted_png(services: Services, photo: np.ndarray, objects: list[np.ndarray], seed: int, report: Progress) -> bytes:
    """The photo without some objects, made in its turn, as a PNG that says that AI edited it.

    photo: (H, W, 3) uint8; objects: (H, W) bool each. ``report`` may raise to stop. Raises MagicFixupError.
    """
    from magicfixup_demo.engine.revisions import model_revision  # torch: not before the page is up

    engine = services.engines.get(FALLBACK, report)
    name = engine.info.name
    if not hasattr(engine, "lift"):
        raise ModelError(strings.CANNOT_LIFT.format(name=name))
    with turn_to_fix(services, "", report, Piece(aside=is_large(photo))):
        begun = time.monotonic()
        plate = engine.lift(photo, objects, seed, report).rgb
        seconds = round(time.monotonic() - begun, 2)
    licence = services.engines.catalogue.licence_of(name)
    return edited_png(photo, plate, ResultFacts(name, model_revision(name), seed, STEPS, seconds, licence))
