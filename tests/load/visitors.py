"""Many visitors at once on the running app:  python -m tests.load.visitors --visitors 20 --minutes 10 -o load.json

Starts app.py with the small model (or takes --url and, for its memory, --pid), lets visitors come, each again and again
as somebody new, and reports what they met with. Exit status 1 where anything but an honest wait was in their way.
"""

import argparse
import asyncio
import json
import statistics
import time
from contextlib import nullcontext
from pathlib import Path

import psutil

from tests.load import browser, visit
from tests.load.visit import Log, Visitor
from tests.load.watching import ROOT, Watch, machine, running_app

WARMING_VISITS = 3
SETTLE_SECONDS = 30  # after the last one left
EXAMPLES = {path.parent.name: path for path in sorted((ROOT / "examples").glob("*/photo.jpg"))}
PHOTO_TYPES = {".jpg", ".jpeg", ".png", ".webp"}


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--visitors", type=int, default=20, help="how many at once")
    parser.add_argument("--browsers", type=int, default=0, help="real Chromiums beside them (needs playwright)")
    parser.add_argument("--minutes", type=float, default=10, help="for how long new ones come")
    parser.add_argument("--url", help="an app that runs already (default: start one)")
    parser.add_argument("--pid", type=int, help="its process, to measure memory")
    parser.add_argument("--photos", type=Path, help="folder of photos to upload parts of (default: the examples')")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, help="the report as JSON")
    return parser.parse_args()


def main() -> int:
    options = parse_options()
    app = nullcontext((options.url.rstrip("/"), options.pid)) if options.url else running_app(["--model", "small"])
    with app as (url, pid):
        report = asyncio.run(load(options, url, Watch(pid) if pid else None))
    print(table(report))
    if options.output:
        options.output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return 1 if report["errors"] else 0


async def load(options: argparse.Namespace, url: str, watch: Watch | None) -> dict:
    """Warm up, let the visitors come, wait until memory has settled; the report."""
    photos = photos_in(options.photos) if options.photos else list(EXAMPLES.values())
    warm = Log()
    for number in range(WARMING_VISITS):
        await Visitor(url, photos, EXAMPLES, -1 - number, warm).visit()
    if warm.errors:
        raise SystemExit(f"The warm-up failed: {warm.errors}")
    await asyncio.sleep(SETTLE_SECONDS / 3)
    start, busy, own = watch and watch.memory(), watch and watch.processor_seconds(), _own_seconds()
    log, began = Log(), time.perf_counter()
    visitors = [Visitor(url, photos, EXAMPLES, options.seed + i, log) for i in range(options.visitors)]
    with watch.watching() if watch else nullcontext():
        until = began + 60 * options.minutes
        browsers = [
            asyncio.to_thread(browser.keep_coming, url, EXAMPLES, until, i, log) for i in range(options.browsers)
        ]
        await asyncio.gather(*(one.keep_coming(until) for one in visitors), *browsers)
        seconds = time.perf_counter() - began
        used, own = watch and watch.processor_seconds() - busy, _own_seconds() - own
        await asyncio.sleep(SETTLE_SECONDS)
    memory = watch and {"start": start, "peak": watch.peak, "after": watch.memory()}
    return report_of(log, options, seconds, memory) | {
        "cores_used_by_the_app": watch and round(used / seconds, 2),
        "cores_used_by_the_visitors": round(own / seconds, 2),
    }


def report_of(log: Log, options: argparse.Namespace, seconds: float, memory: dict | None) -> dict:
    return {
        "machine": machine(),
        "visitors": options.visitors,
        "browsers": options.browsers,
        "minutes": round(seconds / 60, 2),
        "think_seconds": {name: getattr(visit, name) for name in ("LOOKING", "AIMING", "DRAGGING", "JUDGING", "AWAY")},
        "visits": log.visits,
        "fixups": log.fixups,
        "fixups_an_hour": round(3600 * log.fixups / seconds),
        "fixups_by_pictures_a_run": dict(sorted(log.together.items())),
        "told_that_the_line_is_full": log.full,
        "told_their_place": len(log.places),
        "errors": log.errors,
        "seconds": {step: spread(values) for step, values in sorted(log.seconds.items())},
        "memory_mb": memory,
    }


def spread(values: list[float]) -> dict[str, float]:
    """Of at least one value: how many, p50, p95 and the largest."""
    cuts = statistics.quantiles(values, n=100, method="inclusive") if len(values) > 1 else values * 99
    named = {"p50": cuts[49], "p95": cuts[94], "max": max(values)}
    return {"count": len(values)} | {name: round(value, 3) for name, value in named.items()}


def table(report: dict) -> str:
    """The report for people."""
    lines = [f"{'step':20} {'count':>6} {'p50':>8} {'p95':>8} {'max':>8}  (seconds)"]
    for step, row in report["seconds"].items():
        lines.append(f"{step:20} {row['count']:6} {row['p50']:8.2f} {row['p95']:8.2f} {row['max']:8.2f}")
    others = {key: value for key, value in report.items() if key not in ("seconds", "errors")}
    lines += [f"{key.replace('_', ' ')}: {value}" for key, value in others.items()]
    lines += [f"errors: {len(report['errors'])}", *(f"  {error}" for error in sorted(set(report["errors"])))]
    return "\n".join(lines)


def photos_in(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_TYPES)
    if not found:
        raise SystemExit(f"There are no photos in {folder}.")
    return found


def _own_seconds() -> float:
    times = psutil.Process().cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    raise SystemExit(main())
