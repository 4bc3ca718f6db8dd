"""What a result's file says of how it was made; and a result as a file, for those who have no page around it."""

import numpy as np

from magicfixup_demo.saving.credentials import signed
from magicfixup_demo.saving.photos import pixels_sha256
from magicfixup_demo.saving.picture import plain_png
from magicfixup_demo.saving.record import PhotoReference, Record, ResultFacts
from magicfixup_demo.schema import EditResult


def facts_of(result: EditResult, seed: int, licence: str) -> ResultFacts:
    """About the picture of ``result`` with that seed; ``licence``: its model's."""
    from magicfixup_demo.engine.revisions import model_revision  # torch: not before the page is up

    return ResultFacts(
        model=result.model,
        revision=model_revision(result.model),
        seed=seed,
        steps=result.steps,
        seconds=round(result.seconds - result.sdedit_seconds, 2),
        licence=licence,
    )


def result_png(photo: np.ndarray, result: EditResult, licence: str) -> bytes:
    """The first picture of ``result`` as PNG, marked as edited by AI. photo: (H, W, 3) uint8."""
    return edited_png(photo, result.images[0], facts_of(result, result.seed, licence))


def edited_png(photo: np.ndarray, picture: np.ndarray, facts: ResultFacts) -> bytes:
    """What a model made of a photo, as PNG, marked as edited by AI. photo, picture: (H, W, 3) uint8."""
    height, width = photo.shape[:2]
    reference = PhotoReference("photo", width, height, pixels_sha256(photo))
    return signed(plain_png(picture, Record(photo=reference, result=facts)), facts.model)
