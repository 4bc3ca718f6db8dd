"""Measured pairs kept as they are made, one line of JSON each, so that a run that was stopped goes on where it was."""

import hashlib
import json
import os
from pathlib import Path

from magicfixup_demo.engine import weights
from magicfixup_demo.evaluation import metrics

BY_METHOD = ("values", "seconds", "made")  # what of a pair's row holds one entry per method


class RowFile:
    """``path`` holds a line of settings, then the rows. Rows made under other settings are set aside, not mixed in."""

    def __init__(self, path: Path, settings: dict):
        self.path = path
        self.rows = _read(path, settings)
        if not self.rows:
            if path.exists():
                os.replace(path, path.with_name(f"{path.name}.old"))
            self._append(settings)

    def add(self, row: dict) -> None:
        """Append a row, to the file first."""
        self._append(row)
        self.rows.append(row)

    def pairs(self) -> dict[str, dict]:
        """{pair: its rows as one}: what was measured later is added, or takes the place of what it repeats."""
        merged: dict[str, dict] = {}
        for row in self.rows:
            whole = merged.setdefault(row["pair"], {key: {} for key in BY_METHOD})
            whole |= {key: value for key, value in row.items() if key not in BY_METHOD}
            for key in BY_METHOD:
                whole[key] |= row[key]
        return merged

    def _append(self, record: dict) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")


def fingerprint(with_weights: bool = True) -> str:
    """A hash of what decides a row besides its options: the code that makes and measures it, and all weights."""
    digest = hashlib.sha256()
    files = [path for code in (weights, metrics) for path in Path(code.__file__).parent.glob("*.py")]
    if with_weights:
        files += [path for entry in weights.MODELS.values() for path in entry.folder.glob("*.safetensors")]
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _read(path: Path, settings: dict) -> list[dict]:
    """The rows of a file with these settings; a last line that was cut off is dropped from the file too."""
    if not path.exists():
        return []
    lines = path.read_text().splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    if len(whole) < len(lines):
        path.write_text("".join(whole))
    records = [json.loads(line) for line in whole]
    return records[1:] if records and records[0] == settings else []
