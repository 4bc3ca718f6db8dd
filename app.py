"""Entry of the Space and of a local run: read the options, pick the models, build the page, launch."""

import argparse
import os
import signal
import sys

from magicfixup_demo.ui.upload_folder import claim

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported: no call that nobody asked for
os.environ["GRADIO_TEMP_DIR"] = str(claim().path)  # likewise: uploads lie in a folder of this process alone
# Before torch is: threads that wait for each other sleep. Else a click beside a fix-up takes several times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.limits import BACKEND_NAMES
from magicfixup_demo.serving import logs
from magicfixup_demo.ui.examples import list_examples
from magicfixup_demo.ui.guarding import served_folders
from magicfixup_demo.ui.health import watching
from magicfixup_demo.ui.links import LinkStore
from magicfixup_demo.ui.memory import keep_few_arenas
from magicfixup_demo.ui.models import engines, segmenter_loader
from magicfixup_demo.ui.page import build_page, launch_options
from magicfixup_demo.ui.services import Services
from magicfixup_demo.ui.shelves import shelf_for


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Rearrange the things in a photo, get a photo back.")
    own = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    parser.add_argument("--host", default=own, help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=None, help="port to listen on (default: the first free from 7860)")
    parser.add_argument("--model", default="auto", help="auto, small or magicfixup (downloads 7.7 GB once)")
    parser.add_argument("--backend", choices=BACKEND_NAMES, default="torch", help="what computes it (default: torch)")
    parser.add_argument("--segmenter", default="auto", help="which model selects objects (default: the best to be had)")
    data = os.environ.get("MAGICFIXUP_DATA")
    parser.add_argument("--data", default=data, metavar="FOLDER", help="keep shared photos here (default: in memory)")
    names = os.environ.get("MAGICFIXUP_HOSTS", "").split()
    parser.add_argument("--allow-host", action="append", default=names, metavar="NAME", help="a name it also goes by")
    counted = os.environ.get("MAGICFIXUP_METRICS") == "1"
    parser.add_argument("--metrics", action="store_true", default=counted, help="count events, and tell at /metrics")
    form = os.environ.get("MAGICFIXUP_LOG_FORMAT", logs.FORMATS[0])
    parser.add_argument("--log-format", choices=logs.FORMATS, default=form, help="how the log is written")
    level = os.environ.get("MAGICFIXUP_LOG_LEVEL", "warning")
    parser.add_argument("--log-level", choices=logs.LEVELS, default=level, help="from what on; info: all events")
    return parser.parse_args()


keep_few_arenas()
options = parse_options()
try:
    logs.configure(options.log_format, options.log_level)
    links = LinkStore(shelf_for(options.data, served_folders()))
except MagicFixupError as error:
    raise SystemExit(str(error)) from None
models = engines(options.model, options.backend)
services = Services(models, segmenter_loader(options.segmenter), list_examples(), links)
demo = build_page(services)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # how a Space is stopped: nothing is left behind
    watched = watching(services, demo, options.metrics)
    try:
        demo.launch(
            server_name=options.host,
            server_port=options.port,
            prevent_thread_lock=True,
            **launch_options(options.host, also=tuple(options.allow_host), **watched),
        )
    except OSError as error:
        raise SystemExit(f"The page cannot be opened: {error}") from None
    except MagicFixupError as error:
        raise SystemExit(str(error)) from None
    logs.adopt_uvicorn()
    services.start().keep_tidy(claim().tidy)  # the page is up; the models come while it is being looked at
    demo.block_thread()
