"""How the server is, for whoever watches over it: whether it can work, and how much waits."""

import logging
from collections.abc import Callable

import gradio as gr

from magicfixup_demo.serving.counters import Counters
from magicfixup_demo.serving.events import log
from magicfixup_demo.ui.background import Background
from magicfixup_demo.ui.lines import FIXING, READING
from magicfixup_demo.ui.services import Services


def health(services: Services) -> tuple[bool, dict]:
    """(whether clicks and fix-ups can be answered now, {"live", "segmenter", "models": {name: state}}).

    A state is ready, loading, failed or waiting (until somebody wants it).
    """
    engines, segmenter = services.engines, _state(services.segmenter)
    offers = engines.catalogue.offers if engines.catalogue else ()
    models = {offer.name: _state(engines.loading(offer.name)) for offer in offers}
    well = segmenter == models.get(engines.default) == "ready"
    return well, {"live": True, "segmenter": segmenter, "models": models}


def watching(services: Services, page: gr.Blocks, metrics: bool) -> dict[str, Callable]:
    """``health`` and, where they are wanted, ``metrics``, as the guard's Rules take them; counting begins here."""
    watched = {"health": lambda: health(services)}
    if metrics:
        counters = Counters(
            {
                "queue": ("Calls that wait for their turn.", lambda: page._queue.get_status().queue_size),
                "fixups_waiting": ("Fix-ups in line.", lambda: services.fixing.waiting(FIXING)),
                "readings_waiting": ("Photos in line to be read.", lambda: services.reading.waiting(READING)),
                "photos": ("Photos that are open.", lambda: len(services.photos)),
            }
        )
        log.setLevel(logging.INFO)
        log.addHandler(counters)
        watched["metrics"] = counters.text
    return watched


def _state(work: Background) -> str:
    if work.ready:
        return "failed" if work.problem else "ready"
    return "loading" if work.running else "waiting"
