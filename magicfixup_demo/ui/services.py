"""What the page's handlers share: the models (loading while the page is up), the open photos, and the visits."""

import secrets
import threading

from magicfixup_demo.engine.interface import Engine
from magicfixup_demo.errors import PhotoError
from magicfixup_demo.segmentation.cache import EmbeddingCache
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.background import Background, Progress
from magicfixup_demo.ui.examples import Example
from magicfixup_demo.ui.jobs import Jobs
from magicfixup_demo.ui.photos import OpenPhoto, PhotoStore

EMBEDDING_PATIENCE_SECONDS = 900.0
ENGINE_POLL_SECONDS = 0.25


class Services:
    """``load_engine(progress)`` and ``load_segmenter(progress)`` return an Engine and a Segmenter; see ``start``."""

    def __init__(self, load_engine, load_segmenter, examples: tuple[Example, ...] = ()):
        self.engine = Background(load_engine, strings.LOADING_ENGINE)
        self.segmenter = Background(load_segmenter, strings.LOADING_SEGMENTER)
        self.examples = examples
        self.photos, self.jobs = PhotoStore(), Jobs()
        self._embeddings = EmbeddingCache()
        self._visits: dict[str, str] = {}

    def start(self) -> "Services":
        """Begin to load both models, each in its own thread."""
        self.segmenter.start()
        self.engine.start()
        return self

    def begin_visit(self, session: str | None) -> str:
        """An unguessable name for this visit; ``session`` is Gradio's key, by which its end is told."""
        visit = secrets.token_urlsafe(16)
        if session:
            self._visits[session] = visit
        return visit

    def end_visit(self, session: str | None) -> None:
        """Forget everything of a visit and stop its work."""
        visit = self._visits.pop(session, None)
        if visit is not None:
            self.jobs.stop_visit(visit)
            self.photos.end_visit(visit)

    def open_photo(self, name: str, image, visit: object) -> OpenPhoto:
        """Keep a photo and begin its embedding. ``image``: (H, W, 3) uint8."""

        def embed(progress: Progress):
            segmenter = self.segmenter.result(EMBEDDING_PATIENCE_SECONDS)
            return self._embeddings.embed(segmenter, image, progress)

        embedding = Background(embed, strings.READING_PHOTO)
        photo = self.photos.add(name, image, str(visit or ""), embedding)
        embedding.start()
        return photo

    def ready_engine(self, report: Progress) -> Engine:
        """The engine; while it loads ``report`` tells how far, and may raise Cancelled. Raises ModelError."""
        while not self.engine.wait(ENGINE_POLL_SECONDS):
            report(0.0, self.engine.text)
        return self.engine.result()

    def keep_tidy(self, every_seconds: float = 300.0) -> None:
        """Drop what nobody used for an hour, also when no one comes any more; runs until the process ends."""
        self.photos.sweep()
        timer = threading.Timer(every_seconds, self.keep_tidy, [every_seconds])
        timer.daemon = True
        timer.start()


def embedding_of(photo: OpenPhoto):
    """The photo's embedding; waits for it. Raises MagicFixupError."""
    try:
        return photo.embedding.result(EMBEDDING_PATIENCE_SECONDS)
    except TimeoutError as error:
        raise PhotoError(strings.SURPRISE) from error
