"""Videos and photos -> pairs on disk: NAME_reference.png, NAME_edit.png (RGBA, alpha 0 = hole), NAME_target.png."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from magicfixup_demo.errors import DataError
from magicfixup_demo.images import open_edit, open_photo, save_png
from magicfixup_demo.training.options import PairOptions
from magicfixup_demo.training.sources import Source, find_sources, read_mask, read_photo
from magicfixup_demo.training.synthetic import Pair, intruder, moved_object
from magicfixup_demo.training.videos import video_pairs


def make_pairs(
    folder: Path, out: Path, options: PairOptions, progress: Callable[[float, str], None] | None = None
) -> int:
    """Write the pairs of all sources below ``folder`` into ``out``; sources that are done are skipped on a second run.

    Returns the number of pairs in ``out`` afterwards. Raises DataError when there is no source.
    """
    sources = [s for s in find_sources(folder) if options.split in ("all", s.split)]
    out.mkdir(parents=True, exist_ok=True)
    done = out / "done.txt"
    finished = set(done.read_text().split("\n")) if done.exists() else set()
    order = np.random.default_rng(options.seed).permutation(len(sources))  # so that a part is a fair sample
    with_masks = [s for s in sources if s.masks]
    for i, source in enumerate(sources[k] for k in order):
        if source.path.name in finished:
            continue
        if progress:
            progress(i / len(sources), source.path.name)
        rng = np.random.default_rng([options.seed, *source.path.stem.encode()])
        for name, pair in _pairs_of(source, with_masks, options, rng):
            save_pair(out, f"{source.path.stem}__{name}", pair)
        with done.open("a") as log:
            log.write(f"{source.path.name}\n")
    return len(pair_names(out))


def pair_names(folder: Path) -> list[str]:
    """Names of the complete pairs in a folder, sorted."""
    names = (path.name.removesuffix("_target.png") for path in folder.glob("*_target.png"))
    return sorted(n for n in names if (folder / f"{n}_reference.png").exists() and (folder / f"{n}_edit.png").exists())


def kind_of(name: str) -> str:
    """The kind of a pair ("affine", "flow", "moved", "intruder") from its name, or "other"."""
    kind = name.rpartition("__")[2].rstrip("0123456789")
    return kind if kind in ("affine", "flow", "moved", "intruder") else "other"


def source_of(name: str) -> str:
    """The clip or photo a pair was made from: what intervals are clustered by."""
    return name.rpartition("__")[0] or name


def save_pair(folder: Path, name: str, pair: Pair) -> None:
    """Write the three pictures; the target last, since its presence says that the pair is complete."""
    save_png(folder / f"{name}_reference.png", pair.reference)
    save_png(folder / f"{name}_edit.png", pair.edit.rgba)
    save_png(folder / f"{name}_target.png", pair.target)


def load_pair(folder: Path, name: str) -> Pair:
    """Read one pair. Raises DataError when its pictures differ in size."""
    pair = Pair(
        open_photo(folder / f"{name}_reference.png"),
        open_edit(folder / f"{name}_edit.png"),
        open_photo(folder / f"{name}_target.png"),
    )
    if not pair.reference.shape[:2] == pair.target.shape[:2] == pair.edit.alpha.shape:
        raise DataError(f"The pictures of the pair {name} differ in size; make the pairs again.")
    return pair


def _pairs_of(
    source: Source, with_masks: list[Source], options: PairOptions, rng: np.random.Generator
) -> Iterator[tuple[str, Pair]]:
    if source.is_video:
        yield from video_pairs(source, options, rng)
    else:
        yield from _photo_pairs(source, with_masks, options, rng)


def _photo_pairs(
    source: Source, with_masks: list[Source], options: PairOptions, rng: np.random.Generator
) -> Iterator[tuple[str, Pair]]:
    photo = read_photo(source.path)
    height, width = photo.shape[:2]
    for i in range(options.moved_per_photo):
        mask = _object_mask(source, with_masks, width, height, rng)
        pair = moved_object(photo, mask, rng) if mask is not None else None
        if pair is not None:
            yield f"moved{i}", pair
    for i in range(options.intruders_per_photo):
        other = with_masks[rng.integers(len(with_masks))] if with_masks else None
        if other is None:
            return
        picture = read_photo(other.path)
        mask = read_mask(other.masks[rng.integers(len(other.masks))], picture.shape[1], picture.shape[0])
        pair = intruder(photo, picture, mask, rng)
        if pair is not None:
            yield f"intruder{i}", pair


def _object_mask(
    source: Source, with_masks: list[Source], width: int, height: int, rng: np.random.Generator
) -> np.ndarray | None:
    """An object of the photo; where none is known, the shape of another photo's object cut from any content."""
    owner = source if source.masks else (with_masks[rng.integers(len(with_masks))] if with_masks else None)
    if owner is None:
        return None
    mask = read_mask(owner.masks[rng.integers(len(owner.masks))], width, height)
    return mask if 0.004 < mask.mean() < 0.3 else None
