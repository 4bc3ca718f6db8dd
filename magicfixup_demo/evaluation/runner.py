"""One pair -> every method -> one row of measurements; many pairs on one or several processes."""

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from magicfixup_demo.errors import OptionError
from magicfixup_demo.evaluation.methods import Method, load_methods
from magicfixup_demo.evaluation.metrics import measure
from magicfixup_demo.evaluation.pictures import save_pictures
from magicfixup_demo.evaluation.regions import regions_of
from magicfixup_demo.pairs.spread import over_processes
from magicfixup_demo.pairs.store import kind_of, load_pair, source_of

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


def spread(function: Callable, task: Task, items: list, workers: int = 1) -> Iterator:
    """function(task, item) of each item, in their order; ``workers`` processes share them."""
    if workers == 1:
        yield from (function(task, item) for item in items)
        return
    limit = functools.partial(_limit_threads, task.threads)
    yield from over_processes(functools.partial(function, task), items, workers, limit)


@functools.lru_cache(maxsize=1)
def methods_of(task: Task) -> dict[str, Method]:
    """The task's methods, loaded once in each process."""
    return load_methods(list(task.methods), task.model, task.migan, task.threads)


def measure_pair(task: Task, item: tuple[str, tuple[str, ...]]) -> dict:
    """One row: {pair, kind, source, regions: {name: share of the picture}, seconds: {method: s}, values: {method:
    {metric: x}}}.

    item: (pair, the methods to run on it). Writes the pictures of the pair too where the task names a folder.
    """
    name, missing = item
    pair = load_pair(task.folder, name)
    results, seconds = {}, {}
    methods = methods_of(task)
    for method_name in missing:
        method = methods[method_name]
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


def share_of_threads(workers: int) -> int:
    """How many threads each of some processes may use. Raises OptionError when there is no process."""
    if workers < 1:
        raise OptionError(f"workers is {workers}; choose at least 1.")
    return max(1, torch.get_num_threads() // workers)


def _limit_threads(threads: int) -> None:
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
