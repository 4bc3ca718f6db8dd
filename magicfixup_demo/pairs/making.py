"""Videos and photos -> shards of pairs, here or on many machines, and what it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.pairs.options import PairOptions
from magicfixup_demo.pairs.photos import photo_pairs
from magicfixup_demo.pairs.plan import NamedSource, ShardJob, plan_shards
from magicfixup_demo.pairs.shards import Sample, write_shard
from magicfixup_demo.pairs.spread import Spread
from magicfixup_demo.pairs.store import pair_names
from magicfixup_demo.pairs.videos import video_pairs

PAPERS_PAIRS = 5_000_000


@dataclass(frozen=True)
class ShardReport:
    """What making one shard gave and took: pairs, seconds of CPU time, the sources that could not be read."""

    pairs: int
    cpu_seconds: float
    unreadable: tuple[str, ...]


@dataclass(frozen=True)
class MakingReport:
    """``total`` pairs in the folder; those ``made`` by this run, and the CPU time and the time on the clock it took."""

    total: int
    made: int
    cpu_seconds: float
    seconds: float
    unreadable: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.total} pairs, {self.made} of them made now in {self.seconds:.0f} s."]
        if self.made:
            rate = self.made / max(self.cpu_seconds, 1e-9) * 3600
            hours = f"{PAPERS_PAIRS / rate:,.0f} core-hours for {PAPERS_PAIRS:,} pairs"
            lines.append(f"{rate:.0f} pairs per core-hour (CPU time); {hours}.")
        if self.unreadable:
            lines.append(f"{len(self.unreadable)} files could not be read: {', '.join(self.unreadable[:10])}.")
        return "\n".join(lines)


def make_pairs(
    folder: Path,
    out: Path,
    options: PairOptions,
    progress: Callable[[float, str], None] | None = None,
    spread: Spread | None = None,
) -> MakingReport:
    """Write the shards of all sources below ``folder`` that ``out`` does not hold yet; ``spread`` says where.

    Raises DataError when there is no source, or when ``out`` holds pairs of another plan.
    """
    start, reports = time.perf_counter(), []
    missing = [job for job in plan_shards(folder, out, options) if not job.path.exists()]
    for report in (spread or Spread()).run(make_shard, missing):
        reports.append(report)
        if progress:
            progress(len(reports) / len(missing), f"{sum(r.pairs for r in reports)} pairs")
    return MakingReport(
        total=len(pair_names(out)),
        made=sum(r.pairs for r in reports),
        cpu_seconds=sum(r.cpu_seconds for r in reports),
        seconds=time.perf_counter() - start,
        unreadable=tuple(chain.from_iterable(r.unreadable for r in reports)),
    )


def make_shard(job: ShardJob) -> ShardReport:
    """Make one shard. A file that cannot be read is left out and reported: one of a million must not stop the rest."""
    start, unreadable = time.process_time(), []

    def samples() -> Iterator[Sample]:
        for named in job.sources:
            try:
                yield from _samples_of(named, job)
            except MagicFixupError:
                unreadable.append(named.source.path.name)

    with _one_thread():
        pairs = write_shard(job.path, samples())
    return ShardReport(pairs, time.process_time() - start, tuple(unreadable))


def _samples_of(named: NamedSource, job: ShardJob) -> Iterator[Sample]:
    source, options = named.source, job.options
    rng = np.random.default_rng([options.seed, *named.name.encode()])
    made = video_pairs(source, options, rng) if source.is_video else photo_pairs(source, job.lenders, options, rng)
    common = {
        "source": source.path.name,
        "split": source.split,
        "seed": options.seed,
        "licence": named.licence,
    }
    for label, pair, facts in made:
        yield Sample(f"{named.name}__{label}", pair, common | facts)


@contextmanager
def _one_thread() -> Iterator[None]:
    """OpenCV on one thread: the flow depends on how many there are, and shards keep all cores busy better."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
