"""The conversion at the checkpoint's real size: 7.7 GB are written and read, so only where somebody asks for it.

MAGICFIXUP_FULL_SIZE=/a/folder/with/12/GB/free python -m pytest tests/engine/test_checkpoint_full_size.py -s
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from safetensors import safe_open

from magicfixup_demo.engine.checkpoint import is_converted
from magicfixup_demo.engine.checkpoint_reading import network_shapes
from magicfixup_demo.engine.presets import PRESETS
from tests.synthetic_checkpoint import write_full_size

MOST_MEMORY = 6e9  # bytes
CONVERT = """
import sys
from pathlib import Path
from magicfixup_demo.engine.checkpoint import convert
def memory(): return next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
before = memory()
convert(Path(sys.argv[1]), Path(sys.argv[2]))
print(before, memory())
"""


@pytest.fixture(scope="module")
def folder():
    chosen = os.environ.get("MAGICFIXUP_FULL_SIZE")
    if not chosen:
        pytest.skip("writes 11 GB; set MAGICFIXUP_FULL_SIZE to a folder for them to run it")
    if not Path("/proc/self/status").exists():
        pytest.skip("reads the peak memory as Linux tells it")
    with tempfile.TemporaryDirectory(dir=chosen) as name:
        yield Path(name)


def test_the_real_size_converts_in_little_memory(parity_data, folder, repository):
    source, target = folder / "magicfu_weights", folder / "magicfixup"
    write_full_size(parity_data / "full_keys.json", source)
    assert source.stat().st_size > 7.6e9
    started = time.monotonic()
    command = [sys.executable, "-c", CONVERT, str(source), str(target)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    before, most = (int(number) * 1024 for number in done.stdout.split())
    written = sum(path.stat().st_size for path in target.iterdir())
    print(f"\n{time.monotonic() - started:.0f} s, {most / 1e9:.2f} GB at most ({before / 1e9:.2f} before)", end="")
    print(f", {written / 1e9:.2f} GB written: {json.loads((target / 'conversion.json').read_text())['files']}")
    assert most < MOST_MEMORY
    assert is_converted(target)
    for network, wanted in network_shapes(PRESETS["magicfixup"]).items():
        with safe_open(target / f"{network}.safetensors", "pt") as opened:
            slices = {key: opened.get_slice(key) for key in opened.keys()}  # noqa: SIM118
            assert {key: tuple(part.get_shape()) for key, part in slices.items()} == wanted
            assert {part.get_dtype() for part in slices.values()} == {"F16"}
