"""The page on a port of this machine, as tests start it: from this process, over whatever they give it."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from magicfixup_demo.ui.page import build_page, launch_options
from magicfixup_demo.ui.services import Services
from tests.ports import free_port


def launch(page: gr.Blocks, port: int | None = None, options: dict | None = None) -> str:
    """-> its address, which ends in "/". ``options``: as launch_options gives them."""
    told = launch_options() if options is None else options
    port = port or free_port()
    return page.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True, **told)[1]


@contextmanager
def served(services: Services, port: int | None = None, options: dict | None = None) -> Iterator[str]:
    """The page over ``services``, at the address that this gives, as long as the context lasts."""
    page = build_page(services)
    try:
        yield launch(page, port, options)
    finally:
        page.close()
