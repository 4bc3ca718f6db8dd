"""What travels between browser and server <-> the records of schema.py. All coordinates are photo pixels."""

import base64
import io
import math

import numpy as np
from PIL import Image

from magicfixup_demo.collage import segment_from_mask
from magicfixup_demo.collage_json import mask_to_base64
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.errors import OptionError, SegmentationError
from magicfixup_demo.images import resize
from magicfixup_demo.limits import MAX_SEED, sample_seed
from magicfixup_demo.schema import EditOptions, EditResult, MaskCandidate, Prompt
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.background import Background
from magicfixup_demo.ui.engines import Offer

DISPLAY_SIDE = 1600
MAX_PROMPT = 300
MOST_VARIANTS = 4
MOST = 1e9  # larger numbers name no pixel; JSON has whole ones that no float can hold


def display_size(width: int, height: int) -> tuple[int, int]:
    """Size of the picture that the browser gets: the photo's own, or its long side brought down to DISPLAY_SIDE."""
    scale = min(1.0, DISPLAY_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def picture_url(picture: np.ndarray) -> str:
    """(H, W, 3) uint8 -> data URL of a display-sized JPEG; full-resolution chroma, so that cut edges stay crisp."""
    return jpeg_url(resize(picture, *display_size(picture.shape[1], picture.shape[0])))


def jpeg_url(picture: np.ndarray) -> str:
    """(h, w, 3) uint8 -> data URL of a JPEG of that size."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=93, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def prompt_from(record: object) -> Prompt:
    """{"points": [[x, y, include]], "box": [x0, y0, x1, y1] | null} -> Prompt; the segmenter checks the ranges.

    Raises SegmentationError when it has another shape.
    """
    record = record if isinstance(record, dict) else {}
    points, box = record.get("points") or [], record.get("box") or None
    if not isinstance(points, list) or not all(_is_row(point, 3) for point in points):
        raise SegmentationError(strings.BAD_REQUEST)
    if box is not None and not _is_row(box, 4):
        raise SegmentationError(strings.BAD_REQUEST)
    return Prompt(
        points=tuple((float(x), float(y)) for x, y, _ in points),
        labels=tuple(bool(include) for _, _, include in points),
        box=None if box is None else tuple(float(value) for value in box),
    )


def candidate_record(candidate: MaskCandidate) -> dict:
    """A mask -> its box in photo pixels and a PNG of it, at display size when the photo is larger than that."""
    height, width = candidate.mask.shape
    segment = segment_from_mask("s", candidate.mask)
    box_height, box_width = segment.mask.shape
    scale = display_size(width, height)[0] / width
    shown = resize(segment.mask, math.ceil(box_width * scale), math.ceil(box_height * scale))
    return {
        "left": segment.left,
        "top": segment.top,
        "width": box_width,
        "height": box_height,
        "mask": mask_to_base64(np.where(shown >= 128, 255, 0).astype(np.uint8)),
        "area": int(candidate.mask.sum()),
        "score": round(float(candidate.score), 4),
    }


def options_from(record: object, info: EngineInfo, sdedit: bool = True) -> EditOptions:
    """{"seed", "steps", "sampler", "prompt", "sdedit", "samples"}, null or missing for the defaults -> EditOptions.

    Raises OptionError. A comparison that needs a download is made only where it was asked for. A prompt for a model
    that takes none is left out: people may go from one model to another with the text still there.
    """
    record = record if isinstance(record, dict) else {}
    seed, steps = checked_seed(record.get("seed", 0)), record.get("steps")
    if steps is not None and (not _is_whole(steps) or not 1 <= steps <= info.max_steps):
        raise OptionError(f"Steps must be a whole number from 1 to {info.max_steps}.")
    samples = 1 if record.get("samples") is None else record["samples"]
    if not _is_whole(samples) or not 1 <= samples <= MOST_VARIANTS:
        raise OptionError(f"Variants must be a whole number from 1 to {MOST_VARIANTS}.")
    sampler, prompt = record.get("sampler") or None, record.get("prompt") or ""
    if sampler is not None and sampler not in info.samplers:
        raise OptionError(f"The sampler must be one of {', '.join(info.samplers)}.")
    if not isinstance(prompt, str) or len(prompt) > MAX_PROMPT:
        raise OptionError(strings.PROMPT_LONG.format(most=MAX_PROMPT))
    sdedit = sdedit and (record.get("sdedit") is True or not info.sdedit_megabytes)
    prompt = prompt.strip() if info.takes_prompt and sdedit else ""
    return EditOptions(seed=seed, steps=steps, samples=samples, sampler=sampler, prompt=prompt, sdedit=sdedit)


def checked_seed(seed: object) -> int:
    """The seed, if it is one. Raises OptionError."""
    if not _is_whole(seed) or not 0 <= seed <= MAX_SEED:
        raise OptionError(f"The seed must be a whole number from 0 to {MAX_SEED}; press the dice for a random one.")
    return seed


def result_record(result: EditResult, info: EngineInfo) -> dict:
    """What the page shows of one result; the full-size pictures stay on the server until they are downloaded."""
    return {
        "images": [picture_url(image) for image in result.images],
        "sdedit": None if result.sdedit is None else picture_url(result.sdedit),
        "coarse": picture_url(result.coarse),
        "seed": result.seed,
        "seeds": [sample_seed(result.seed, sample) for sample in range(len(result.images))],
        "note": result.note,
        "work": {
            "coarse": {"seconds": round(result.fill_seconds, 2)},
            "sdedit": {"seconds": round(result.sdedit_seconds, 2), "steps": result.sdedit_steps},
        },
        "together": result.together,
        **_facts(result, info),
    }


def other_record(result: EditResult, info: EngineInfo) -> dict:
    """What the page shows of another model's result beside the first one."""
    return {"image": picture_url(result.images[0]), **_facts(result, info)}


def _facts(result: EditResult, info: EngineInfo) -> dict:
    seconds = round(result.seconds - result.sdedit_seconds, 2)
    return {"steps": result.steps, "seconds": seconds, "model": result.model, "licence": info.licence}


def offer_record(offer: Offer, loading: Background) -> dict:
    """One model for the page to offer, and how far its loading is."""
    return {
        "name": offer.name,
        "description": offer.description,
        "licence": offer.licence,
        "megabytes": 0 if loading.value else offer.megabytes,
        "loading": loading.running,
        "fraction": loading.fraction,
        "text": loading.text,
        "problem": loading.problem,
        "info": engine_record(loading.value.info) if loading.value else None,
    }


def engine_record(info: EngineInfo) -> dict:
    """EngineInfo for the page: what is known only once a model is loaded."""
    return {
        "defaultSteps": info.default_steps,
        "maxSteps": info.max_steps,
        "samplers": list(info.samplers),
        "takesPrompt": info.takes_prompt,
        "sdeditMegabytes": info.sdedit_megabytes,
    }


def _is_row(value: object, length: int) -> bool:
    return isinstance(value, list) and len(value) == length and all(is_number(item) for item in value)


def is_number(value: object) -> bool:
    """Whether it is a number of a size that means anything here; false for NaN. True and False count as 1 and 0."""
    return isinstance(value, int | float) and abs(value) < MOST


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
