"""Everything that docs/reliability.md reports, one piece after the other, on a machine that does nothing else:

    python -m tests.record FOLDER [NAME ...]

Each piece writes its report to FOLDER/NAME.json, where it has one, and what it printed to FOLDER/NAME.txt. Without
names all of them: about three quarters of an hour on two cores. Exit status 1 where one failed.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

PIECES = {
    "load": ["tests.load.visitors", "--visitors", "20", "--browsers", "1", "--minutes", "10", "-o"],
    "batching": ["tests.load.batching"],
    "side_by_side": ["tests.load.side_by_side"],
    "fuzz": ["tests.fuzz", "--inputs", "100000", "--processes", "2", "-o"],
    "killed": ["tests.faults.killed_server"],
    "worst": ["tests.faults.worst_cases", "-o"],
    "bench": ["magicfixup_demo", "bench", "--repeats", "3", "--output"],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PIECES)} (default: all)")
    options = parser.parse_args()
    if unknown := set(options.names) - PIECES.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose of {', '.join(PIECES)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    return max(recorded(name, options.folder) for name in options.names or PIECES)


def recorded(name: str, folder: Path) -> int:
    """Run one piece; 0 where it went well, else 1."""
    command = [sys.executable, "-m", *PIECES[name]]
    if command[-1].startswith("-"):
        command.append(str(folder / f"{name}.json"))
    began = time.monotonic()
    with open(folder / f"{name}.txt", "w", encoding="utf-8") as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT).returncode
    print(f"{name}: {'done' if status == 0 else f'failed (status {status})'} after {time.monotonic() - began:.0f} s")
    return 0 if status == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
