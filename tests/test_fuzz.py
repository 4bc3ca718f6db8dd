"""Some generated inputs at every door, and all of those that once did harm. Many more: python -m tests.fuzz."""

import functools
import json
import sys
from pathlib import Path

import pytest

from tests.fuzz.bombs import BOMBS
from tests.fuzz.doors.all import all_doors
from tests.fuzz.knocking import drawn, problem

INPUTS = 100
CORPUS = Path(__file__).parent / "corpus"
DOORS = {door.name: door for door in all_doors()}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux tells it")


@pytest.fixture(scope="module", autouse=True)
def uploads(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
    yield
    patch.undo()


@functools.cache
def open_once(name: str) -> None:
    """What is loaded at the first call is not an input's cost."""
    problem(DOORS[name], drawn(DOORS[name], 0))


@pytest.mark.parametrize("name", [door.name for door in DOORS.values() if door.share])
def test_generated_inputs_are_taken_or_refused(name):
    open_once(name)
    outcomes = [problem(DOORS[name], drawn(DOORS[name], number)) for number in range(INPUTS)]
    assert not [found for found, _, _ in outcomes if found]
    assert {outcome for _, outcome, _ in outcomes} <= {"taken", "refused"}


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_once_did_harm_does_none(path):
    """Folders are doors; names begin with what is to become of the file."""
    given = path.read_bytes()
    given = json.loads(given) if path.suffix == ".json" else given
    open_once(path.parent.name)
    found, outcome, _ = problem(DOORS[path.parent.name], given)
    assert found is None and outcome == path.name.partition("-")[0]


@pytest.mark.parametrize("name", [name for name in BOMBS if "large" not in name or "tile" in name])
def test_small_files_cannot_take_much(name):
    found, _, _ = problem(DOORS["bombs"], BOMBS[name]())
    assert found is None
