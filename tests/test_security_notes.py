"""SECURITY.md says what is so: the tests that it names are there."""

import ast
import re


def test_every_test_that_the_threat_table_names_is_there(repository):
    rows = [line for line in (repository / "SECURITY.md").read_text().splitlines() if re.match(r"\| (?!asset|-)", line)]
    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row)
        assert named, f"no test in: {row[:80]}"
        for path, name in named:
            tree = ast.parse((repository / path).read_text())
            assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (
                f"{path}::{name}"
            )


def test_the_bounds_that_it_gives_are_those_in_force(repository):
    from magicfixup_demo.saving.work import MAX_SAVED_BYTES
    from magicfixup_demo.serving import bodies

    text = (repository / "SECURITY.md").read_text()
    assert f"{bodies.MOST_JSON_BYTES >> 20} MB of JSON or {MAX_SAVED_BYTES >> 20} MB of upload" in text
    assert f"{bodies.MOST_HELD_BYTES >> 20} MB of JSON at once" in text
    assert f"{bodies.MOST_UPLOADING_BYTES >> 30} GB of uploads under way" in text
    assert f"{bodies.MOST_WAITING_BYTES >> 30} GB of unopened ones" in text
    assert f"408 after {bodies.SILENCE_SECONDS:.0f} s of silence" in text
