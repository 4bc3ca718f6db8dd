"""Which sources go into which shard. All that a shard holds follows from its job, so its bytes are the same whoever
makes it, in whatever order and on however many machines; and a run that was interrupted makes what is not there yet.
The plan lies beside the shards (plan.json); another plan wants another folder.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from magicfixup_demo.errors import DataError
from magicfixup_demo.pairs.options import PairOptions
from magicfixup_demo.pairs.sources import Source, find_sources, licences

LENDERS = 64  # photos with masks, at most, whose objects a shard borrows


@dataclass(frozen=True)
class NamedSource:
    """A source with the unique name of its pairs, and its licence where that is known."""

    source: Source
    name: str
    licence: str | None


@dataclass(frozen=True)
class ShardJob:
    """All there is to know for making one shard; small enough to be sent to another machine."""

    path: Path
    options: PairOptions
    sources: tuple[NamedSource, ...]
    lenders: tuple[Source, ...]


def plan_shards(folder: Path, out: Path, options: PairOptions) -> list[ShardJob]:
    """The jobs for all sources below ``folder``; leaves plan.json in ``out``, or compares it.

    Sources are shuffled by the seed, so that some of the shards are a fair sample of all. Raises DataError when there
    is no source, or when ``out`` holds pairs of another plan.
    """
    known = licences(folder)
    named = [
        NamedSource(source, name, known.get(source.path.resolve()))
        for source, name in _named(find_sources(folder))
        if options.split in ("all", source.split)
    ]
    order = np.random.default_rng(options.seed).permutation(len(named))
    shuffled = [named[k] for k in order]
    _leave_plan(out, {"options": asdict(options), "sources": [s.name for s in shuffled]})
    lenders = [s.source for s in shuffled if s.source.masks]
    size = options.sources_per_shard
    return [
        ShardJob(
            out.resolve() / f"shard-{i:06d}.tar",
            options,
            tuple(shuffled[i * size : (i + 1) * size]),
            _some(lenders, np.random.default_rng([options.seed, i])),
        )
        for i in range(-(-len(shuffled) // size))
    ]


def _leave_plan(out: Path, plan: dict) -> None:
    out.mkdir(parents=True, exist_ok=True)
    path, text = out / "plan.json", json.dumps(plan, indent=1)
    if path.exists() and path.read_text() != text:
        raise DataError(f"{out} holds pairs of other sources or options; choose another folder, or empty this one.")
    path.write_text(text)


def _some(lenders: list[Source], rng: np.random.Generator) -> tuple[Source, ...]:
    chosen = rng.choice(len(lenders), min(LENDERS, len(lenders)), replace=False) if lenders else ()
    return tuple(lenders[k] for k in chosen)


def _named(sources: list[Source]) -> Iterator[tuple[Source, str]]:
    """Names are the files' without ending and dots (a sample's name ends at its first dot); twins get a number."""
    taken: set[str] = set()
    for source in sources:
        stem = name = re.sub(r"[./\\]", "-", source.path.stem)
        number = 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        yield source, name
