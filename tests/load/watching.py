"""The app in a process of its own, and what memory and processor it takes."""

import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS, POLL_SECONDS = 300, 0.5


@contextmanager
def running_app(arguments: list[str]) -> Iterator[tuple[str, int]]:
    """(url, process id) of a fresh app.py, once it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = subprocess.Popen([sys.executable, "app.py", "--port", str(port), *arguments], cwd=ROOT)
    try:
        over = time.monotonic() + START_SECONDS
        while not _answers(url):
            if app.poll() is not None or time.monotonic() > over:
                raise SystemExit("The app did not start.")
            time.sleep(POLL_SECONDS)
        yield url, app.pid
    finally:
        app.terminate()
        app.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url + "/gradio_api/app_id").is_success
    except httpx.HTTPError:
        return False


class Watch:
    """Memory of a process (MB) now, and at most while ``watching``; and its processor seconds."""

    def __init__(self, pid: int):
        self._process = psutil.Process(pid)
        self.peak = self.memory()

    def memory(self) -> dict[str, float]:
        """{"uss", "rss"}: what would be freed if it ended, and what it has in memory."""
        info = self._process.memory_full_info()
        return {"uss": round(info.uss / 1e6, 1), "rss": round(info.rss / 1e6, 1)}

    def processor_seconds(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system

    @contextmanager
    def watching(self) -> Iterator[None]:
        over = threading.Event()

        def watch():
            while not over.wait(POLL_SECONDS):
                self.peak = max(self.peak, self.memory(), key=lambda memory: memory["uss"])

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def machine() -> str:
    """One line of facts about where this ran."""
    memory = psutil.virtual_memory().total / 1e9
    names = [line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{cores} cores of {name}, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"


def _cpu_lines() -> list[str]:
    facts = Path("/proc/cpuinfo")
    return facts.read_text("utf-8").splitlines() if facts.exists() else []
