"""What is installed: floors above known holes, a lock of the tested set, and nothing that runs what a file says."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

# The first versions without the holes that SECURITY.md names.
FLOORS = {"gradio": "6.20", "pillow": "12.3", "torch": "2.6", "starlette": "1.3.1", "python-multipart": "0.0.32"}
FLOORS |= {"filelock": "3.20.3"}
LOCKED_PYTHON = "3.11"
for_the_lock = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason=f"the lock is for Python {LOCKED_PYTHON}, and this is another one"
)


def lines_of(path: Path) -> list[str]:
    return [line for line in (text.partition("#")[0].strip() for text in path.read_text().splitlines()) if line]


@pytest.fixture(scope="module")
def wanted(repository) -> list[Requirement]:
    """The requirements for the Python of the lock."""
    requirements = map(Requirement, lines_of(repository / "requirements.txt"))
    return [one for one in requirements if not one.marker or one.marker.evaluate({"python_version": LOCKED_PYTHON})]


@pytest.fixture(scope="module")
def lock(repository) -> dict[str, Version]:
    """Versions by name."""
    pins = [line.split("==") for line in lines_of(repository / "requirements.lock")]
    return {canonicalize_name(name): Version(version) for name, version in pins}


def test_no_requirement_allows_a_version_with_a_known_hole(wanted, repository):
    text = (repository / "SECURITY.md").read_text()
    by_name = {requirement.name: requirement.specifier for requirement in wanted}
    for name, floor in FLOORS.items():
        lowest = [Version(one.version) for one in by_name[name] if one.operator == ">="]
        assert lowest and max(lowest) >= Version(floor), f"{name} may be older than {floor}"
        assert f"{name} {floor}" in text, f"SECURITY.md does not say why {name} is {floor} at least"


def test_the_lock_names_exact_versions_and_no_place_to_fetch_them_from(repository):
    for line in lines_of(repository / "requirements.lock"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line), line


def test_the_lock_holds_what_is_required(wanted, lock):
    for requirement in wanted:
        assert lock[canonicalize_name(requirement.name)] in requirement.specifier, requirement


@for_the_lock
def test_what_runs_here_is_what_is_locked_or_newer(lock):
    """So the tests judge nothing older than what the lock hands out; whoever installs the lock gets what was tested."""
    here = {name: Version(importlib.metadata.version(name).partition("+")[0]) for name in lock}
    older = {name: (here[name], version) for name, version in lock.items() if here[name] < version}
    assert not older, "pip install --upgrade -r requirements-dev.txt brings this environment up to the lock"


@for_the_lock
def test_the_lock_is_whole(wanted, lock):
    """Everything that what is required requires, as it is installed here."""
    extras: dict[str, set[str]] = {}
    waiting = [(canonicalize_name(one.name), frozenset(one.extras)) for one in wanted]
    while waiting:
        name, asked = waiting.pop()
        if asked <= extras.get(name, set()) and name in extras:
            continue
        extras.setdefault(name, set()).update(asked)
        for text in importlib.metadata.requires(name) or ():
            one = Requirement(text)
            if not one.marker or any(one.marker.evaluate({"extra": extra}) for extra in asked | {""}):
                waiting.append((canonicalize_name(one.name), frozenset(one.extras)))
    assert set(extras) - set(lock) <= {"setuptools"}, "make requirements.lock again, see SECURITY.md"


# Our own code

RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
UNPICKLES = {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}
MAY_PICKLE = {
    "perceptual.py",  # an unpickler that lets arrays through and nothing else
    "checkpoint_reading.py",  # the name of an error
    "spread.py",  # between our own processes
}
WHAT_BENCH_ASKS = "bench.py"  # the server that it has just started itself
CALLS_OUT = {
    "requests",
    "urllib.request",
    "http.client",
    "aiohttp",
    "ftplib",
    "smtplib",
    "telnetlib",
    "httpx",
    "urllib3",
}


def trees(repository: Path) -> list[tuple[Path, ast.AST]]:
    files = [repository / "app.py", *sorted((repository / "magicfixup_demo").rglob("*.py"))]
    return [(path, ast.parse(path.read_text("utf-8"))) for path in files]


def imports(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def calls(tree: ast.AST) -> list[tuple[str, dict[str, str]]]:
    """(what is called, as written, its keywords as written)."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(ast.unparse(call.func), {k.arg: ast.unparse(k.value) for k in call.keywords if k.arg}) for call in found]


def dangers(tree: ast.AST) -> list[str]:
    """What would run or fetch what a file or a visitor says."""
    found = sorted(imports(tree) & CALLS_OUT)
    for name, keywords in calls(tree):
        bad = name in RUNS_TEXT or name.startswith(("os.system", "os.popen", "torch.hub."))
        bad |= name == "torch.load" and keywords.get("weights_only") != "True"
        bad |= name in ("yaml.load", "yaml.unsafe_load", "yaml.full_load") or keywords.get("shell") == "True"
        bad |= keywords.get("allow_pickle", "False") != "False" or keywords.get("trust_remote_code", "False") != "False"
        found += [name] * bad
    return found


def test_our_code_runs_nothing_that_a_file_says_and_calls_nobody(repository):
    found = {path.name: dangers(tree) for path, tree in trees(repository)}
    assert {name: what for name, what in found.items() if what} == {WHAT_BENCH_ASKS: ["urllib.request"]}


def test_pickles_are_read_where_it_is_known_what_is_in_them(repository):
    users = {path.name for path, tree in trees(repository) if imports(tree) & UNPICKLES}
    assert users == MAY_PICKLE


@pytest.mark.parametrize(
    "code",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "eval(text)",
        "exec(text)",
        "yaml.load(text)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
        "torch.hub.load(name)",
        "np.load(path, allow_pickle=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "import requests",
        "from urllib.request import urlopen",
        "from urllib import request",
    ],
)
def test_each_danger_would_be_found(code):
    assert dangers(ast.parse(code))
