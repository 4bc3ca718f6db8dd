"""Training of the effect network: the shadows that it is shown, and a tiny run that is stopped and resumed."""

import json

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from magicfixup_demo import cli
from magicfixup_demo.engine.effect_network import MULTIPLE, EffectNetwork, strength_of
from magicfixup_demo.engine.weights import load_file_of
from magicfixup_demo.errors import DataError, OptionError
from magicfixup_demo.training import effect_samples, effect_training
from magicfixup_demo.training.cast_shadows import EVERYWHERE, GROUND, Light, draw_light, shaded, taken_by
from magicfixup_demo.training.effect_samples import EffectSamples, draw_effects
from magicfixup_demo.training.effect_training import EffectTrainer, effect_config
from magicfixup_demo.training.ground_samples import Picture, Shape, load_pictures
from magicfixup_demo.training.journal import records

SIDE = 128
AT_ONCE = 1e-9  # minutes: a session of one step


def post(top: int = 40, bottom: int = 90) -> np.ndarray:
    """A thin object that stands upright, (SIDE, SIDE) bool."""
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top:bottom, 60:68] = True
    return mask


def sun(across: float, along: float, strength: float = 0.6) -> Light:
    return Light(GROUND, across, along, softness=0.004, strength=strength, contact=0.0, tint=np.ones(3, np.float32))


def centre(values: np.ndarray) -> tuple[float, float]:
    """(x, y) of what is shaded, in pixels."""
    y, x = np.nonzero(values > 0.1)
    return float(x.mean()), float(y.mean())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Photos with one object each, laid out as ``find_sources`` expects."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "scene").mkdir()
    (folder / "scene_masks").mkdir()
    rng = np.random.default_rng(0)
    for i, name in enumerate(("photo0", "photo1", "photo2", "photo4", "photo7")):
        colours = rng.integers(90, 200, (5, 6, 3), dtype=np.uint8)
        photo = cv2.resize(colours, (192, 160), interpolation=cv2.INTER_LINEAR)
        mask = cv2.ellipse(np.zeros((160, 192), np.uint8), (60 + 8 * i, 80), (30, 20), 20.0 * i, 0, 360, 255, -1)
        photo[mask > 0] = (250, 20, 20)
        Image.fromarray(photo).save(folder / "scene" / f"{name}.jpg", quality=95)
        Image.fromarray(mask).save(folder / "scene_masks" / f"thing00_{name}.png")
    return folder


@pytest.fixture
def narrow(monkeypatch):
    """Memory that is given back: this process has other work to do afterwards."""
    monkeypatch.setattr(effect_training, "keep_freed_memory", lambda: None)


# --- shadows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("across", "along"), [(1.0, 0.4), (-1.0, 0.4), (0.5, -0.5)])
def test_a_shadow_begins_at_the_foot_and_falls_away_from_the_light(across, along):
    taken = taken_by(post(), sun(across, along), np.random.default_rng(2))
    x, y = centre(taken)
    assert np.sign(x - 64) == np.sign(across) and abs(x - 64 - 25 * across) < 6, "half of the object's height away"
    assert np.sign(y - 90) == np.sign(along) and abs(y - 90 - 25 * along) < 8
    assert taken[86:94, 58:70].max() > 0.3, "it begins where the object stands"
    assert taken.max() <= 0.6 + 1e-6, "no more than the light's strength"


def test_the_tip_of_a_shadow_is_softer_than_its_foot():
    light = Light(GROUND, 1.6, 0.3, softness=0.01, strength=0.8, contact=0.0, tint=np.ones(3, np.float32))
    taken = taken_by(post(20, 60), light, np.random.default_rng(0))
    foot, tip = (np.abs(np.diff(taken[:, columns], axis=0)).max() for columns in (slice(70, 74), slice(108, 112)))
    assert tip < 0.7 * foot


def test_what_stands_in_light_from_everywhere_has_a_soft_shadow_at_its_foot():
    light = Light(EVERYWHERE, 1.0, 0.3, softness=0.01, strength=0.6, contact=0.0, tint=np.ones(3, np.float32))
    taken = taken_by(post(), light, np.random.default_rng(0))
    assert 80 < centre(taken)[1] < 100 and taken[:60].max() < 0.05


def test_shade_is_a_share_of_linear_light():
    picture = np.full((4, 4, 3), 200, np.uint8)
    half = shaded(picture, np.full((4, 4), 0.5, np.float32), np.float32([1, 1, 0.5]))
    np.testing.assert_allclose((half[0, 0] / 200) ** 2.2, [0.5, 0.5, 0.75], atol=1e-4)
    np.testing.assert_array_equal(shaded(picture, np.zeros((4, 4), np.float32), np.ones(3, np.float32)), picture)


def test_a_light_is_drawn_anew_each_time():
    rng = np.random.default_rng(0)
    assert len({draw_light(rng).across for _ in range(20)}) == 20


# --- samples ----------------------------------------------------------------------------------------------------------


def test_a_batch_is_the_same_for_one_seed_and_step(data):
    pictures = load_pictures(data, "train")
    samples = EffectSamples(*pictures, size=96, batch_size=3, seed=5)
    seen, mask, taken, judged = samples.batch(7)
    assert seen.shape == (3, 3, 96, 96) and mask.shape == taken.shape == judged.shape == (3, 1, 96, 96)
    assert seen.abs().max() <= 1 and set(mask.unique().tolist()) == set(judged.unique().tolist()) == {0.0, 1.0}
    assert taken.min() >= 0 and taken.max() <= 1 and (mask.flatten(1).sum(1) > 0).all()
    for one, again in zip((seen, taken), (samples.batch(7)[0], samples.batch(7)[2]), strict=True):
        assert torch.equal(one, again)
    assert not torch.equal(seen, samples.batch(8)[0])


def test_the_truth_is_what_the_picture_lost(monkeypatch):
    """On a ground of one colour the picture itself says how much light is gone."""
    monkeypatch.setattr(effect_samples, "MOST_OTHERS", 0)
    monkeypatch.setattr(effect_samples, "degraded", lambda picture, rng: picture)
    monkeypatch.setattr(effect_samples, "_exposed", lambda picture, rng: np.rint(picture).astype(np.uint8))
    flat = Picture(np.full((200, 200, 3), 180, np.uint8), np.zeros((200, 200), bool))
    thing = Shape(np.ones((40, 20), bool), np.full((40, 20, 3), 90, np.uint8))
    some = draw_effects([flat], [thing], SIDE, 12, np.random.default_rng(1))
    assert sum((one.taken[one.judged] > 0.1).any() for one in some) >= 5
    for one in some:
        lost = 1 - (one.seen[..., 0] / 180) ** 2.2  # red, which no tint spares
        np.testing.assert_allclose(lost[one.judged], one.taken[one.judged], atol=0.02)


def test_what_others_take_is_not_the_objects_effect(monkeypatch):
    monkeypatch.setattr(effect_samples, "NOTHING_SHARE", 1.0)
    flat = Picture(np.full((200, 200, 3), 180, np.uint8), np.zeros((200, 200), bool))
    thing = Shape(np.ones((40, 20), bool), np.full((40, 20, 3), 90, np.uint8))
    some = draw_effects([flat], [thing], SIDE, 12, np.random.default_rng(1))
    assert all(one.taken.max() < 1e-6 for one in some)
    assert any((one.seen[one.judged].min() < 120) for one in some), "others do cast shadows"


def test_no_whole_object_is_told_in_one_sentence(data):
    pictures, _ = load_pictures(data, "train")
    cut_off = Shape(np.ones((20, 20), bool), np.zeros((20, 20, 3), np.uint8), whole=False)
    with pytest.raises(DataError, match="add photos"):
        EffectSamples(pictures, [cut_off], 64, 1, seed=0).batch(0)


# --- network and runs -------------------------------------------------------------------------------------------------


def test_the_network_begins_with_hardly_any_effect_and_stays_small():
    network = EffectNetwork().eval()
    assert sum(value.numel() for value in network.parameters()) < 8_000_000
    with torch.inference_mode():
        logits = network(torch.zeros(1, 3, 2 * MULTIPLE, 3 * MULTIPLE), torch.ones(1, 1, 2 * MULTIPLE, 3 * MULTIPLE))
    assert logits.shape == (1, 2, 2 * MULTIPLE, 3 * MULTIPLE) and 0 < strength_of(logits).max() < 0.05


def test_a_few_steps_learn_one_batch(data):
    config = effect_config("effects-tiny", learning_rate=2e-3, steps=1000, cooldown=0.01)
    trainer = EffectTrainer(config, effect_training.accelerator_for(False))
    batch = EffectSamples(*load_pictures(data, "train"), 64, 4, seed=1).batch(3)
    losses = [sum(trainer.learn(*batch).values()) for _ in range(25)]
    assert losses[-1] < 0.7 * losses[0]


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(data, narrow, tmp_path, capsys):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    command = ["train-effects", str(data), "--preset", "effects-tiny"]
    cli.main([*command, "-o", str(whole)])
    cli.main([*command, "-o", str(parts), "--minutes", str(AT_ONCE)])
    assert "--resume goes on" in capsys.readouterr().out
    cli.main([*command, "-o", str(parts), "--resume"])
    one, other = (load_file_of(EffectNetwork, run / EffectTrainer.weights).state_dict() for run in (whole, parts))
    assert all(torch.equal(one[key], other[key]) for key in one)
    judged = records(whole / "validation.jsonl")
    assert [line["step"] for line in judged] == [0, 2, 4] and {"iou_plain", "iou_busy"} < judged[0].keys()
    assert cv2.imread(str(whole / "sheet.jpg")).shape[1] == 4 * 64
    assert json.loads((parts / "config.json").read_text())["from_step"] == 1


def test_an_unknown_preset_is_named():
    with pytest.raises(OptionError, match="effects-192"):
        effect_config("large")
