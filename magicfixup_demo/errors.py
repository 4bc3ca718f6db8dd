"""The one family of errors whose messages are written for the user.

Every message is one sentence (or two) that says what is wrong and what to do. The command line prints it on one
line and exits with status 2; the page shows it as a toast. Anything outside this family is a bug.
"""


class MagicFixupError(Exception):
    """Base of all errors that the user can understand and act on."""


class PhotoError(MagicFixupError):
    """The file cannot be used as a photo."""


class CollageError(MagicFixupError):
    """The collage (JSON) is malformed, or does not fit the photo."""


class SavedFileError(MagicFixupError):
    """A saved file (PNG or zip) cannot be written, or cannot be opened again."""


class EditError(MagicFixupError):
    """The coarse edit (RGBA picture) cannot be fixed up."""


class SegmentationError(MagicFixupError):
    """A click, a box or the mask they select is unusable."""


class ModelError(MagicFixupError):
    """A model is unknown, or its weights are missing, broken or foreign."""


class MemoryFull(ModelError):
    """A device's memory does not hold what the work takes, however little is done at once."""


class DownloadError(ModelError):
    """A file could not be had from the Hub or the package index, or is not the file expected."""


class OptionError(MagicFixupError):
    """An option or a command line argument is out of range."""


class DataError(MagicFixupError):
    """A folder of videos, photos or pairs holds nothing usable."""


class BusyError(MagicFixupError):
    """So many wait already that nobody else can; later there is room again."""


class Cancelled(MagicFixupError):
    """The user stopped the work; nothing is wrong."""
