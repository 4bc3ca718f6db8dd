"""The same task for many items: one after the other, on several processes, or over a Ray cluster."""

import importlib
import os
import pickle
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import magicfixup_demo
from magicfixup_demo.errors import OptionError

LOCAL = "local"
CONNECT_SECONDS = 5
T, R = TypeVar("T"), TypeVar("R")


@dataclass(frozen=True)
class Spread:
    """``workers``: processes on this machine. ``ray``: the address of a cluster, or "local" for one of ``workers``.

    Machines of a cluster need the requirements installed and see the folders under the same path; the package itself
    is sent to them.
    """

    workers: int = 1
    ray: str | None = None

    def run(self, task: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """``task`` of each item; results come as they are made, in any order. Raises OptionError without Ray."""
        if not items:
            return iter(())
        if self.ray is not None:
            return _over_ray(task, items, self.ray, self.workers)
        if self.workers > 1:
            return over_processes(task, items, self.workers)
        return map(task, items)


def over_processes(
    task: Callable[[T], R], items: Sequence[T], workers: int, prepare: Callable[[], None] | None = None
) -> Iterator[R]:
    """``task`` of each item, in their order; ``prepare`` runs first in each process. What is left is dropped when the
    caller stops asking. Fresh processes: a fork of one that has started threads (OpenCV, torch) may hang."""
    pool = ProcessPoolExecutor(max(1, min(workers, len(items))), get_context("spawn"), initializer=prepare)
    try:
        yield from pool.map(task, items)
    finally:
        pool.shutdown(cancel_futures=True)


def _over_ray(task: Callable[[T], R], items: Sequence[T], address: str, workers: int) -> Iterator[R]:
    """Ray Data with one block per item, so that the cluster hands out items one at a time and repeats lost ones."""
    with _ray_session(address, workers) as ray:
        rows = ray.data.from_items([{"item": pickle.dumps(item)} for item in items], override_num_blocks=len(items))
        for row in rows.map(partial(_ray_task, task)).iter_rows():
            yield pickle.loads(row["result"])  # our own, from our own workers


def _ray_task(task: Callable[[T], R], row: dict) -> dict:
    """Pickled by ourselves, since a table of Arrow's holds no Python objects."""
    return {"result": pickle.dumps(task(pickle.loads(row["item"])))}


@contextmanager
def _ray_session(address: str, workers: int) -> Iterator[Any]:
    """Connected to a cluster, or to a new local one that ends with the block. Ray's usage report is off."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise OptionError('Ray Data is not installed; pip install "ray[data]", or leave out --ray.') from error
    _check_address(address)
    package = str(Path(magicfixup_demo.__file__).parent)
    local = {"num_cpus": workers, "include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address, runtime_env={"py_modules": [package]}, log_to_driver=False, logging_level="ERROR", **local)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise OptionError(_no_cluster(address)) from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Knock at HOST:PORT first: where nothing answers, Ray itself tries for minutes and then ends the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # "local", "auto": Ray finds those
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise OptionError(_no_cluster(address)) from error


def _no_cluster(address: str) -> str:
    return f"There is no Ray cluster at {address}; start one with `ray start --head` and give the HOST:PORT it prints."
