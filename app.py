"""Entry of the Space and of a local run: read the options, pick the models, build the page, launch."""

import argparse
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported: no call that nobody asked for

from magicfixup_demo.limits import BACKEND_NAMES
from magicfixup_demo.ui.examples import list_examples
from magicfixup_demo.ui.models import engines, segmenter_loader
from magicfixup_demo.ui.page import build_page, launch_options
from magicfixup_demo.ui.services import Services


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Rearrange the things in a photo, get a photo back.")
    parser.add_argument("--host", default=None, help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=None, help="port to listen on (default: the first free from 7860)")
    parser.add_argument("--model", default="auto", help="auto, small or magicfixup (downloads 7.7 GB once)")
    parser.add_argument("--backend", choices=BACKEND_NAMES, default="torch", help="what computes it (default: torch)")
    parser.add_argument("--segmenter", default="auto", help="which model selects objects (default: the best to be had)")
    return parser.parse_args()


options = parse_options()
services = Services(engines(options.model, options.backend), segmenter_loader(options.segmenter), list_examples())
demo = build_page(services)

if __name__ == "__main__":
    try:
        demo.launch(server_name=options.host, server_port=options.port, prevent_thread_lock=True, **launch_options())
    except OSError as error:
        raise SystemExit(f"The page cannot be opened: {error}") from None
    services.start().keep_tidy()  # the page is up; the models come while it is being looked at
    demo.block_thread()
