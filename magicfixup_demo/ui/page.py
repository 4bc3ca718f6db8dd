"""The page: one editor that fills the window, and the events that need a queue."""

import gradio as gr

from magicfixup_demo.images import MAX_FILE_BYTES
from magicfixup_demo.limits import MAX_SEED
from magicfixup_demo.ui import handlers, strings
from magicfixup_demo.ui.editor import WEB_FOLDER, Editor
from magicfixup_demo.ui.examples import EXAMPLES_FOLDER
from magicfixup_demo.ui.services import Services

UPLOADS_CHECKED_SECONDS, UPLOADS_KEPT_SECONDS = 600, 3600  # uploads that no one opened; opened ones go at once

FIXUPS_AT_ONCE = 4  # each model works for one at a time; so a few may wait for a download and hold up nobody


def build_page(services: Services) -> gr.Blocks:
    """Lay out the page over ``services``; nothing is loaded here."""
    gr.set_static_paths([WEB_FOLDER, EXAMPLES_FOLDER])
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
        editor.fixup(
            _generator(services),
            inputs=editor,
            outputs=editor,
            show_progress="hidden",
            concurrency_limit=FIXUPS_AT_ONCE,
            trigger_mode="multiple",
            api_visibility="private",
        )
        page.unload(_farewell(services))
    return page


def launch_options() -> dict:
    """What ``Blocks.launch`` needs for this page, beside host and port."""
    return {
        "share": False,
        "max_file_size": MAX_FILE_BYTES,
        "css_paths": WEB_FOLDER / "editor.css",
        "theme": gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        "footer_links": [],
        "ssr_mode": False,
    }


def _welcome(services: Services):
    def welcome(request: gr.Request) -> dict:
        return {
            "kind": "welcome",
            "visit": services.begin_visit(request.session_hash),
            "examples": [example.record() for example in services.examples],
            "limits": {"fileBytes": MAX_FILE_BYTES, "seed": MAX_SEED},
        }

    return welcome


def _generator(services: Services):
    """A true generator function: Gradio looks for one, and a partial of one is not."""

    def fixup(request):
        yield from handlers.fixup(services, request)

    return fixup


def _farewell(services: Services):
    def farewell(request: gr.Request):
        services.end_visit(request.session_hash)

    return farewell
