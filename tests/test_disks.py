"""Full, closed and vanished disks: one sentence each, nothing half is left, and all works again when there is room."""

import errno
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from browser.fakes import DISC_AT, scene, stand_ins
from gradio.utils import get_upload_folder

from magicfixup_demo import downloads
from magicfixup_demo.errors import DownloadError, PhotoError
from magicfixup_demo.images import png_bytes
from magicfixup_demo.serving.guard import NO_DISK
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.handlers import server_functions
from magicfixup_demo.ui.outgoing import Outgoing
from magicfixup_demo.ui.services import Services
from magicfixup_demo.ui.shelves import FolderShelf
from tests.ports import free_port
from tests.served import served

ROOM = 1 << 20  # bytes of the small disk
SECONDS = 60
HEAD = b'--x\r\nContent-Disposition: form-data; name="files"; filename="photo.png"\r\n\r\n'


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """The folder of a real disk of ROOM bytes, in memory."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    if not sys.platform.startswith("linux") or os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs to be root on Linux, to make a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def empty(disk):
    """The same with nothing on it, before and after."""
    yield disk
    for path in disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def fill(disk: Path) -> Path:
    """A file that leaves no room."""
    ballast = disk / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return ballast


@pytest.fixture(scope="module")
def site(disk):
    """(port, services): the page over fakes in this process, its uploads on the small disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(disk / "uploads"))
        services = stand_ins()
        port = free_port()
        with served(services, port):
            yield port, services


def upload(port: int, data: bytes) -> tuple[int, str]:
    """(status, answer)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    connection.request("POST", "/gradio_api/upload", HEAD + data + b"\r\n--x--\r\n", kind)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_an_upload_that_breaks_off_leaves_nothing(site, empty):
    connection = http.client.HTTPConnection("127.0.0.1", site[0], timeout=SECONDS)
    kind = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "900000"}
    connection.request("POST", "/gradio_api/upload", HEAD + bytes(200_000), kind)
    uploads = Path(get_upload_folder())
    end = time.monotonic() + SECONDS
    while not any(path.is_file() and path.stat().st_size for path in uploads.glob("*")):
        assert time.monotonic() < end
    connection.close()
    while any(path.is_file() for path in uploads.rglob("*")):
        assert time.monotonic() < end


def opened(port: int, services: Services) -> dict:
    status, answer = upload(port, png_bytes(scene(200, 150)))
    assert status == 200
    page = {function.__name__: function for function in server_functions(services)}
    return page["open_upload"]({"path": json.loads(answer)[0], "name": "photo.png", "visit": "v"})


def test_an_upload_to_a_full_disk_is_refused_and_leaves_nothing(site, empty):
    port, services = site
    assert opened(port, services)["width"] == 200
    ballast = fill(empty)
    status, answer = upload(port, np.random.default_rng(0).bytes(300_000))
    assert (status, json.loads(answer)["detail"]) == (507, NO_DISK)
    assert not [path for path in Path(get_upload_folder()).rglob("*") if path.is_file()]
    ballast.unlink()
    assert opened(port, services)["width"] == 200


def test_an_upload_folder_that_was_deleted_is_made_again(site, empty):
    port, services = site
    opened(port, services)
    shutil.rmtree(get_upload_folder())
    assert opened(port, services)["width"] == 200
    status, answer = upload(port, png_bytes(scene(200, 150)))
    shutil.rmtree(get_upload_folder())
    page = {function.__name__: function for function in server_functions(services)}
    assert page["open_upload"]({"path": json.loads(answer)[0], "visit": "v"})["error"] == strings.NOT_AN_UPLOAD


def test_a_file_to_save_says_when_there_is_no_room_for_it(empty, monkeypatch, page, services):
    photo = services.open_photo("scene", scene(), "v")
    prompt = {"points": [[*DISC_AT, True]]}
    mask = page["segment"]({"token": photo.token, "prompt": prompt})["candidates"][0]
    collage = {"version": 1, "photo": {"width": 600, "height": 400}, "segments": [{"id": "s", **mask}], "layers": []}
    request = {"token": photo.token, "collage": collage, "form": "zip"}
    monkeypatch.setattr("tempfile.tempdir", str(empty))
    ballast = fill(empty)
    assert page["save"](request)["error"] == strings.DISK_FULL
    assert photo.outgoing is None and [path.name for path in empty.iterdir()] == ["ballast"]
    ballast.unlink()
    assert page["save"](request)["size"] > 10_000


def test_the_rest_of_a_file_is_written_before_it_is_fetched(empty, monkeypatch):
    """What is left in a buffer must not meet the full disk when a part is asked for."""
    monkeypatch.setattr("tempfile.tempdir", str(empty))
    fill(empty)
    with pytest.raises(OSError, match="No space left"):
        Outgoing(b"a few bytes")


def test_a_link_that_finds_no_room_leaves_the_others(empty):
    shelf = FolderShelf(empty / "links")
    shelf.put("first", bytes(1000))
    ballast = fill(empty)
    with pytest.raises(PhotoError) as caught:
        shelf.put("second", bytes(100_000))
    assert str(caught.value) == strings.LINKS_DISK_FULL
    assert shelf.sizes() == {"first": 1000} and len(list(shelf.folder.iterdir())) == 1
    ballast.unlink()
    shelf.put("second", bytes(100_000))
    assert shelf.get("second") == bytes(100_000)


def test_a_read_only_disk_is_a_sentence_too(empty, page, services, monkeypatch):
    shelf = FolderShelf(empty / "links")
    shelf.put("first", b"x")
    photo = services.open_photo("scene", scene(), "v")
    photo.outgoing = None
    subprocess.run(["mount", "-o", "remount,ro", str(empty)], check=True)
    try:
        with pytest.raises(PhotoError) as caught:
            shelf.put("second", b"y")
        assert str(caught.value) == strings.LINKS_UNREACHABLE and shelf.get("first") == b"x"
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(empty)], check=True)
    shelf.put("second", b"y")


def test_weights_that_find_no_room_leave_nothing_half(empty):
    ballast = fill(empty)
    with pytest.raises(DownloadError, match="make room"):
        downloads._keep(bytes(100_000), empty / "weights.pt")
    assert [path.name for path in empty.iterdir()] == ["ballast"]
    ballast.unlink()
    downloads._keep(bytes(100_000), empty / "weights.pt")
    assert (empty / "weights.pt").stat().st_size == 100_000


def test_what_a_killed_download_left_goes_with_the_next_one(tmp_path):
    target = tmp_path / "weights.pt"
    left, running = tmp_path / "weights.111.part", tmp_path / "weights.222.part"
    for part in (left, running):
        part.write_bytes(b"half")
    os.utime(left, (1, 1))
    downloads._keep(b"whole", target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["weights.222.part", "weights.pt"]
