"""The folder of uploads: private, one for each process, swept after processes that were killed, and by age."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from magicfixup_demo.ui import upload_folder
from magicfixup_demo.ui.upload_folder import KEPT_SECONDS, UploadFolder

CLAIM = """
import sys, time
from magicfixup_demo.ui.upload_folder import claim
folder = claim()
(folder.path / "abc").mkdir()
(folder.path / "abc" / "photo.jpg").write_bytes(b"somebody")
assert "gradio" not in sys.modules
print(claim().path, flush=True)
if sys.argv[1:] == ["stay"]:
    time.sleep(600)
"""


@pytest.fixture
def parent(tmp_path, monkeypatch) -> Path:
    """Where the folders lie."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def process(repository):
    """A function that starts a process with a folder of its own: (process, folder)."""
    started = []

    def start(*arguments: str) -> tuple[subprocess.Popen, Path]:
        command = [sys.executable, "-c", CLAIM, *arguments]
        started.append(subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True))
        return started[-1], Path(started[-1].stdout.readline().strip())

    yield start
    for one in started:
        one.kill()
        one.wait()
        one.stdout.close()


def test_it_is_private_and_goes_with_its_process(parent, process):
    ended, folder = process()
    assert ended.wait(60) == 0
    assert folder.parent == parent and not list(parent.iterdir())
    _, folder = process("stay")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_a_killed_process_left_goes_when_the_next_one_starts(parent, process):
    killed, left = process("stay")
    _, running = process("stay")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert (left / "abc" / "photo.jpg").exists()
    own = UploadFolder(parent)
    assert not left.exists() and not Path(f"{left}.lock").exists()
    assert (running / "abc" / "photo.jpg").exists(), "another page that runs beside this one"
    own.close()
    assert running.exists() and not own.path.exists()


def test_files_go_by_the_time_that_they_have_been_here_whatever_the_clock_says(parent):
    now = [0.0]
    folder = UploadFolder(parent, clock=lambda: now[0])
    upload = folder.path / "sha" / "photo.jpg"
    upload.parent.mkdir()
    upload.write_bytes(b"x")
    half = folder.path / "tmpabc"
    half.write_bytes(b"half of an upload")
    for moment in (-1e8, 1e8):  # a clock that was set a few years back or forth while they came
        os.utime(upload, (upload.stat().st_mtime + moment,) * 2)
        folder.tidy()
        assert upload.exists() and half.exists()
    now[0] = KEPT_SECONDS
    later = folder.path / "later"
    later.write_bytes(b"y")
    folder.tidy()
    assert list(folder.path.iterdir()) == [later]
    folder.close()
    folder.tidy()  # the folder was deleted under the page: no error


def test_a_name_that_somebody_else_took_is_not_used(tmp_path, monkeypatch):
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    usual = upload_folder._parent()
    assert usual.parent == tmp_path.resolve() and stat.S_IMODE(usual.stat().st_mode) == 0o700
    usual.rmdir()
    usual.symlink_to(tmp_path)
    other = upload_folder._parent()
    assert other != usual and other.is_dir() and not other.is_symlink()
