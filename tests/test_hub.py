"""Downloads from a Hub that works, and from one that does not: each failure is one sentence that says what to do."""

import os
import subprocess
import sys
import threading

import pytest

from magicfixup_demo import hub, resumable
from magicfixup_demo.errors import Cancelled, DownloadError
from magicfixup_demo.hub import HubFile, cached_hub_file, fetch_hub_file, fetch_hub_folder, hub_folder_is_here
from tests.hub_server import SITUATIONS, FakeHub, be_impatient, etag, point_at, situation

WEIGHTS = bytes(range(256)) * 4000  # 1 MB
FILES = {"owner/model": {"weights.bin": WEIGHTS, "unet/config.json": b'{"small": true}', "empty.txt": b""}}
WANTED = HubFile("owner/model", "weights.bin")

# What the sentence must say; each tells what to do.
SAID = {
    "silent": "does not answer for owner/model: check the network and retry",
    "trickle": "came to a halt; what has arrived is kept: retry",
    "stuck": "came to a halt; what has arrived is kept: retry",
    "gated": "accept them on its page on the Hub, log in with `hf auth login`, and retry",
    "gone": "has no weights.bin of owner/model.*choose another model",
    "no file": "has no weights.bin of owner/model.*choose another model",
    "wrong bytes": "not the file expected .* was deleted: retry",
    "portal": "a network's login page perhaps: open any page in a browser",
    "portal later": "a network's login page perhaps: open any page in a browser",
    "busy": "status 503.*wait a while and retry",
    "no hub": "does not answer for owner/model: check the network and retry",
    "offline": "HF_HUB_OFFLINE forbids downloads: unset it",
    "read-only": "cannot be kept at .*let this program write there, or set HF_HOME",
    "full disk": "disk is too full for weights.bin.*make room for 1 MB",
}


@pytest.fixture
def server(monkeypatch, tmp_path):
    with FakeHub(FILES) as running, running.in_this_process(monkeypatch, tmp_path):
        yield running


def half_a_download(server, monkeypatch) -> None:
    """The Hub falls silent after half of the file, and works again afterwards."""
    server.fault = "stuck"
    with monkeypatch.context() as shortened:
        be_impatient(shortened, "stuck")
        with pytest.raises(DownloadError, match="what has arrived is kept"):
            fetch_hub_file(WANTED)
    server.fault = ""


def ranges(server) -> list[str]:
    return [asked for command, path, asked in server.requests if command == "GET" and path.startswith("/storage")]


class TestAWorkingHub:
    def test_a_file_comes_whole_with_progress_and_then_needs_no_hub(self, server):
        said = []
        path = fetch_hub_file(WANTED, lambda fraction, text: said.append((fraction, text)))
        assert path.read_bytes() == WEIGHTS and cached_hub_file(WANTED) == path
        assert said[-1] == (1.0, "Downloading weights.bin of owner/model: 1 of 1 MB")
        server.requests.clear()
        assert fetch_hub_file(WANTED) == path and not server.requests

    def test_a_folder_comes_with_its_subfolders_and_nothing_else(self, server):
        paths = ("unet/config.json", "weights.bin", "empty.txt")
        assert not hub_folder_is_here("owner/model", paths)
        folder = fetch_hub_folder("owner/model", paths)
        found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        assert found == sorted(paths)
        assert (folder / "unet/config.json").read_bytes() == b'{"small": true}'
        assert hub_folder_is_here("owner/model", paths)

    def test_the_progress_of_a_folder_never_goes_back(self, server):
        seen = []
        fetch_hub_folder("owner/model", ("weights.bin", "unet/config.json"), lambda fraction, _: seen.append(fraction))
        assert seen == sorted(seen) and seen[-1] == 1.0

    def test_what_the_hubs_own_cache_holds_is_used(self, server):
        from huggingface_hub import hf_hub_download

        shared = hf_hub_download("owner/model", "weights.bin")
        server.requests.clear()
        assert str(fetch_hub_file(WANTED)) == shared and not server.requests
        assert fetch_hub_folder("owner/model", ["weights.bin"]) == cached_hub_file(WANTED).parent

    def test_a_known_checksum_overrules_the_hubs(self, server):
        with pytest.raises(DownloadError, match="not the file expected"):
            fetch_hub_file(HubFile(WANTED.repo, WANTED.path, "0" * 64))
        assert cached_hub_file(WANTED) is None
        assert fetch_hub_file(HubFile(WANTED.repo, WANTED.path, etag(WEIGHTS))).read_bytes() == WEIGHTS

    def test_the_token_is_shown_only_to_a_hub_that_asks_for_it(self, server, tmp_path, monkeypatch):
        shown = []
        monkeypatch.delenv("HF_TOKEN", raising=False)
        (tmp_path / "token").write_text(server.TOKEN)
        answer = hub._announced
        monkeypatch.setattr(hub, "_announced", lambda wanted: shown.append(answer(wanted)) or shown[-1])
        fetch_hub_file(HubFile(WANTED.repo, "unet/config.json"))
        server.fault = "gated"
        fetch_hub_file(WANTED)
        assert ["authorization" in one.headers for one in shown] == [False, True]


class TestResuming:
    def test_a_broken_connection_is_taken_up_where_it_broke(self, server):
        server.fault = "cut"
        assert fetch_hub_file(WANTED).read_bytes() == WEIGHTS
        assert ranges(server)[:3] == ["", "bytes=512000-", "bytes=768000-"]

    def test_the_users_stop_keeps_what_has_arrived(self, server):
        server.fault = "stuck"

        def stop(fraction, text):
            raise Cancelled("Stopped.")

        with pytest.raises(Cancelled):
            fetch_hub_file(WANTED, stop)
        (part,) = hub.own_folder(WANTED.repo).glob("*.part")
        arrived = part.stat().st_size
        assert 0 < arrived <= len(WEIGHTS) // 2
        server.fault = ""
        assert fetch_hub_file(WANTED).read_bytes() == WEIGHTS
        assert ranges(server)[-1] == f"bytes={arrived}-"
        assert not list(hub.own_folder(WANTED.repo).glob("*.part*")), "nothing is left lying about"

    def test_the_users_stop_during_the_check_keeps_the_whole_part(self, server):
        def stop(fraction, text):
            if fraction == 1.0:
                raise Cancelled("Stopped.")

        with pytest.raises(Cancelled):
            fetch_hub_file(WANTED, stop)
        server.requests.clear()
        assert fetch_hub_file(WANTED).read_bytes() == WEIGHTS
        assert ranges(server) == [], "all of it was here"

    def test_answers_that_end_early_without_an_error_are_given_up(self, tmp_path, monkeypatch):
        monkeypatch.setattr(resumable, "PAUSE_SECONDS", 0)
        asked = []
        monkeypatch.setattr(resumable, "_append", lambda *_: asked.append(1))
        with pytest.raises(resumable.Stalled):
            resumable.download("http://nowhere", tmp_path / "part", 10, {})
        assert len(asked) == resumable.ATTEMPTS

    def test_a_killed_download_is_taken_up_by_the_next_process(self, server, tmp_path):
        server.fault = "stuck"
        code = (
            "import os; from magicfixup_demo.hub import HubFile, fetch_hub_file\n"
            "fetch_hub_file(HubFile('owner/model', 'weights.bin'), lambda *_: os._exit(9))"
        )
        environment = os.environ | server.environment(tmp_path)
        assert subprocess.run([sys.executable, "-c", code], env=environment, timeout=60).returncode == 9
        server.fault = ""
        assert fetch_hub_file(WANTED).read_bytes() == WEIGHTS
        assert ranges(server)[-1].startswith("bytes=") and ranges(server)[-1] != "bytes=0-"

    def test_another_version_of_the_file_is_not_glued_to_the_first(self, server, monkeypatch):
        half_a_download(server, monkeypatch)
        other = WEIGHTS[::-1]
        server.files = {"owner/model": {"weights.bin": other}}
        assert fetch_hub_file(WANTED).read_bytes() == other

    def test_a_login_page_does_not_replace_what_has_arrived(self, server, monkeypatch):
        half_a_download(server, monkeypatch)
        server.fault = "portal later"
        with pytest.raises(DownloadError, match="login page"):
            fetch_hub_file(WANTED)
        server.fault = ""
        assert fetch_hub_file(WANTED).read_bytes() == WEIGHTS
        assert ranges(server)[-1] == f"bytes={len(WEIGHTS) // 2}-"

    def test_a_server_that_cannot_go_on_begins_again(self, server, monkeypatch):
        half_a_download(server, monkeypatch)
        monkeypatch.setattr(server.handler, "knows_ranges", False)
        assert fetch_hub_file(WANTED).read_bytes() == WEIGHTS

    def test_a_second_program_waits_and_then_finds_the_file(self, server, monkeypatch):
        monkeypatch.setattr(hub, "LOCK_POLL_SECONDS", 0.05)
        got, first_begun = [], threading.Event()

        def slowly(fraction, text):
            first_begun.set()

        first = threading.Thread(target=lambda: got.append(fetch_hub_file(WANTED, slowly)))
        first.start()
        assert first_begun.wait(20)
        got.append(fetch_hub_file(WANTED))
        first.join()
        assert got[0] == got[1] and got[0].read_bytes() == WEIGHTS


class TestFailures:
    def test_every_situation_is_described(self):
        assert set(SAID) == set(SITUATIONS)

    @pytest.mark.parametrize("name", SITUATIONS)
    def test_each_is_one_sentence_that_says_what_to_do(self, name, monkeypatch, tmp_path):
        with situation(name, FILES, tmp_path) as environment:
            point_at(monkeypatch, environment)
            be_impatient(monkeypatch, name)
            with pytest.raises(DownloadError, match=SAID[name]) as caught:
                fetch_hub_file(WANTED)
        assert "\n" not in str(caught.value) and str(caught.value).count(". ") == 0
        assert cached_hub_file(WANTED) is None, "what is not whole is not taken for the file"

    def test_a_disk_that_is_too_small_is_noticed_before_the_first_byte(self, server, monkeypatch):
        monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": len(WEIGHTS) - 1}))
        with pytest.raises(DownloadError, match="make room for 1 MB"):
            fetch_hub_file(WANTED)
        assert not ranges(server)

    def test_wrong_bytes_are_not_kept_for_the_next_try(self, server):
        server.fault = "wrong bytes"
        with pytest.raises(DownloadError):
            fetch_hub_file(WANTED)
        server.fault = ""
        assert fetch_hub_file(WANTED).read_bytes() == WEIGHTS and ranges(server)[-1] == ""

    def test_offline_asks_nobody(self, server, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(DownloadError):
            fetch_hub_file(WANTED)
        assert not server.requests
