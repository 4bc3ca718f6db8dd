"""The models that repair photos: which there are, and each loaded once, when it is first wanted."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from magicfixup_demo.engine.interface import Engine
from magicfixup_demo.errors import Cancelled, ModelError
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.background import Background, Progress

POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Offer:
    """A model that people may choose, as far as it is known before it is loaded.

    ``megabytes``: what its first use downloads; 0 where it is here.
    """

    name: str
    description: str
    licence: str
    megabytes: int = 0


@dataclass(frozen=True)
class Catalogue:
    """All models that may be chosen; ``default`` runs until somebody chooses, ``fallback`` where it cannot."""

    offers: tuple[Offer, ...]
    default: str
    fallback: str

    def licence_of(self, name: str) -> str:
        """Of the model of that name; empty where there is none."""
        return next((offer.licence for offer in self.offers if offer.name == name), "")


class Engines:
    """``catalogue(progress)`` names the models, ``load(name, progress)`` loads one. Thread-safe."""

    def __init__(self, catalogue: Callable[[Progress], Catalogue], load: Callable[[str, Progress], Engine]):
        self._list, self._load = catalogue, load
        self._catalogue = Background(self._begin, strings.LOADING_ENGINE)
        self._loads: dict[str, Background] = {}
        self._waiting: dict[str, int] = {}
        self._failed: set[str] = set()  # when last tried; while one is tried again it is still in here
        self._held: set[str] = set()  # loaded for the page itself: no visitor's Stop ends that
        self._lock = threading.Lock()

    def start(self) -> "Engines":
        """Begin to load the default; the others wait until somebody wants them."""
        self._catalogue.start()
        return self

    @property
    def problem(self) -> str | None:
        """The sentence for the user when no model can be had at all, else None."""
        return self._catalogue.problem

    @property
    def catalogue(self) -> Catalogue | None:
        """The models once they are known."""
        return self._catalogue.value

    @property
    def default(self) -> str | None:
        """The model that runs where nobody chose one: the fallback where the default failed. None until it is known.

        It stays the fallback while somebody has the default tried again.
        """
        if self.catalogue is None:
            return None
        failed = self.catalogue.default in self._failed or self.loading(self.catalogue.default).problem
        return self.catalogue.fallback if failed else self.catalogue.default

    def loading(self, name: str) -> Background:
        """How far a model's loading is; it may not have begun."""
        with self._lock:
            if name not in self._loads:
                self._loads[name] = Background(lambda progress: self._load_one(name, progress), strings.LOADING_ENGINE)
            return self._loads[name]

    def get(self, name: str | None, report: Progress) -> Engine:
        """The engine of that name, or the default's; loads it first where needed, which may mean a download.

        ``report`` tells how far, and may raise Cancelled, which stops a download that nobody else waits for.
        Raises ModelError; a later call tries again.
        """
        self._await(self._catalogue.start(), report)
        catalogue = self._catalogue.result()
        name = name or self.default
        if name not in (offer.name for offer in catalogue.offers):
            raise ModelError(strings.NO_MODEL)
        self._begin_waiting(name)
        try:
            return self._loaded(name, report)
        finally:
            self._end_waiting(name)

    def forget(self) -> None:
        """What the loaded models keep of photos goes, at once."""
        with self._lock:
            engines = [loading.value for loading in self._loads.values()]
        for engine in filter(None, engines):
            engine.forget()

    def _begin(self, progress: Progress) -> Catalogue:
        catalogue = self._list(progress)
        self._held.add(catalogue.default)
        self.loading(catalogue.default).start()
        return catalogue

    def _load_one(self, name: str, progress: Progress) -> Engine:
        try:
            engine = self._load(name, progress)
            self._failed.discard(name)
            return engine
        except Cancelled:
            raise
        except Exception:
            self._failed.add(name)
            raise
        finally:
            self._held.discard(name)

    def _loaded(self, name: str, report: Progress) -> Engine:
        while True:
            loading = self.loading(name).start()
            self._await(loading, report)
            try:
                return loading.result()
            except Cancelled:  # by somebody who left before this caller came
                continue

    def _await(self, work: Background, report: Progress) -> None:
        while not work.wait(POLL_SECONDS):
            report(work.fraction, work.text)

    def _begin_waiting(self, name: str) -> None:
        with self._lock:
            self._waiting[name] = self._waiting.get(name, 0) + 1

    def _end_waiting(self, name: str) -> None:
        with self._lock:
            self._waiting[name] -= 1
            if self._waiting[name] == 0 and name not in self._held:
                self._loads[name].cancel()
