"""What a saved file holds, whichever its form: a record, a collage, the photos, and the result if there is one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.errors import CollageError, SavedFileError
from magicfixup_demo.images import open_photo
from magicfixup_demo.saving.photos import PhotoFile
from magicfixup_demo.saving.record import PhotoReference, Record

MAX_SAVED_BYTES = 256 * 1024 * 1024
TOO_LARGE = f"This file would have over {MAX_SAVED_BYTES >> 20} MB; save the picture alone instead."


@dataclass(frozen=True, eq=False)
class Work:
    """``photos``: by source id, "" for the photo itself; empty in a light file. Pictures are (H, W, 3) uint8.

    ``collage`` is JSON exactly as the page sent it, so that it comes back the same. ``start``: the arrangement with
    its holes filled, where the repair began. ``exif``: what is to be said of camera and place, or nothing.
    """

    record: Record
    collage: str
    photos: Mapping[str, PhotoFile] = field(default_factory=dict)
    result: np.ndarray | None = None
    sdedit: np.ndarray | None = None
    start: np.ndarray | None = None
    exif: bytes = b""


def checked(work: Work) -> Work:
    """The same, if its parts belong together; pictures of another size than the photo's are left out.

    Raises SavedFileError, CollageError.
    """
    collage, photo = collage_from_json(work.collage), work.record.photo
    if (collage.width, collage.height) != (photo.width, photo.height):
        raise CollageError("The arrangement in this file belongs to another photo; save it again.")
    listed = {source.id for source in work.record.sources}
    missing = {source.id for source in collage.sources} - listed
    if missing or (work.photos and set(work.photos) != listed | {""}):
        raise SavedFileError("This file lacks one of the photos that its objects come from; save it again.")

    def fitting(picture: np.ndarray | None) -> np.ndarray | None:
        return picture if picture is not None and picture.shape[:2] == (photo.height, photo.width) else None

    result = fitting(work.result) if work.record.result else None
    return Work(work.record, work.collage, work.photos, result, fitting(work.sdedit), fitting(work.start), work.exif)


def opened(file: PhotoFile, reference: PhotoReference) -> np.ndarray:
    """The pixels of a photo in a saved file: (H, W, 3) uint8. Raises PhotoError, SavedFileError.

    Only the size is compared: JPEG decoders of two machines may differ by a grey level, which changes the checksum.
    """
    image = open_photo(file.data)
    if image.shape[:2] != (reference.height, reference.width):
        raise SavedFileError("The photo in this file is not the one that it was saved with; open the photo itself.")
    return image
