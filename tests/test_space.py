"""The repository as a Space: the front matter of README.md, and the function that runs on a borrowed GPU."""

import re

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from magicfixup_demo.segmentation import mobile_sam, sam2

SHORT_DESCRIPTION_LIMIT = 60  # the Hub refuses a push with a longer one
ZEROGPU_TORCH, TOO_NEW = ("2.8.0", "2.9.1", "2.10.0", "2.11.0"), "2.12.0"
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
LARGE = {"HadiZayer/MagicFixup", "CompVis/stable-diffusion-v1-4"}


@pytest.fixture(scope="module")
def card(repository) -> dict:
    _, front_matter, _ = (repository / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(front_matter)


@pytest.fixture(scope="module")
def requirements(card, repository) -> dict[str, Requirement]:
    """What the Space installs, by name."""
    lines = (line.partition("#")[0].strip() for line in (repository / "requirements.txt").read_text().splitlines())
    space = {"python_version": card["python_version"]}
    wanted = (one for one in map(Requirement, filter(None, lines)) if not one.marker or one.marker.evaluate(space))
    return {requirement.name: requirement for requirement in wanted}


def test_the_card_says_how_to_run_it(card, repository, requirements):
    from huggingface_hub import SpaceHardware

    assert card["sdk"] == "gradio" and (repository / card["app_file"]).is_file()
    assert Version(card["sdk_version"]) in requirements["gradio"].specifier
    assert re.fullmatch(r"\d+\.\d+\.\d+", card["sdk_version"]), "one version, not a range"
    assert card["python_version"] == "3.12", "as text: 3.10 as a number would be 3.1"
    assert card["suggested_hardware"] == SpaceHardware.ZERO_A10G.value


def test_the_card_keeps_within_the_hubs_limits(card):
    assert 0 < len(card["short_description"]) <= SHORT_DESCRIPTION_LIMIT
    assert card["title"] and card["license"] == "mit" and {card["colorFrom"], card["colorTo"]} <= COLOURS
    assert card["tags"] and len(set(card["tags"])) == len(card["tags"])
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", model) for model in card["models"])
    assert set(card["models"]) >= LARGE


def test_every_preloaded_file_is_one_that_the_page_opens_and_none_is_large(card):
    preloaded = {(repo, path) for line in card["preload_from_hub"] for repo, path in _files(line)}
    opened = {(sam2.REPO, name) for name in sam2.FILES}
    opened.add((mobile_sam.HUB_FILE.repo, mobile_sam.HUB_FILE.path))
    assert preloaded == opened
    assert not {repo for repo, _ in preloaded} & LARGE
    assert {repo for repo, _ in preloaded} <= set(card["models"])


def test_the_requirements_allow_what_zerogpu_offers(card, requirements, repository):
    assert all(version in requirements["torch"].specifier for version in ZEROGPU_TORCH)
    assert TOO_NEW not in requirements["torch"].specifier, "pip takes the newest that it may"
    wanted = re.search(r'requires-python = "(.+)"', (repository / "pyproject.toml").read_text())[1]
    assert Version(card["python_version"]) in Requirement(f"python{wanted}").specifier
    assert "spaces" in requirements


def _files(line: str) -> list[tuple[str, str]]:
    """A line of preload_from_hub is a repository, a space, and file names with commas between them."""
    repo, _, names = line.partition(" ")
    return [(repo, name) for name in names.split(",")]
