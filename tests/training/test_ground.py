"""Training of the ground network: what it is shown, and a tiny run that is stopped, resumed, and refused."""

import json

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from magicfixup_demo import cli
from magicfixup_demo.engine.ground_network import LEVELS, WIDTHS, GroundNetwork
from magicfixup_demo.engine.ground_weights import GROUND, load_ground
from magicfixup_demo.engine.weights import save_file_of
from magicfixup_demo.errors import DataError, ModelError, OptionError
from magicfixup_demo.pairs import jitter
from magicfixup_demo.training import ground, ground_samples
from magicfixup_demo.training.ground import train_ground
from magicfixup_demo.training.ground_config import GROUND_PRESETS, ground_config
from magicfixup_demo.training.ground_samples import GroundSamples, Picture, Shape, draw_some, load_pictures
from magicfixup_demo.training.ground_trainer import GroundTrainer
from magicfixup_demo.training.journal import records
from magicfixup_demo.training.network_run import drawn_ahead
from magicfixup_demo.training.state import load_state, save_state

HEIGHT, WIDTH = 160, 192
TRAINED, UNSEEN = ("photo0", "photo1", "photo2"), ("photo4", "photo7")  # the sides that their names fall on
AT_ONCE = 1e-9  # minutes: a session of one step


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Photos with one object each, laid out as ``find_sources`` expects."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "scene").mkdir()
    (folder / "scene_masks").mkdir()
    rng = np.random.default_rng(0)
    for i, name in enumerate(TRAINED + UNSEEN):
        colours = rng.integers(60, 200, (5, 6, 3), dtype=np.uint8)
        photo = cv2.resize(colours, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        mask = cv2.ellipse(np.zeros((HEIGHT, WIDTH), np.uint8), (60 + 8 * i, 80), (30, 20), 20.0 * i, 0, 360, 255, -1)
        photo[mask > 0] = (250, 20, 20)
        Image.fromarray(photo).save(folder / "scene" / f"{name}.jpg", quality=95)
        Image.fromarray(mask).save(folder / "scene_masks" / f"thing00_{name}.png")
    return folder


@pytest.fixture
def pictures(data):
    return load_pictures(data, "train")


@pytest.fixture
def narrow(monkeypatch):
    """Few channels, and memory that is given back: this process has other work to do afterwards. Lists the calls."""
    for side in LEVELS:
        monkeypatch.setitem(WIDTHS, side, 8)
    kept = []
    monkeypatch.setattr(ground, "keep_freed_memory", lambda: kept.append(1))
    return kept


# --- samples ----------------------------------------------------------------------------------------------------------


def test_photos_and_objects_of_one_side_of_the_split(data):
    pictures, shapes = load_pictures(data, "train")
    assert len(pictures) == len(shapes) == len(TRAINED)
    assert len(load_pictures(data, "val")[0]) == len(UNSEEN)
    for picture, shape in zip(pictures, shapes, strict=True):
        assert picture.rgb.shape == (HEIGHT, WIDTH, 3) and picture.objects.shape == (HEIGHT, WIDTH)
        assert shape.mask.sum() == picture.objects.sum() and shape.mask.size < picture.objects.size / 4
        assert (shape.rgb[shape.mask].mean(axis=0) > (200, 0, 0)).all() and shape.rgb.shape[:2] == shape.mask.shape


def test_a_batch_is_the_same_for_one_seed_and_step(pictures):
    samples = GroundSamples(*pictures, size=128, batch_size=3, seed=5)
    seen, known, target = samples.batch(7)
    assert seen.shape == target.shape == (3, 3, 128, 128) and known.shape == (3, 1, 128, 128)
    assert set(known.unique().tolist()) == {0.0, 1.0}
    assert seen.abs().max() <= 1 and target.abs().max() <= 1 and seen.dtype == known.dtype == torch.float32
    following = drawn_ahead(samples, 6)
    next(following)
    for again in (next(following), GroundSamples(*pictures, size=128, batch_size=3, seed=5).batch(7)):
        assert all(torch.equal(a, b) for a, b in zip((seen, known, target), again, strict=True))
    following.close()
    for other in (samples.batch(8), GroundSamples(*pictures, size=128, batch_size=3, seed=6).batch(7)):
        assert not torch.equal(target, other[2]) and not torch.equal(known, other[1])


def test_a_hole_is_neither_a_speck_nor_most_of_the_picture(pictures):
    for sample in draw_some(*pictures, 128, 40, np.random.default_rng(0)):
        assert sample.seen.shape == sample.target.shape == (128, 128, 3) and sample.hole.shape == (128, 128)
        assert sample.seen.dtype == sample.target.dtype == np.uint8 and sample.hole.dtype == bool
        assert ground_samples.LEAST_HOLE < sample.hole.mean() < ground_samples.MOST_HOLE


def test_holes_lie_where_no_annotated_object_is(pictures):
    """The objects of the photos are red, and the ground is not."""
    samples = draw_some(*pictures, 128, 40, np.random.default_rng(1))
    red = [(s.target[s.hole] > (230, 0, 0)).all(axis=1) & (s.target[s.hole, 1] < 50) for s in samples]
    assert max(share.mean() for share in red) <= ground_samples.MOST_ANNOTATED
    assert np.mean([share.mean() for share in red]) < 0.05


def test_without_leftovers_the_input_is_the_picture(pictures, monkeypatch):
    monkeypatch.setattr(ground_samples, "LEFTOVER_SHARE", 0.0)
    assert all((s.seen == s.target).all() for s in draw_some(*pictures, 128, 20, np.random.default_rng(0)))


def test_a_rim_is_left_along_tight_holes_only(pictures, monkeypatch):
    monkeypatch.setattr(ground_samples, "DILATIONS", (0, 2))
    monkeypatch.setattr(ground_samples, "LEFTOVER_SHARE", 1.0)
    monkeypatch.setattr(ground_samples, "RIM_SHARE", 1.0)
    monkeypatch.setattr(jitter, "SHADOW_SHARE", 0.0)
    touched = 0
    for sample in draw_some(*pictures, 128, 20, np.random.default_rng(0)):
        changed = (sample.seen != sample.target).any(axis=2) & ~sample.hole
        away = -jitter.signed_distance(sample.hole)[changed]
        assert (away <= ground_samples.RIM + 1).all()
        touched += changed.any()
    assert touched > 10


def test_a_shadow_only_darkens(pictures, monkeypatch):
    monkeypatch.setattr(ground_samples, "LEFTOVER_SHARE", 1.0)
    monkeypatch.setattr(ground_samples, "RIM_SHARE", 0.0)
    monkeypatch.setattr(jitter, "SHADOW_SHARE", 1.0)
    samples = draw_some(*pictures, 128, 20, np.random.default_rng(0))
    assert all((s.seen <= s.target).all() for s in samples)
    assert all((s.seen < s.target)[~s.hole].any() for s in samples)


def test_pictures_without_free_ground_are_given_up(monkeypatch):
    monkeypatch.setattr(ground_samples, "TRIES", 5)
    everywhere = Picture(np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), bool))
    shape = Shape(np.ones((20, 20), bool), np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(DataError, match="hardly a place"):
        next(drawn_ahead(GroundSamples([everywhere], [shape], 64, 2, seed=0), 0))


# --- a run ------------------------------------------------------------------------------------------------------------


def test_a_run_that_was_stopped_goes_on_as_the_same_run(real_lpips, narrow, data, tmp_path):
    config = ground_config("ground-tiny")
    whole = train_ground(config, data, tmp_path / "whole")
    run = tmp_path / "cut"
    sessions = [train_ground(config, data, run, resume=True, minutes=AT_ONCE) for _ in range(2)]
    rest = train_ground(config, data, run, resume=True)
    assert [one.step for one in (*sessions, rest, whole)] == [1, 2, 4, 4] and len(narrow) == 4
    assert sessions[0].stopped and rest.stopped is whole.stopped is None
    states = [load_state(folder) for folder in (tmp_path / "whole", run)]
    torch.testing.assert_close(*states, rtol=0, atol=0)
    assert [r["step"] for r in records(run / "log.jsonl")] == [1]
    assert [r["step"] for r in records(run / "validation.jsonl")] == [0, 2, 4]
    assert records(run / "validation.jsonl") == records(tmp_path / "whole" / "validation.jsonl")


def test_what_a_run_leaves(real_lpips, narrow, data, tmp_path):
    config = ground_config("ground-tiny", cooldown=0.75)
    train_ground(config, data, tmp_path, minutes=AT_ONCE)
    outcome = train_ground(config, data, tmp_path, resume=True)
    record = json.loads((tmp_path / "config.json").read_text())
    assert record["config"]["steps"] == 4 and record["pictures"] == record["shapes"] == 3
    assert record["from_step"] == 1 and [session["from_step"] for session in record["earlier"]] == [0]
    (line,) = records(tmp_path / "log.jsonl")
    assert {"l1", "lpips", "critic"} < line.keys() and line["l1"] > 0
    assert all(r["lpips"] > 0 and r["psnr"] > 0 for r in records(tmp_path / "validation.jsonl"))
    assert Image.open(tmp_path / "sheet.jpg").size == (2 * 3 * 128, 128)
    state = load_state(tmp_path)
    assert state["optimizer"]["param_groups"][0]["lr"] == pytest.approx(config.learning_rate / 3)  # the last step's
    assert state["critic_optimizer"]["param_groups"][0]["lr"] == config.critic_rate
    assert outcome.weights == tmp_path / GROUND
    average = {key: value.half().float() for key, value in state["average"].items()}
    torch.testing.assert_close(dict(load_ground(outcome.weights).state_dict()), average, rtol=0, atol=0)
    torch.manual_seed(config.seed)
    begun = GroundNetwork().state_dict()
    assert not any(torch.equal(begun[key], average[key]) for key in average if key.endswith("weight"))


def test_a_resumed_run_takes_the_rates_of_its_own_command(real_lpips, narrow, data, tmp_path):
    config = ground_config("ground-tiny", evaluate_every=100)
    train_ground(config, data, tmp_path, minutes=AT_ONCE)
    train_ground(ground_config("ground-tiny", critic_rate=0.5, learning_rate=0.25), data, tmp_path, None, True, AT_ONCE)
    state = load_state(tmp_path)
    assert state["step"] == 2 and state["optimizer"]["param_groups"][0]["lr"] == 0.25
    assert state["critic_optimizer"]["param_groups"][0]["lr"] == 0.5


def test_a_run_may_begin_from_weights(real_lpips, narrow, data, tmp_path):
    torch.manual_seed(3)
    save_file_of(tmp_path / "start.safetensors", GroundNetwork())
    config = ground_config("ground-tiny", steps=1, learning_rate=0.0, evaluate_every=100)
    outcome = train_ground(config, data, tmp_path / "run", tmp_path / "start.safetensors")
    first, second = (load_ground(path).state_dict() for path in (tmp_path / "start.safetensors", outcome.weights))
    torch.testing.assert_close(dict(first), dict(second), rtol=0, atol=0)


@pytest.mark.parametrize("broken", ["l1", "critic"])
def test_losses_that_are_not_numbers_end_the_run_and_spoil_nothing(
    real_lpips, narrow, data, tmp_path, monkeypatch, broken
):
    config = ground_config("ground-tiny")
    train_ground(config, data, tmp_path, minutes=AT_ONCE)
    before = {path.name: path.read_bytes() for path in (tmp_path / "state.pt", tmp_path / GROUND)}
    update = GroundTrainer._update

    def spoilt(self, network, optimizer, loss, *others):
        whose = "critic" if network is self.critic else "l1"
        update(self, network, optimizer, loss * float("nan") if whose == broken else loss, *others)

    monkeypatch.setattr(GroundTrainer, "_update", spoilt)
    with pytest.raises(ModelError, match="after step 1 are not numbers.*--resume"):
        train_ground(config, data, tmp_path, resume=True)
    assert before == {name: (tmp_path / name).read_bytes() for name in before}


def test_the_state_of_something_else_is_refused(real_lpips, narrow, data, tmp_path):
    save_state(tmp_path, {"step": 3, "networks": []})
    with pytest.raises(DataError, match="not one of this network"):
        train_ground(ground_config("ground-tiny"), data, tmp_path, resume=True)


def test_every_preset_has_sides_that_the_network_takes():
    for config in GROUND_PRESETS.values():
        assert config.size % 128 == config.validation_size % 128 == 0
    with pytest.raises(OptionError, match="ground-256"):
        ground_config("huge")


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_trains_with_its_options(real_lpips, narrow, data, tmp_path, monkeypatch, capsys):
    threads = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    run = ["train-ground", str(data), "-o", str(tmp_path / "run"), "--preset", "ground-tiny", "--minutes", "5"]
    options = ["--steps", "1", "--batch", "1", "--learning-rate", "0.001", "--threads", "3"]
    assert cli.main([*run, *options]) == 0
    assert "the averaged weights after 1 steps" in capsys.readouterr().out
    config = json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    assert (config["steps"], config["batch_size"], config["learning_rate"], threads) == (1, 1, 0.001, [3])
    assert "--resume" in refused(capsys, data, "-o", tmp_path / "run", "--preset", "ground-tiny")


def test_the_command_refuses_in_one_sentence(real_lpips, narrow, data, tmp_path, capsys):
    run = ("-o", tmp_path / "run", "--preset", "ground-tiny")
    assert "no file or folder" in refused(capsys, tmp_path / "none", *run)
    assert "ground-512" in refused(capsys, data, "-o", tmp_path / "run", "--preset", "huge")
    for option in ("--steps", "--batch", "--minutes", "--threads", "--learning-rate"):
        assert "choose more than 0" in refused(capsys, data, *run, option, "0")
    (tmp_path / "other.safetensors").write_bytes(b"x")
    assert "other.safetensors" in refused(capsys, data, *run, "--start", tmp_path / "other.safetensors")
    assert "photo with object masks" in refused(capsys, data / "scene", *run)  # without the folder beside it
    assert not (tmp_path / "run").exists()


def refused(capsys, *arguments) -> str:
    assert cli.main(["train-ground", *(str(argument) for argument in arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    return printed.err
