"""Measures how soon the page can be used, in a new browser and again in the same one:

    python tests/browser/page_load.py [--times 7]

Over stand-ins for the models. It is a script and not a test, since its figures are about the machine too.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser.conftest import DESKTOP, FLAGS  # noqa: E402
from browser.fakes import stand_ins  # noqa: E402
from tests.chromium import chromium_path  # noqa: E402
from tests.served import served  # noqa: E402


def seconds_until_mounted(page, url: str) -> float:
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(".mf[data-mounted]")
    return time.perf_counter() - began


def main() -> None:
    from playwright.sync_api import sync_playwright

    from magicfixup_demo.ui.examples import list_examples

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=7)
    times = parser.parse_args().times
    services = stand_ins(examples=list_examples())
    with served(services) as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        first, again = [], []
        for _ in range(times):
            context = chromium.new_context(**DESKTOP)
            page = context.new_page()
            first.append(seconds_until_mounted(page, url))
            again.append(seconds_until_mounted(page, url))
            requests = page.evaluate("performance.getEntriesByType('resource').length")
            context.close()
        chromium.close()
    for name, seconds in (("in a new browser", first), ("loaded again", again)):
        print(f"{name}: {statistics.median(seconds):.2f} s (largest of {times}: {max(seconds):.2f} s)")
    print(f"{requests} resources")


if __name__ == "__main__":
    main()
