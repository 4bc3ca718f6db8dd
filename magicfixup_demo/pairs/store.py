"""Pairs on disk, read the same way from WebDataset shards (shards.py) and from loose pictures.

A folder holds shard-000000.tar, ..., or NAME_reference.png, NAME_edit.png (RGBA, alpha 0 = hole) and NAME_target.png,
or both. A name is SOURCE__KINDn.
"""

import json
from functools import lru_cache
from pathlib import Path

from magicfixup_demo.errors import DataError
from magicfixup_demo.images import open_edit, open_photo, save_png
from magicfixup_demo.pairs.shards import FACTS, PICTURES, index_shard, read_range
from magicfixup_demo.pairs.synthetic import Pair

KINDS = ("affine", "flow", "moved", "intruder")
SHARDS = "shard-*.tar"


def pair_names(folder: Path) -> list[str]:
    """Names of the complete pairs in a folder, sorted."""
    loose = {path.name.removesuffix("_target.png") for path in folder.glob("*_target.png")}
    complete = {n for n in loose if all((folder / f"{n}_{part}.png").exists() for part in ("reference", "edit"))}
    return sorted(complete.union(*(_index(shard) for shard in _shards(folder))))


def load_pair(folder: Path, name: str) -> Pair:
    """Read one pair. Raises DataError when there is none of that name, or its pictures differ in size."""
    reference, edit, target = _pictures(folder, name)
    pair = Pair(open_photo(reference), open_edit(edit), open_photo(target))
    if not pair.reference.shape[:2] == pair.target.shape[:2] == pair.edit.alpha.shape:
        raise DataError(f"The pictures of the pair {name} differ in size; make the pairs again.")
    return pair


def load_facts(folder: Path, name: str) -> dict:
    """What is known of a pair: kind, source, split, seed, seconds between its frames, licence; {} for a loose one."""
    shard = None if _is_loose(folder, name) else _shard_of(folder, name)
    return json.loads(read_range(shard, _index(shard)[name][FACTS])) if shard else {}


def kind_of(name: str) -> str:
    """The kind of a pair ("affine", "flow", "moved", "intruder") from its name, or "other"."""
    kind = name.rpartition("__")[2].rstrip("0123456789")
    return kind if kind in KINDS else "other"


def source_of(name: str) -> str:
    """The clip or photo a pair was made from: what intervals are clustered by."""
    return name.rpartition("__")[0] or name


def save_pair(folder: Path, name: str, pair: Pair) -> None:
    """Write a loose pair; the target last, since its presence says that the pair is complete."""
    save_png(folder / f"{name}_reference.png", pair.reference)
    save_png(folder / f"{name}_edit.png", pair.edit.rgba)
    save_png(folder / f"{name}_target.png", pair.target)


def _pictures(folder: Path, name: str) -> list[Path] | list[bytes]:
    """Reference, edit and target, as files or as the bytes of files."""
    if _is_loose(folder, name):
        return [folder / f"{name}_{part}.png" for part in ("reference", "edit", "target")]
    shard = _shard_of(folder, name)
    if shard is None:
        raise DataError(f"There is no pair {name} in {folder}; check the name.")
    return [read_range(shard, _index(shard)[name][ending]) for ending in PICTURES]


def _is_loose(folder: Path, name: str) -> bool:
    return (folder / f"{name}_target.png").exists()


def _shard_of(folder: Path, name: str) -> Path | None:
    return _cached_places(folder, folder.stat().st_mtime_ns).get(name) if folder.is_dir() else None


@lru_cache(maxsize=64)
def _cached_places(folder: Path, _changed: int) -> dict[str, Path]:
    """{name: shard}; found anew when a file has come to the folder or left it."""
    return {name: shard for shard in _shards(folder) for name in _index(shard)}


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob(SHARDS))


def _index(shard: Path) -> dict[str, dict[str, tuple[int, int]]]:
    state = shard.stat()
    return _cached_index(shard, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4096)
def _cached_index(shard: Path, _changed: int, _size: int) -> dict[str, dict[str, tuple[int, int]]]:
    """A shard's headers are read once, and again only when the file has changed."""
    return index_shard(shard)
