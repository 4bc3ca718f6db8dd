"""What the page's handlers share: the models (loading while the page is up), the open photos, and the visits."""

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.choice import on_zerogpu
from magicfixup_demo.errors import Cancelled, PhotoError
from magicfixup_demo.images import open_photo
from magicfixup_demo.saving.photos import keep_photo
from magicfixup_demo.schema import Collage
from magicfixup_demo.segmentation.cache import EmbeddingCache
from magicfixup_demo.segmentation.interface import Embedding, Segmenter
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.background import Background, Progress
from magicfixup_demo.ui.engines import Engines
from magicfixup_demo.ui.example_results import ExampleResults, fingerprint
from magicfixup_demo.ui.examples import Example, find_example
from magicfixup_demo.ui.jobs import Jobs
from magicfixup_demo.ui.lines import (
    DRAWING,
    FIXING,
    MOST_A_VISITOR,
    MOST_WAITING,
    PREPARING,
    READING,
    SAVING,
    Lines,
    in_words,
)
from magicfixup_demo.ui.links import LinkStore
from magicfixup_demo.ui.memory import GivingBack, give_back
from magicfixup_demo.ui.photos import OpenPhoto, PhotoStore
from magicfixup_demo.ui.uploads import UploadedPhotos

log = logging.getLogger(__name__)
MOST_VISIT = 64  # characters of a visit's name: ours are shorter
EMBEDDING_PATIENCE_SECONDS = 900.0
MOST_VISITS = 10_000  # whose end is listened for; what others left goes an hour after its last use all the same
# Large arrangements and files, one at a time: see drawing.py. Whoever saves keeps one of the server's threads.
MOST_LARGE = {DRAWING: 48, SAVING: 6}
MOST_LARGE_OF_A_VISITOR = {DRAWING: 2, SAVING: 2}
# Plates for the page stand in a line of their own beside the fix-ups', so that they take nobody's place there. Of a
# visitor's only the newest counts: the others have been stopped, and leave it within half a second.
MOST_AT_WORK = {FIXING: MOST_WAITING[FIXING], PREPARING: 48}
MOST_AT_WORK_OF_A_VISITOR = {FIXING: MOST_A_VISITOR[FIXING], PREPARING: 4}
AT_ONCE_ON_ZEROGPU = 8  # fix-ups wait for a card in the Hub's own line there, and need little of this machine


class Services:
    """``engines``: the models that repair; ``load_segmenter(progress)`` returns a Segmenter; see ``start``.

    ``links``: what visitors asked to keep; in memory where None. ``fixed_at_once``: fix-ups side by side.
    """

    def __init__(
        self,
        engines: Engines,
        load_segmenter,
        examples: tuple[Example, ...] = (),
        links: LinkStore | None = None,
        fixed_at_once: int | None = None,
    ):
        self.engines = engines
        self.segmenter = Background(load_segmenter, strings.LOADING_SEGMENTER)
        self.examples = examples
        self.photos, self.jobs = PhotoStore(), Jobs()
        # Photos are read beside the fix-ups, so that nobody waits for others' fix-ups with the first click.
        self.reading = Lines(1, {READING: MOST_WAITING[READING]})
        usual = AT_ONCE_ON_ZEROGPU if on_zerogpu() else 1
        self.fixing = Lines(fixed_at_once or usual, MOST_AT_WORK, MOST_AT_WORK_OF_A_VISITOR)
        self.large = Lines(1, MOST_LARGE, MOST_LARGE_OF_A_VISITOR)
        self.links = LinkStore() if links is None else links  # an empty store counts as false
        self.uploads = UploadedPhotos()
        self.example_results = ExampleResults()
        self._embeddings = EmbeddingCache()
        self._memory = GivingBack()
        self._visits: OrderedDict[str, str] = OrderedDict()

    def start(self) -> "Services":
        """Begin to load what selects and what repairs, each in its own thread."""
        self.segmenter.start()
        self.engines.start()
        return self

    def begin_visit(self, session: str | None) -> str:
        """An unguessable name for this visit; ``session`` is Gradio's key, by which its end is told."""
        visit = secrets.token_urlsafe(16)
        if session:
            self._visits[session] = visit
            while len(self._visits) > MOST_VISITS:
                self._visits.popitem(last=False)
        return visit

    def knows_visit(self, visit: object) -> bool:
        """Whether that visit goes on."""
        return visit in list(self._visits.values())

    def end_visit(self, session: str | None) -> None:
        """Forget everything of a visit and stop its work."""
        visit = self._visits.pop(session, None)
        if visit is not None:
            self.jobs.stop_visit(visit)
            photos = self.photos.end_visit(visit)
            self._embeddings.forget(photo.embedding.value for photo in photos if not photo.saved_edit)
            if not self._visits:  # the last one has left: nothing is worth its memory any more
                self._embeddings.forget_all()
                self.engines.forget()
            self._memory.soon()

    def open_photo(self, name: str, image, visit: object, saved_edit: str = "", rounds: int = 0) -> OpenPhoto:
        """Keep a photo and begin its embedding. ``image``: (H, W, 3) uint8; the others: see OpenPhoto."""

        visit = visit if isinstance(visit, str) and len(visit) <= MOST_VISIT else ""
        embedding = Background(lambda progress: self.embed(image, progress, visit), strings.READING_PHOTO)
        photo = self.photos.add(name, image, visit, embedding, saved_edit, rounds)
        embedding.start()
        return photo

    def embed(self, image: np.ndarray, progress: Progress | None = None, visit: str = "") -> Embedding:
        """What the segmenter makes of a photo, (H, W, 3) uint8; waits for it, in a line. Raises MagicFixupError."""
        segmenter = self.segmenter.start().result(EMBEDDING_PATIENCE_SECONDS)
        return self._embeddings.embed(_InLine(segmenter, self.reading, visit), image, progress)

    def open_example(self, name: object, visit: object) -> tuple[OpenPhoto, Collage]:
        """An example's photo, kept as any other, and its saved collage. Raises MagicFixupError."""
        example = find_example(self.examples, name)
        image = open_photo(example.photo)
        collage = collage_from_json(example.collage.read_text("utf-8"))
        edit = render(image, collage)  # raises when they do not belong together
        photo = self.open_photo(example.name, image, visit, fingerprint(image, edit))
        photo.kept = keep_photo(example.photo.read_bytes())
        return photo, collage

    def keep_tidy(self, also: Callable[[], None] = lambda: None, every_seconds: float = 300.0) -> None:
        """Drop what nobody used for long, also when no one comes any more; runs until the process ends.

        ``also``: what else is to be done then.
        """
        try:
            for part in (self.photos, self._embeddings, self.links, self.uploads):
                part.sweep()
            also()
            give_back()
        except Exception:  # the next time it may work again
            log.exception("tidying failed")
        timer = threading.Timer(every_seconds, self.keep_tidy, [also, every_seconds])
        timer.daemon = True
        timer.start()


@dataclass(frozen=True)
class _InLine:
    """A segmenter that reads a photo when it is the visit's turn; who waits hears the place."""

    segmenter: Segmenter
    lines: Lines
    visit: str

    @property
    def name(self) -> str:
        return self.segmenter.name

    def embed(self, photo: np.ndarray, progress: Progress | None = None) -> Embedding:
        with self.lines.turn(READING, self.visit, lambda place: progress and progress(0.0, in_words(place))):
            return self.segmenter.embed(photo, progress)


def embedding_of(photo: OpenPhoto):
    """The photo's embedding; waits for it, after a failure for another try. Raises MagicFixupError."""
    try:
        return photo.embedding.start().result(EMBEDDING_PATIENCE_SECONDS)
    except Cancelled as error:  # the visit ended, or other photos took its place
        raise PhotoError(strings.PHOTO_GONE) from error
    except TimeoutError as error:
        raise PhotoError(strings.SURPRISE) from error
