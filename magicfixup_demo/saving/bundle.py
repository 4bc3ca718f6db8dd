"""Work as a zip: every part of it as a file of its own, for other programs and for this one.

    photo.jpg | photo.png       as it came, without metadata      sources/1.jpg ...   other photos, in order
    cutouts/1-dog.png ...       RGBA, one for each layer          collage.json        the arrangement
    coarse-edit.png             RGBA, alpha 0 = hole              settings.json       the record
    hole-mask.png               grey, 255 = hole                  result.png, sdedit.png, start.png

Reading trusts nothing: nothing is ever unpacked to a disk, only the names above are read, and bytes are counted while
they are unpacked, whatever the zip says of itself.
"""

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from magicfixup_demo.collage_json import MAX_JSON_CHARACTERS
from magicfixup_demo.errors import SavedFileError
from magicfixup_demo.images import MAX_FILE_BYTES, open_photo, png_bytes
from magicfixup_demo.saving.credentials import signed
from magicfixup_demo.saving.photos import SUFFIXES, PhotoFile
from magicfixup_demo.saving.picture import metadata
from magicfixup_demo.saving.png import with_chunks
from magicfixup_demo.saving.record import Record, record_from_json, record_to_json
from magicfixup_demo.saving.work import MAX_SAVED_BYTES, TOO_LARGE, Work, checked
from magicfixup_demo.schema import CoarseEdit

COLLAGE, SETTINGS = "collage.json", "settings.json"
MAX_ENTRIES, MAX_DIRECTORY_BYTES = 400, 200_000
MAX_UNPACKED_BYTES = 2 * MAX_SAVED_BYTES
END = b"PK\5\6"  # of the directory of a zip without a comment, 22 bytes before the file's end
END_OF_LARGE = b"PK\6\7"  # what a zip of over 4 GB has before it
DAMAGED = "This zip is damaged, or was not saved by this program; save it again with Everything."
DATE = (2026, 1, 1, 0, 0, 0)  # the same work makes the same bytes


def is_zip(data: bytes) -> bool:
    return data.startswith(b"PK\3\4")


def to_zip(work: Work, edit: CoarseEdit, cutouts: Mapping[str, np.ndarray]) -> bytes:
    """``work`` with all its photos; ``cutouts``: a layer's name -> (h, w, 4) uint8. Raises SavedFileError."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in _files(work, edit, cutouts):
            packing = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name, DATE), data, packing)
            if buffer.tell() > MAX_SAVED_BYTES - MAX_DIRECTORY_BYTES:
                raise SavedFileError(TOO_LARGE)
    return buffer.getvalue()


def _files(work: Work, edit: CoarseEdit, cutouts: Mapping[str, np.ndarray]):
    yield SETTINGS, record_to_json(work.record).encode()
    yield COLLAGE, work.collage.encode()
    for stem, file in _stems(work.record, work.photos):
        yield f"{stem}.{file.suffix}", file.data
    by_hand = metadata(Record(work.record.photo))
    yield "coarse-edit.png", with_chunks(png_bytes(edit.rgba), by_hand)
    yield "hole-mask.png", png_bytes(edit.hole.astype(np.uint8) * 255)
    for name, picture in cutouts.items():
        yield f"cutouts/{name}.png", with_chunks(png_bytes(picture), by_hand)
    by_model, exif = metadata(work.record), metadata(work.record, work.exif)
    pictures = {"result": (work.result, exif), "sdedit": (work.sdedit, by_model), "start": (work.start, by_hand)}
    for name, (picture, chunks) in pictures.items():
        if picture is not None:
            data = with_chunks(png_bytes(picture), chunks)
            yield f"{name}.png", data if name == "start" else _signed(data, work.record)


def _signed(data: bytes, record: Record) -> bytes:
    return signed(data, record.result.model) if record.result else data


def _stems(record: Record, photos: Mapping[str, PhotoFile]):
    """(name without suffix, file) of the photo and of every source, which are numbered: ids may be any text."""
    yield "photo", photos[""]
    for number, source in enumerate(record.sources, 1):
        yield f"sources/{number}", photos[source.id]


def read_zip(data: bytes) -> Work:
    """The work in a zip. Raises MagicFixupError: one sentence, whatever is wrong with the file."""
    try:
        return checked(_Reader(data).work())
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise SavedFileError(DAMAGED) from error


class _Reader:
    """The entries of a zip by name, in its top folder or in the only folder of it (people pack folders anew)."""

    def __init__(self, data: bytes):
        _check_directory(data)
        self.archive = zipfile.ZipFile(io.BytesIO(data))
        entries = self.archive.infolist()
        if len(entries) > MAX_ENTRIES:
            raise SavedFileError(f"This zip has over {MAX_ENTRIES} files in it; it was not saved by this program.")
        for entry in entries:
            _check_entry(entry)
        folder = next((e.filename.removesuffix(SETTINGS) for e in entries if e.filename.endswith(SETTINGS)), "")
        self.entries = {e.filename.removeprefix(folder): e for e in entries if e.filename.startswith(folder)}
        if len(self.entries) < sum(e.filename.startswith(folder) for e in entries):
            raise SavedFileError(DAMAGED)  # two files of one name
        self.left = MAX_UNPACKED_BYTES

    def work(self) -> Work:
        record = record_from_json(self.bytes_of(SETTINGS, MAX_JSON_CHARACTERS))
        try:
            collage = self.bytes_of(COLLAGE, MAX_JSON_CHARACTERS).decode()
        except UnicodeDecodeError as error:
            raise SavedFileError(DAMAGED) from error
        photos = {"": self.photo("photo")}
        for number, source in enumerate(record.sources, 1):
            photos[source.id] = self.photo(f"sources/{number}")
        return Work(record, collage, photos, *(self.picture(f"{name}.png") for name in ("result", "sdedit", "start")))

    def photo(self, stem: str) -> PhotoFile:
        for suffix in SUFFIXES:
            if f"{stem}.{suffix}" in self.entries:
                return PhotoFile(self.bytes_of(f"{stem}.{suffix}", MAX_FILE_BYTES), suffix)
        raise SavedFileError(f"This zip has no {stem}.jpg or {stem}.png in it; save it again with Everything.")

    def picture(self, name: str) -> np.ndarray | None:
        return open_photo(self.bytes_of(name, MAX_SAVED_BYTES), MAX_SAVED_BYTES) if name in self.entries else None

    def bytes_of(self, name: str, most: int) -> bytes:
        if name not in self.entries:
            raise SavedFileError(f"This zip has no {name} in it; only a zip saved here with Everything can be opened.")
        most = min(most, self.left)
        with self.archive.open(self.entries[name]) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise SavedFileError(f"This zip unpacks to too much ({name}); it was not saved by this program.")
        self.left -= len(data)
        return data


def _check_directory(data: bytes) -> None:
    """Before the module reads it: the directory's size is what bounds the memory that listing it takes."""
    end = data[-22:]
    if len(data) > MAX_SAVED_BYTES or not end.startswith(END) or data[-42:-38] == END_OF_LARGE:
        raise SavedFileError(DAMAGED)
    if int.from_bytes(end[12:16], "little") > MAX_DIRECTORY_BYTES:
        raise SavedFileError(f"This zip has over {MAX_ENTRIES} files in it; it was not saved by this program.")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Ordinary, readable files under ordinary names; no such name is ever used as a path all the same."""
    link = stat.S_ISLNK(entry.external_attr >> 16)
    parts = re.split(r"[/\\]", entry.filename)
    if link or ".." in parts or not parts[0] or ":" in entry.filename or entry.filename != entry.orig_filename:
        raise SavedFileError("This zip holds a link, or a name that leads out of it; it was not saved by this program.")
    if entry.flag_bits & 1:
        raise SavedFileError("This zip is encrypted; save it again without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SavedFileError("This zip is packed in a way that cannot be read here; pack it again as an ordinary zip.")
