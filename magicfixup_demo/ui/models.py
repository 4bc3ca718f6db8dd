"""Which models the page asks for. Imported late, so that the page is up before torch is."""

import os
from collections.abc import Callable

from magicfixup_demo.engine.choice import FALLBACK, choose, on_zerogpu
from magicfixup_demo.errors import ModelError
from magicfixup_demo.ui.background import Progress
from magicfixup_demo.ui.engines import Catalogue, Engines, Offer


def engines(name: str, backend: str = "torch") -> Engines:
    """The models that repair; ``name`` is the default ("auto" chooses), ``backend`` computes them.

    On ZeroGPU they are loaded here and now, elsewhere when the page is up.
    """
    if not on_zerogpu():
        return Engines(lambda progress: catalogue(name), falling_back(engine_loader(backend)))
    from magicfixup_demo.ui.zerogpu import load_before_launch

    listed = catalogue(name)
    load = load_before_launch([offer.name for offer in listed.offers], engine_loader(backend, "cuda"))
    return Engines(lambda progress: listed, falling_back(load))


def engine_loader(backend: str, device: str | None = None) -> Callable[[str, Progress], object]:
    """A function that loads the engine of a name, reporting progress; ``device`` None takes a GPU if there is one."""

    def load(name: str, progress: Progress):
        from magicfixup_demo.engine.registry import load_engine
        from magicfixup_demo.ui.ahead_of_time import compile_networks

        engine = load_engine(name, device, backend, progress)
        compile_networks(engine)
        return engine

    return load


def falling_back(load: Callable[[str, Progress], object]) -> Callable[[str, Progress], object]:
    """The same, but what does not fit into memory is made by the embedded model on the processor instead."""

    def loaded(name: str, progress: Progress):
        from magicfixup_demo.engine.fallback import FallbackEngine
        from magicfixup_demo.engine.registry import load_engine

        return FallbackEngine(load(name, progress), lambda report: load_engine(FALLBACK, "cpu", progress=report))

    return loaded


def segmenter_loader(name: str) -> Callable[[Progress], object]:
    """A function that loads the segmenter of that name, reporting progress."""

    def load(progress: Progress):
        from magicfixup_demo.segmentation.registry import load_segmenter

        return load_segmenter(name, progress)

    return load


def catalogue(name: str) -> Catalogue:
    """All models to choose from, with ``name`` as the default. Raises ModelError for an unknown name."""
    from magicfixup_demo.engine.weights import MODELS, is_here

    default = choose(name)
    if default not in MODELS:
        raise ModelError(f"There is no model {name!r}; start the page with one of auto, {', '.join(MODELS)}.")
    offers = [
        Offer(key, entry.description, entry.licence, 0 if is_here(key) else entry.megabytes)
        for key, entry in MODELS.items()
        if key in (default, FALLBACK) or not (on_zerogpu() or _shared_without_gpu())
    ]
    return Catalogue(tuple(offers), default, FALLBACK)


def _shared_without_gpu() -> bool:
    """On a Space without a GPU one visitor's quarter of an hour would be every visitor's; only its owner may ask."""
    import torch

    return "SPACE_ID" in os.environ and not torch.cuda.is_available()
