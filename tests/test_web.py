"""Run the page's own JavaScript tests (tests/web) under Node."""

import os
import subprocess


def test_javascript(repository, node):
    files = sorted(str(path) for path in (repository / "tests" / "web").glob("*.test.*js"))
    assert files, "tests/web holds no *.test.js or *.test.mjs"
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    done = subprocess.run(
        [node, "--test", *files], cwd=repository, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
