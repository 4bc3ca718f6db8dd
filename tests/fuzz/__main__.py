"""Hand generated inputs in at every door, and say what became of them: python -m tests.fuzz --inputs 100000."""

import argparse
import json
import sys
import time
from pathlib import Path

from tests.fuzz.bombs import BOMBS
from tests.fuzz.doors.all import all_doors
from tests.fuzz.running import Tally, planned, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input; others make other inputs")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--door", action="append", help="only this door; may be given again")
    parser.add_argument("-o", "--output", type=Path, help="where to write the report as JSON")
    asked = parser.parse_args()
    doors = [door for door in all_doors() if not asked.door or door.name in asked.door]
    batches = planned(doors, asked.inputs, asked.first)
    if any(door.name == "bombs" for door in doors):
        batches.append(("bombs", 0, 4 * len(BOMBS)))
    begun = time.monotonic()
    tallies, most = run(doors, batches, asked.processes)
    report = {
        "inputs": sum(tally.taken + tally.refused + len(tally.findings) for tally in tallies.values()),
        "seconds": round(time.monotonic() - begun),
        "peak_megabytes": most,
        "doors": {name: vars(tally) for name, tally in tallies.items()},
    }
    if asked.output:
        asked.output.write_text(json.dumps(report, indent=1))
    print(table(tallies))
    print(f"{report['inputs']} inputs in {report['seconds']} s; no process held over {most} MB")
    return int(any(tally.findings for tally in tallies.values()))


def table(tallies: dict[str, Tally]) -> str:
    rows = [f"{'door':24}{'taken':>8}{'refused':>9}{'findings':>10}{'CPU s':>8}{'MB':>6}"]
    for name, tally in tallies.items():
        counts = f"{tally.taken:8}{tally.refused:9}{len(tally.findings):10}"
        rows.append(f"{name:24}{counts}{tally.seconds:8.0f}{tally.megabytes:6}")
        kinds = {found["kind"]: found for found in tally.findings}
        rows += [f"    {found['text'][:300]} (input {found['number']})" for found in kinds.values()]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
