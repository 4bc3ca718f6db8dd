"""Which models the page asks for. Imported late, so that the page is up before torch is."""

from collections.abc import Callable

from magicfixup_demo.ui.background import Progress


def engine_loader(name: str, backend: str = "torch") -> Callable[[Progress], object]:
    """A function that loads the engine of that name, computed by that backend, reporting progress."""

    def load(progress: Progress):
        from magicfixup_demo.engine.registry import load_engine

        return load_engine(name, backend=backend)

    return load


def segmenter_loader(name: str) -> Callable[[Progress], object]:
    """A function that loads the segmenter of that name, reporting progress."""

    def load(progress: Progress):
        from magicfixup_demo.segmentation.registry import load_segmenter

        return load_segmenter(name, progress)

    return load
