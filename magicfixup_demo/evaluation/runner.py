"""One pair -> every method -> one row of measurements; many pairs on one or several processes."""

import functools
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from magicfixup_demo.evaluation.methods import Method, load_methods
from magicfixup_demo.evaluation.metrics import measure
from magicfixup_demo.evaluation.pictures import save_pictures
from magicfixup_demo.evaluation.regions import regions_of
from magicfixup_demo.training.pairs import kind_of, load_pair, source_of

SEED = 0


@dataclass(frozen=True)
class Task:
    """What is done with each pair; small enough to be sent to other processes."""

    folder: Path
    methods: tuple[str, ...]
    model: str = "small"
    migan: Path | None = None
    pictures: Path | None = None
    threads: int = 1  # of each process


def measure_pairs(task: Task, names: list[str], workers: int = 1) -> Iterator[dict]:
    """Rows of the pairs in their order. ``workers`` processes share the names."""
    if workers == 1:
        methods = _methods(task)
        yield from (measure_pair(task, methods, name) for name in names)
        return
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield from pool.map(functools.partial(_in_worker, task), names)
    finally:
        pool.shutdown(cancel_futures=True)


def measure_pair(task: Task, methods: dict[str, Method], name: str) -> dict:
    """{pair, kind, source, regions: {name: share of the picture}, seconds: {method: s}, values: {method: {metric: x}}}

    Writes the pictures of the pair too where the task names a folder.
    """
    pair = load_pair(task.folder, name)
    results, seconds = {}, {}
    for method_name, method in methods.items():
        started = time.perf_counter()
        results[method_name] = method(pair.reference, pair.edit, SEED)
        seconds[method_name] = round(time.perf_counter() - started, 3)
    regions = regions_of(pair.reference, pair.edit)
    if task.pictures is not None:
        save_pictures(task.pictures / name, pair, results)
    return {
        "pair": name,
        "kind": kind_of(name),
        "source": source_of(name),
        "regions": {region: round(float(mask.mean()), 5) for region, mask in regions.items() if mask is not None},
        "seconds": seconds,
        "values": measure(results, pair.target, pair.reference, regions),
    }


def _in_worker(task: Task, name: str) -> dict:
    torch.set_num_threads(task.threads)
    cv2.setNumThreads(task.threads)
    return measure_pair(task, _methods_of_worker(task), name)


def _methods(task: Task) -> dict[str, Method]:
    return load_methods(list(task.methods), task.model, task.migan, task.threads)


_methods_of_worker = functools.lru_cache(maxsize=1)(_methods)  # loaded once in each process, on its first pair
