"""What the page's handlers share: the models (loading while the page is up), the open photos, and the visits."""

import secrets
import threading

from magicfixup_demo.errors import PhotoError
from magicfixup_demo.segmentation.cache import EmbeddingCache
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.background import Background, Progress
from magicfixup_demo.ui.engines import Engines
from magicfixup_demo.ui.example_results import ExampleResults
from magicfixup_demo.ui.examples import Example
from magicfixup_demo.ui.jobs import Jobs
from magicfixup_demo.ui.photos import OpenPhoto, PhotoStore

EMBEDDING_PATIENCE_SECONDS = 900.0


class Services:
    """``engines``: the models that repair; ``load_segmenter(progress)`` returns a Segmenter; see ``start``."""

    def __init__(self, engines: Engines, load_segmenter, examples: tuple[Example, ...] = ()):
        self.engines = engines
        self.segmenter = Background(load_segmenter, strings.LOADING_SEGMENTER)
        self.examples = examples
        self.photos, self.jobs = PhotoStore(), Jobs()
        self.example_results = ExampleResults()
        self._embeddings = EmbeddingCache()
        self._visits: dict[str, str] = {}

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
        return visit

    def end_visit(self, session: str | None) -> None:
        """Forget everything of a visit and stop its work."""
        visit = self._visits.pop(session, None)
        if visit is not None:
            self.jobs.stop_visit(visit)
            self.photos.end_visit(visit)

    def open_photo(self, name: str, image, visit: object, saved_edit: str = "") -> OpenPhoto:
        """Keep a photo and begin its embedding. ``image``: (H, W, 3) uint8; ``saved_edit``: see OpenPhoto."""

        def embed(progress: Progress):
            segmenter = self.segmenter.result(EMBEDDING_PATIENCE_SECONDS)
            return self._embeddings.embed(segmenter, image, progress)

        embedding = Background(embed, strings.READING_PHOTO)
        photo = self.photos.add(name, image, str(visit or ""), embedding, saved_edit)
        embedding.start()
        return photo

    def keep_tidy(self, every_seconds: float = 300.0) -> None:
        """Drop what nobody used for long, also when no one comes any more; runs until the process ends."""
        self.photos.sweep()
        self._embeddings.sweep()
        timer = threading.Timer(every_seconds, self.keep_tidy, [every_seconds])
        timer.daemon = True
        timer.start()


def embedding_of(photo: OpenPhoto):
    """The photo's embedding; waits for it. Raises MagicFixupError."""
    try:
        return photo.embedding.result(EMBEDDING_PATIENCE_SECONDS)
    except TimeoutError as error:
        raise PhotoError(strings.SURPRISE) from error
