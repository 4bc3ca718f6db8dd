"""A collage's JSON, and what is drawn from it."""

import json
from random import Random

from magicfixup_demo.collage import footprint, render
from magicfixup_demo.collage_json import collage_from_json, collage_to_json
from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.saving.cutouts import cutouts_of
from tests.fuzz import seeds
from tests.fuzz.door import Door, Finding
from tests.fuzz.values import spoilt, text_of

LIMITS = (-1e6, -999_999.0, -99.0, -1.0, -0.01, 0.0, 1e-9, 0.01, 0.5, 1.0, 99.0, 999_999.0)


def _text(random: Random) -> str:
    return text_of(spoilt(random, json.loads(seeds.collage_text())))


def _extreme(random: Random) -> str:
    """Valid fields with values from the ends of their ranges."""
    record = json.loads(seeds.collage_text())
    for layer in record["layers"]:
        layer["matrix"] = [random.choice(LIMITS) if random.random() < 0.06 else value for value in layer["matrix"]]
        layer["opacity"] = random.choice([0, 1e-300, 0.5, 1])
        if random.random() < 0.3:
            far = random.choice([1, 50, 1e3, 999_999])
            layer["distort"] = [[random.uniform(-far, far), random.uniform(-far, far)] for _ in range(4)]
    record["layers"] *= random.choice([1] * 9 + [60, 4000])
    for number, layer in enumerate(record["layers"]):
        record["layers"][number] = {**layer, "id": str(number)}
    return json.dumps(record)


def _take(text: str) -> str:
    photo, guest = seeds.pixels()[..., :3], seeds.pixels()[::-1, :, :3]
    try:
        collage = collage_from_json(text)
        edit = render(photo, collage, {source.id: guest for source in collage.sources})
        cutouts_of(photo, collage, {source.id: guest for source in collage.sources})
    except MagicFixupError:
        return "refused"
    if edit.rgb.shape != photo.shape:
        raise Finding(f"an edit of {edit.rgb.shape}")
    for layer in collage.layers[:3]:
        segment = next(one for one in collage.segments if one.id == layer.segment_id)
        footprint(segment, layer, collage.width, collage.height)
    if collage_to_json(collage_from_json(collage_to_json(collage))) != collage_to_json(collage):
        raise Finding("what is written is read differently")
    return "taken"


DOORS = (Door("collages", _text, _take, share=12), Door("extreme collages", _extreme, _take, share=6))
