"""Videos and photos -> shards: what is in them, that they do not depend on who makes them, that a run goes on."""

import io
import json
import tarfile

import cv2
import numpy as np
import pytest
from PIL import Image

from magicfixup_demo.cli import main
from magicfixup_demo.errors import DataError, OptionError
from magicfixup_demo.images import save_png
from magicfixup_demo.pairs.making import make_pairs
from magicfixup_demo.pairs.options import PairOptions
from magicfixup_demo.pairs.plan import plan_shards
from magicfixup_demo.pairs.shards import Sample, write_shard
from magicfixup_demo.pairs.sources import find_sources, licences
from magicfixup_demo.pairs.spread import Spread
from magicfixup_demo.pairs.store import kind_of, load_facts, load_pair, pair_names, save_pair, source_of
from magicfixup_demo.pairs.synthetic import Pair
from magicfixup_demo.schema import CoarseEdit

HEIGHT, WIDTH = 192, 256
OPTIONS = PairOptions(affine_per_clip=1, flow_per_clip=1, least_motion=5, sources_per_shard=2)


def textured(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def write_clip(path, seed: int) -> None:
    """A textured square that moves right over a texture that stands still."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 8, (WIDTH, HEIGHT))
    for shift in range(0, 48, 3):
        picture = textured(seed)
        picture[60:132, 40 + shift : 112 + shift] = textured(seed + 1, 72, 72)
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    writer.release()


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    """Two clips, three photos of which one has a mask, and one file that is no photo."""
    folder = tmp_path_factory.mktemp("footage")
    photos, masks = folder / "photos", folder / "photos_masks"
    for path in (photos, masks, folder / "clips"):
        path.mkdir()
    for i in range(2):
        write_clip(folder / "clips" / f"square.{i}.avi", 10 * i)
    for i in range(3):
        save_png(photos / f"photo{i}.png", textured(50 + i))
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[70:110, 100:150] = 255
    save_png(masks / "object_photo1.png", mask)
    (photos / "broken.jpg").write_bytes(b"no picture")
    index = {"videos": [{"file": "clips/square.0.avi", "licence": "CC0"}], "note": "passed over"}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="module")
def made(footage, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "pairs"
    return out, make_pairs(footage, out, OPTIONS)


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("shard-*")}


def test_a_folder_becomes_shards_that_can_be_read(made):
    out, report = made
    names = pair_names(out)
    assert report.total == report.made == len(names) >= 6
    assert {kind_of(name) for name in names} == {"affine", "flow", "moved", "intruder"}
    assert {source_of(n) for n in names if kind_of(n) == "flow"} == {"square-0", "square-1"}, "dots end a name"
    assert len(contents(out)) == 3  # six sources by two
    for name in names:
        pair = load_pair(out, name)
        assert pair.reference.shape == pair.target.shape == (*pair.edit.alpha.shape, 3)


def test_the_facts_of_a_pair_are_beside_it(made):
    out, _ = made
    flow = load_facts(out, "square-0__flow0")
    assert flow["source"] == "square.0.avi" and flow["kind"] == "flow" and flow["licence"] == "CC0"
    assert 0.5 <= abs(flow["seconds"]) <= 4 and flow["seed"] == 0 and flow["split"] in ("train", "val")
    assert load_facts(out, next(n for n in pair_names(out) if kind_of(n) == "moved"))["licence"] is None


def test_a_broken_file_is_reported_and_does_not_stop_the_rest(made):
    _, report = made
    assert report.unreadable == ("broken.jpg",)
    assert "broken.jpg" in str(report)
    assert "pairs per core-hour" in str(report) and "core-hours for 5,000,000 pairs" in str(report)


def test_a_second_run_makes_what_is_missing_and_nothing_else(made, footage):
    out, report = made
    before = contents(out)
    again = make_pairs(footage, out, OPTIONS)
    assert (again.made, again.total) == (0, report.total)
    (out / "shard-000001.tar").unlink()
    (out / "shard-000001.part").write_bytes(b"an interrupted one")
    assert make_pairs(footage, out, OPTIONS).total == report.total
    assert contents(out) == before


def test_an_interrupted_shard_is_not_there(tmp_path):
    def samples():
        yield Sample("a__flow0", a_pair(), {})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "shard-000000.tar", samples())
    assert pair_names(tmp_path) == []


def test_another_plan_wants_another_folder(made, footage):
    with pytest.raises(DataError, match="choose another folder"):
        make_pairs(footage, made[0], PairOptions(seed=1))


def test_two_processes_make_the_same_bytes(made, footage, tmp_path):
    report = make_pairs(footage, tmp_path, OPTIONS, spread=Spread(workers=2))
    assert contents(tmp_path) == contents(made[0])
    assert report.unreadable == ("broken.jpg",)


def test_a_ray_cluster_of_two_workers_makes_the_same_bytes(made, footage, tmp_path):
    pytest.importorskip("ray.data", reason='Ray Data is not installed: pip install "ray[data]"')
    report = make_pairs(footage, tmp_path, OPTIONS, spread=Spread(workers=2, ray="local"))
    assert contents(tmp_path) == contents(made[0])
    assert (report.made, report.unreadable) == (made[1].made, made[1].unreadable)
    assert report.cpu_seconds > 0


def test_without_ray_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(OptionError, match="pip install"):
        list(Spread(ray="local").run(str, [1]))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "auto"])
def test_an_address_without_a_cluster_is_refused_at_once(address):
    pytest.importorskip("ray.data", reason='Ray Data is not installed: pip install "ray[data]"')
    with pytest.raises(OptionError, match=f"no Ray cluster at {address}"):
        list(Spread(ray=address).run(str, [1]))


def test_the_webdataset_package_reads_the_shards(made):
    wds = pytest.importorskip("webdataset", reason="webdataset is not installed: pip install webdataset")
    out, report = made
    paths = sorted(str(path) for path in out.glob("*.tar"))
    seen = 0
    for sample in wds.WebDataset(paths, shardshuffle=False).decode("rgb8"):
        pair, facts = load_pair(out, sample["__key__"]), sample["json"]
        np.testing.assert_array_equal(sample["reference.webp"], pair.reference)
        np.testing.assert_array_equal(sample["target.webp"], pair.target)
        assert facts["kind"] == kind_of(sample["__key__"])
        seen += 1
    assert seen == report.total


def a_pair() -> Pair:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 96, 7), np.uint8)
    return Pair(
        noise[..., :3], CoarseEdit(noise[..., 3:6], np.arange(96 * 64).reshape(64, 96).astype(np.uint8)), noise[..., 4:]
    )


def test_pictures_come_back_as_they_were_even_below_a_hole(tmp_path):
    write_shard(tmp_path / "shard-000000.tar", [Sample("a__flow0", a_pair(), {"kind": "flow"})])
    pair, back = a_pair(), load_pair(tmp_path, "a__flow0")
    for before, after in (
        (pair.reference, back.reference),
        (pair.edit.rgba, back.edit.rgba),
        (pair.target, back.target),
    ):
        np.testing.assert_array_equal(before, after)


def test_a_shard_is_a_plain_tar_with_a_samples_files_side_by_side(made):
    out, _ = made
    with tarfile.open(out / "shard-000000.tar") as tar:
        members = tar.getmembers()
        keys = [member.name.split(".", 1)[0] for member in members]
        assert keys == sorted(keys, key=keys.index) and all(keys.count(key) == 4 for key in keys)
        assert all(member.mtime == 0 and member.isreg() for member in members)
        edit = tar.extractfile(next(m for m in members if m.name.endswith(".edit.webp"))).read()
    assert Image.open(io.BytesIO(edit)).mode == "RGBA"


def test_loose_pairs_and_shards_are_read_alike(tmp_path):
    save_pair(tmp_path, "loose__flow0", a_pair())
    write_shard(tmp_path / "shard-000000.tar", [Sample("packed__flow0", a_pair(), {})])
    assert pair_names(tmp_path) == ["loose__flow0", "packed__flow0"]
    loose, packed = (load_pair(tmp_path, name) for name in pair_names(tmp_path))
    np.testing.assert_array_equal(loose.edit.rgba, packed.edit.rgba)


def test_a_damaged_shard_is_named(tmp_path):
    (tmp_path / "shard-000000.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(DataError, match="shard-000000.tar is no shard"):
        pair_names(tmp_path)


def test_a_shard_made_anew_is_read_anew(tmp_path):
    path = tmp_path / "shard-000000.tar"
    write_shard(path, [Sample("a__flow0", a_pair(), {})])
    assert pair_names(tmp_path) == ["a__flow0"]
    write_shard(path, [Sample("b__flow0", a_pair(), {}), Sample("c__flow0", a_pair(), {})])
    assert pair_names(tmp_path) == ["b__flow0", "c__flow0"]


def test_twins_get_names_of_their_own(tmp_path):
    for name in ("one/a.png", "two/a.png", "two/a-2.png", "a.b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save_png(tmp_path / name, textured(0))
    jobs = plan_shards(tmp_path, tmp_path / "out", PairOptions())
    names = [source.name for job in jobs for source in job.sources]
    assert len(set(names)) == 4 and "a-b" in names


def test_licences_are_found_above_a_folder_too(footage):
    clip = (footage / "clips" / "square.0.avi").resolve()
    assert licences(footage) == licences(footage / "clips") == {clip: "CC0"}


def test_the_command_makes_shards(footage, tmp_path, capsys):
    arguments = ["pairs", str(footage / "clips"), "-o", str(tmp_path), "--affine", "0", "--flow", "1", "--shard", "1"]
    assert main(arguments) == 0
    assert "core-hours for 5,000,000 pairs" in capsys.readouterr().out
    assert len(list(tmp_path.glob("*.tar"))) == 2
    for wrong in (["--workers", "0"], ["--shard", "0"], ["--flow", "-1"]):
        assert main(arguments[:4] + wrong) == 2


def test_real_clips_give_pairs(shared_data, tmp_path):
    clips = [s for s in find_sources(shared_data / "videos" / "free") if s.is_video][:12]
    options = PairOptions(affine_per_clip=1, flow_per_clip=0)
    made = (make_pairs(clip.path, tmp_path / str(i), options).total for i, clip in enumerate(clips))
    assert any(made), "none of twelve real clips gave a pair"
