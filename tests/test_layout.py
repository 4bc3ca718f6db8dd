"""The tree of folders is the pipeline: imports between our modules go one way."""

import ast
from pathlib import Path

import pytest

PACKAGE = "magicfixup_demo"

# What each part may import from the others. Parts are modules or folders of the package; a part may import itself.
BASIS = {"schema", "errors", "affine"}
PICTURES = BASIS | {"images"}
COLLAGE = PICTURES | {"collage", "collage_json"}
ENGINE = COLLAGE | {"downloads", "engine"}
ALLOWED = {
    "errors": set(),
    "affine": set(),
    "schema": {"affine"},
    "downloads": {"errors"},
    "images": BASIS,
    "collage": PICTURES,
    "collage_json": PICTURES,
    "perceptual": PICTURES | {"downloads"},
    "segmentation": PICTURES | {"downloads"},
    "engine": COLLAGE | {"downloads"},
    "ui": ENGINE | {"segmentation"},
    "training": ENGINE | {"segmentation", "perceptual"},
    "evaluation": ENGINE | {"segmentation", "perceptual", "training"},  # it reads the pairs that training makes
    "bench": ENGINE | {"segmentation"},
    "cli_research": ENGINE | {"segmentation", "perceptual", "training", "evaluation"},
    "cli": ENGINE | {"segmentation", "perceptual", "training", "evaluation", "bench", "cli_research"},
    "__main__": {"cli"},
    "__init__": set(),
}


def part_of(path: Path, package: Path) -> str:
    return path.relative_to(package).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """Parts of our package that a module imports, at the top or inside functions."""
    parts = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively; write the whole name"
            names = [node.module] if node.module != PACKAGE else [f"{PACKAGE}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        parts |= {name.split(".")[1] for name in names if name.startswith(PACKAGE + ".")}
    return parts


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


def test_nothing_imports_the_app(repository):
    for path in (repository / PACKAGE).rglob("*.py"):
        names = [
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        ] + [node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert "app" not in names, f"{path.name} imports app"
