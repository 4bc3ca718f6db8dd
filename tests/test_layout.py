"""The tree of folders is the pipeline: imports between our modules go one way."""

import ast
from pathlib import Path

import pytest

PACKAGE = "magicfixup_demo"

# What each part may import from the others. Parts are modules or folders of the package; a part may import itself.
BASIS = {"schema", "errors", "faults", "affine", "homography", "limits", "containers"}
PICTURES = BASIS | {"images"}
COLLAGE = PICTURES | {"foreground", "warping", "collage", "collage_fields", "collage_json"}
FETCHING = {"downloads", "hub", "turns"}
ENGINE = COLLAGE | FETCHING | {"engine"}
ALLOWED = {
    "errors": set(),
    "faults": {"errors"},
    "limits": set(),
    "containers": set(),
    "affine": set(),
    "homography": {"affine"},
    "schema": {"affine", "homography"},
    "downloads": {"errors"},
    "turns": set(),
    "resumable": set(),
    "hub_faults": {"resumable"},
    "hub": {"errors", "downloads", "turns", "resumable", "hub_faults"},
    "images": BASIS,
    "foreground": BASIS,
    "warping": BASIS,
    "collage": PICTURES | {"foreground", "warping"},
    "collage_fields": BASIS,
    "collage_json": PICTURES | {"collage_fields"},
    "perceptual": PICTURES | {"downloads"},
    "segmentation": PICTURES | {"downloads", "hub", "turns"},
    "engine": COLLAGE | FETCHING,
    "saving": COLLAGE,
    "serving": {"errors", "faults", "limits"},
    "ui": ENGINE | {"segmentation", "saving", "serving"},
    "pairs": ENGINE,
    "training": ENGINE | {"perceptual", "pairs"},
    "evaluation": ENGINE | {"segmentation", "perceptual", "pairs"},
    "bench": ENGINE | {"segmentation"},
    "cli": ENGINE | {"segmentation", "saving", "perceptual", "pairs", "training", "evaluation", "bench"},
    "__main__": {"cli"},
    "__init__": set(),
}


def part_named(name: str) -> str:
    return "cli" if name.startswith("cli_") else name  # the command line is one part in two files


def part_of(path: Path, package: Path) -> str:
    return part_named(path.relative_to(package).parts[0].removesuffix(".py"))


def imported_names(path: Path) -> list[str]:
    """Every module that a file imports, at the top or inside functions."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively; write the whole name"
            names += [node.module] if node.module != PACKAGE else [f"{PACKAGE}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


def imported_parts(path: Path) -> set[str]:
    return {part_named(name.split(".")[1]) for name in imported_names(path) if name.startswith(PACKAGE + ".")}


@pytest.fixture(scope="module")
def modules(repository) -> dict[Path, str]:
    package = repository / PACKAGE
    return {path: part_of(path, package) for path in sorted(package.rglob("*.py"))}


def test_every_part_has_its_place_in_the_order(modules):
    assert set(modules.values()) <= set(ALLOWED), "a new part: add it to ALLOWED, above what it imports"


def test_imports_go_one_way(modules):
    wrong = {
        str(path.name): sorted(imported_parts(path) - ALLOWED[part] - {part, "__version__"})
        for path, part in modules.items()
        if part in ALLOWED
    }
    assert not {name: parts for name, parts in wrong.items() if parts}


def test_the_order_has_no_circle():
    done: set[str] = set()
    while len(done) < len(ALLOWED):
        ready = {part for part, needs in ALLOWED.items() if part not in done and needs - {part} <= done}
        assert ready, f"these import each other: {sorted(set(ALLOWED) - done)}"
        done |= ready


def test_ci_runs_the_readmes_test_command(repository):
    """.ci/run runs what a person is told to run."""
    command = "pip install -r requirements-dev.txt && python -m pytest"
    assert f"    {command}" in (repository / "README.md").read_text().splitlines()
    assert (repository / ".ci" / "run").read_text().rstrip().splitlines()[-1] == command


def test_nothing_imports_the_app(modules):
    for path in modules:
        assert "app" not in imported_names(path), f"{path.name} imports app"
