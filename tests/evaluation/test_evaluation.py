"""Metrics, methods and intervals."""

import json

import cv2
import numpy as np
import pytest

from magicfixup_demo.downloads import DownloadError
from magicfixup_demo.errors import DataError, OptionError
from magicfixup_demo.evaluation.methods import BASELINES, load_methods
from magicfixup_demo.evaluation.metrics import psnr, ssim
from magicfixup_demo.evaluation.report import evaluate, summarise, table
from magicfixup_demo.perceptual import load_lpips
from magicfixup_demo.schema import CoarseEdit
from magicfixup_demo.training.pairs import save_pair
from magicfixup_demo.training.synthetic import Pair


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(96, 128, 3)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.fixture(scope="module")
def edit(picture) -> CoarseEdit:
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    alpha[30:60, 40:70] = 0
    rgb = picture.copy()
    rgb[30:60, 80:110] = picture[30:60, 40:70]
    rgb[alpha == 0] = 0
    return CoarseEdit(rgb, alpha)


def test_metrics_at_their_best_and_worse(picture):
    worse = np.clip(picture.astype(int) + 20, 0, 255).astype(np.uint8)
    assert psnr(picture, picture) == 100 and ssim(picture, picture) == pytest.approx(1)
    assert psnr(worse, picture) == pytest.approx(22.1, abs=0.3)  # 20 levels: 20 log10(255 / 20) = 22.1 dB
    assert ssim(cv2.GaussianBlur(picture, (0, 0), 3), picture) < 0.9


def test_a_region_restricts_the_metric(picture):
    changed = picture.copy()
    changed[:48] = 255 - changed[:48]
    top = np.zeros(picture.shape[:2], bool)
    top[:48] = True
    assert psnr(changed, picture, ~top) == 100 > psnr(changed, picture) > psnr(changed, picture, top)


def test_lpips_orders_damage(picture):
    try:
        load_lpips()
    except DownloadError as error:
        pytest.skip(f"needs the LPIPS weights, which cannot be had here: {error}")
    from magicfixup_demo.evaluation.metrics import lpips

    little, much = (cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in (1, 4))
    assert lpips(picture, picture)[""] == pytest.approx(0, abs=1e-6)
    assert 0 < lpips(little, picture)[""] < lpips(much, picture)[""]
    left = np.zeros(picture.shape[:2], bool)
    left[:, :64] = True
    half = np.where(left[..., None], picture, much)
    by_region = lpips(half, picture, {"left": left, "right": ~left})
    assert by_region["left"] < by_region["right"]


@pytest.mark.parametrize("name", list(BASELINES))
def test_baselines_fill_the_hole_and_keep_the_rest(name, picture, edit):
    result = BASELINES[name](picture, edit, 0)
    assert result.shape == picture.shape and result.dtype == np.uint8
    assert result[35:55, 45:65].std() > 0
    assert np.abs(result[:20].astype(int) - picture[:20]).max() <= 1
    assert np.abs(result[72:].astype(int) - picture[72:]).max() <= 1


def test_poisson_moves_the_object_too(picture):
    """A bright object cloned into a dark place takes on its surroundings, but stays an object."""
    photo = np.full((100, 160, 3), 60, np.uint8)
    photo[:, 80:] = 180
    photo[40:60, 20:40] = picture[:20, :20]
    rgb, alpha = photo.copy(), np.full((100, 160), 255, np.uint8)
    rgb[40:60, 110:130] = photo[40:60, 20:40]
    alpha[38:62, 18:42] = 0
    result = BASELINES["poisson"](photo, CoarseEdit(rgb, alpha), 0)
    assert result[42:58, 112:128].std() > 5
    assert result[42:58, 112:128].mean() > result[42:58, 22:38].mean() + 40


@pytest.mark.parametrize("name", ["magic", "small@x", ""])
def test_unknown_methods_are_refused(name):
    with pytest.raises(OptionError):
        load_methods([name])


def rows(differences: list[float], sources: list[str]) -> list[dict]:
    return [
        {"kind": "moved", "source": source, "values": {"a": {"lpips": 0.2 + d}, "b": {"lpips": 0.2}}}
        for d, source in zip(differences, sources, strict=True)
    ]


def test_intervals_are_paired():
    """Pictures differ a lot from each other, methods always by the same: the interval of the difference is narrow."""
    rng = np.random.default_rng(0)
    data = [
        {"kind": "moved", "source": str(i), "values": {"a": {"lpips": v + 0.01}, "b": {"lpips": v}}}
        for i, v in enumerate(rng.uniform(0, 1, 50))
    ]
    entry = summarise(data, ["a", "b"])["all"]["lpips"]["a"]
    low, high = entry["difference"]["b"]
    assert low == pytest.approx(0.01, abs=1e-4) and high == pytest.approx(0.01, abs=1e-4)
    assert entry["high"] - entry["low"] > 0.05


def test_intervals_are_clustered():
    """Ten pairs of one clip tell less than ten clips: the interval is wider."""
    rng = np.random.default_rng(1)
    clip_effect = np.repeat(rng.normal(0, 0.1, 6), 10)
    apart = summarise(rows(clip_effect.tolist(), [str(i) for i in range(60)]), ["a", "b"])
    together = summarise(rows(clip_effect.tolist(), [str(i // 10) for i in range(60)]), ["a", "b"])
    width = [np.ptp(s["all"]["lpips"]["a"]["difference"]["b"]) for s in (apart, together)]
    assert width[1] > 1.5 * width[0]


def test_report_of_a_folder(picture, edit, tmp_path):
    try:
        load_lpips()
    except DownloadError as error:
        pytest.skip(f"needs the LPIPS weights, which cannot be had here: {error}")
    for name in ("clip1__affine0", "clip2__flow0"):
        save_pair(tmp_path, name, Pair(picture, edit, picture))
    report = evaluate(tmp_path, ["telea", "ns"], tmp_path / "report.json", pictures=tmp_path / "pictures")
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert set(report["summary"]) == {"all", "affine", "flow"}
    assert report["summary"]["all"]["lpips_hole"]["telea"]["mean"] > 0
    assert table(report).count("\n") == 3
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 2


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="no pairs"):
        evaluate(tmp_path, ["telea"], tmp_path / "r.json")
