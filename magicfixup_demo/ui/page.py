"""The page: one editor that fills the window, and the events that need a queue."""

import importlib.util
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import gradio as gr

from magicfixup_demo.errors import OptionError
from magicfixup_demo.images import MAX_FILE_BYTES
from magicfixup_demo.limits import MAX_SEED
from magicfixup_demo.saving.work import MAX_SAVED_BYTES
from magicfixup_demo.serving.events import note
from magicfixup_demo.ui import handlers, strings
from magicfixup_demo.ui.api import add_api
from magicfixup_demo.ui.editor import Editor, head_html, style_sheets
from magicfixup_demo.ui.examples import EXAMPLES_FOLDER
from magicfixup_demo.ui.gradio_log import quieten
from magicfixup_demo.ui.guarding import guard
from magicfixup_demo.ui.services import Services
from magicfixup_demo.ui.uploads import uploads_only

SESSIONS = 1000  # of whose state Gradio keeps 20 KB each, for whoever names one
UPLOADS_CHECKED_SECONDS, UPLOADS_KEPT_SECONDS = 300, 3000  # uploads that no one opened; opened ones go at once

# Nobody waits for Gradio before standing in the line (ui/lines.py), which knows more: the page follows a fix-up without
# holding a thread. Programs hold one each, so only a few of them stand in it at once; the others Gradio lets wait.
PAGE_FIXUPS = {"concurrency_limit": None, "concurrency_id": "page"}
PROGRAM_FIXUPS = {"concurrency_limit": 4, "concurrency_id": "programs"}
MOST_EVENTS = 128  # at once, of all kinds; above the length of the line, so that it is the line that is full first
MOST_IN_QUEUE = 64


def build_page(services: Services) -> gr.Blocks:
    """Lay out the page over ``services``; nothing is loaded here."""
    gr.set_static_paths([EXAMPLES_FOLDER])  # and Gradio's own folder, see guarding.py
    tidy = (UPLOADS_CHECKED_SECONDS, UPLOADS_KEPT_SECONDS)
    with gr.Blocks(title=strings.TITLE, fill_width=True, analytics_enabled=False, delete_cache=tidy) as page:
        editor = Editor(handlers.server_functions(services), elem_id="magicfixup")
        page.load(
            _welcome(services),
            outputs=editor,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        for name, answers in (("page_fixup", handlers.fixup), ("page_plate", handlers.plate)):
            gr.api(_generator(services, answers), api_name=name, api_visibility="private", **PAGE_FIXUPS)
        page.unload(_farewell(services))
        add_api(services, PROGRAM_FIXUPS)
        page.queue(max_size=MOST_IN_QUEUE)
    uploads_only(page)
    quieten()
    page.api_open = False  # or a direct call would pass the queue by
    return page


def launch_options(host: str | None = None, **guarded) -> dict:
    """What ``Blocks.launch`` needs for this page, beside host and port. Raises OptionError.

    ``host``: where it will listen, which decides which names it goes by; ``guarded``: the rest of what ``guard`` takes.
    Without the MCP library all but the MCP tools is there. With a login they are off: Gradio does not ask for it there.
    """
    login = login_of(os.environ.get("MAGICFIXUP_AUTH"))
    return {
        "share": False,
        "show_error": False,
        "run_history": False,
        "enable_monitoring": False,
        "state_session_capacity": SESSIONS,
        "app_kwargs": {"middleware": [guard(login is not None, host, **guarded)]},
        "max_threads": MOST_EVENTS,
        "max_file_size": MAX_SAVED_BYTES,
        "css_paths": style_sheets(),
        "head": head_html(),
        "theme": gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        "footer_links": [],
        "ssr_mode": False,
        "auth": login,
        "mcp_server": login is None and importlib.util.find_spec("mcp") is not None,
    }


def login_of(text: str | None) -> tuple[str, str] | None:
    """ "user:password" -> what Gradio asks visitors for; None where everybody may come. Raises OptionError."""
    if not text:
        return None
    user, _, password = text.partition(":")
    if not user or not password:
        raise OptionError(strings.LOGIN)
    return user, password


def _welcome(services: Services):
    def welcome(request: gr.Request) -> dict:
        note("visit")
        return {
            "kind": "welcome",
            "visit": services.begin_visit(request.session_hash),
            "examples": [example.record() for example in services.examples],
            "limits": {"fileBytes": MAX_FILE_BYTES, "savedBytes": MAX_SAVED_BYTES, "seed": MAX_SEED},
        }

    return welcome


def _generator(services: Services, answers: Callable[[Services, dict], AsyncIterator[dict]]):
    """A true generator function: Gradio looks for one, and a partial of one is not. See web/page/stream.js."""

    async def follow(request: dict) -> AsyncIterator[dict]:
        async with aclosing(answers(services, request)) as messages:
            async for message in messages:
                yield message
        yield {"kind": "end"}  # Gradio says the last one twice, and what it ends with may be large

    return follow


def _farewell(services: Services):
    def farewell(request: gr.Request):
        services.end_visit(request.session_hash)

    return farewell
