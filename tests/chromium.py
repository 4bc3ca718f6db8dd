"""Where the machine has a Chromium, for tests and load runs alike."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str | None:
    """The first of NAMES that is installed, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)
