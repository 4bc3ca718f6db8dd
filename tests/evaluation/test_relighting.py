"""The colour test: the coarse edit's error is the relighting's alone; a perfect and a useless method score as such."""

import json

import numpy as np
import pytest

from magicfixup_demo.errors import DataError
from magicfixup_demo.evaluation import relight_report
from magicfixup_demo.evaluation.relight_report import evaluate_relighting, relighting_table, summarise_relighting
from magicfixup_demo.evaluation.relighting import (
    LIGHTS,
    VARIANTS,
    Light,
    displacement,
    judged,
    object_errors,
    relit_pair,
)
from magicfixup_demo.images import save_png
from magicfixup_demo.pairs.sources import Source

DARK = Light(gain=0.8)


@pytest.fixture
def photo() -> np.ndarray:
    y, x = np.mgrid[0:128, 0:160]
    return np.dstack([60 + x % 100, 80 + y, 100 + (x + y) // 3]).astype(np.uint8)


@pytest.fixture
def mask() -> np.ndarray:
    mask = np.zeros((128, 160), bool)
    mask[40:80, 20:70] = True
    return mask


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_coarse_edit_shows_the_relit_object_at_its_true_place(photo, mask, variant):
    pair = relit_pair(photo, mask, DARK, variant, (24, 10))
    assert (pair.edit.rgb[mask] == DARK(photo)[mask]).all() and (pair.edit.alpha[mask] == 255).all()
    assert pair.edit.hole.any() and (pair.target == photo).all()
    expected = np.abs(DARK(photo).astype(int) - photo)[judged(pair.edit, mask)].mean()
    assert object_errors(pair, mask, pair.edit.rgb)["mae"] == pytest.approx(expected)


def test_where_the_reference_shows_the_true_light(photo, mask):
    there = np.roll(mask, (10, 24), (0, 1))
    both, edit = (relit_pair(photo, mask, DARK, variant, (24, 10)) for variant in VARIANTS)
    assert (both.reference[there] == DARK(photo)[mask]).all()
    assert (edit.reference[there] == photo[mask]).all()


def test_without_relighting_there_is_no_error(photo, mask):
    pair = relit_pair(photo, mask, LIGHTS["none"][0], "both", (-12, 0))
    assert object_errors(pair, mask, pair.edit.rgb) == {"mae": 0, "rmse": 0}


def test_lights_do_what_they_are_called():
    grey = np.full((1, 1, 3), 128, np.uint8)
    assert Light(gain=1.25)(grey).tolist() == [[[160, 160, 160]]]
    assert Light(gamma=0.5)(grey)[0, 0, 0] == round(255 * (128 / 255) ** 0.5)
    assert Light(balance=(1.5, 1, 0.5))(grey).tolist() == [[[192, 128, 64]]]
    assert Light(gain=3)(grey).max() == 255


def test_the_move_keeps_the_object_inside(mask):
    for seed in range(20):
        dx, dy = displacement(mask, np.random.default_rng(seed))
        assert np.roll(mask, (dy, dx), (0, 1))[0 if dy < 0 else -1].sum() == 0
        assert 40 + dy >= 0 and 80 + dy <= 128 and 20 + dx >= 0 and 70 + dx <= 160
    assert displacement(np.ones((64, 64), bool), np.random.default_rng(0)) is None


def test_ratios_of_a_perfect_a_useless_and_a_half_method():
    def row(i: int) -> dict:
        coarse = 10.0 + i
        errors = {"coarse": coarse, "perfect": 0.0, "useless": coarse, "half": coarse / 2}
        by_light = {light: {m: {"mae": e, "rmse": e} for m, e in errors.items()} for light in LIGHTS}
        return {"photo": str(i), "variants": dict.fromkeys(VARIANTS, by_light)}

    report = summarise_relighting([row(i) for i in range(10)], ["perfect", "useless", "half"])
    entry = report["summary"]["both"]["gain"]
    assert [entry[name]["ratio"][0] for name in ("perfect", "useless", "half")] == [0, 1, 0.5]
    assert (
        entry["half"]["ratio"] == [0.5, 0.5, 0.5] and entry["half"]["better"] == 1 and entry["useless"]["better"] == 0
    )
    assert relighting_table(report, "both")[-1][:2] == ["half", "7.2, 0.50 (0.50 to 0.50)"]


def test_report_of_photos(photo, mask, tmp_path, monkeypatch):
    """Photos of the validation split with masks are taken, others not; a second run measures nothing again."""
    photos, masks = tmp_path / "photos", tmp_path / "photos_masks"
    photos.mkdir()
    masks.mkdir()
    stems = [str(i) for i in range(1000)]
    val = [stem for stem in stems if Source(photos / f"{stem}.png").split == "val"][:2]
    train = next(stem for stem in stems if Source(photos / f"{stem}.png").split == "train")
    for stem in (*val, train):
        save_png(photos / f"{stem}.png", photo)
        save_png(masks / f"cup_{stem}.png", mask.astype(np.uint8) * 255)
    out = tmp_path / "relight.json"
    report = evaluate_relighting(tmp_path, ["telea"], out)
    assert json.loads(out.read_text()) == report and report["photos"] == 2
    entry = report["summary"]["both"]["gain"]
    assert entry["coarse"]["mae"] > 5 and entry["telea"]["ratio"][0] == pytest.approx(1)  # telea changes no colour
    monkeypatch.setattr(relight_report, "measure_photo", None)
    assert evaluate_relighting(tmp_path, ["telea"], out)["summary"] == report["summary"]


def test_without_photos(tmp_path, photo):
    save_png(tmp_path / "a.png", photo)
    with pytest.raises(DataError, match="no validation photo"):
        evaluate_relighting(tmp_path, None, tmp_path / "r.json")
