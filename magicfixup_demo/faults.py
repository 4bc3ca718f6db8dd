"""What a machine runs out of, told from the many words that libraries have for it. Imports none of them."""

import errno

from magicfixup_demo.errors import MemoryFull

MEMORY_WORDS = (
    "out of memory",  # CUDA, its driver
    "can't allocate memory",  # torch on a processor
    "not enough memory",  # the same on Windows
    "insufficient memory",  # OpenCV
    "alloc_failed",  # cuBLAS, cuDNN
    "bad_alloc",  # C++
)


def memory_is_full(error: BaseException) -> bool:
    """Whether the memory of a graphics card or of the machine did not suffice."""
    if isinstance(error, MemoryError | MemoryFull):
        return True
    return isinstance(error, Exception) and any(word in str(error).lower() for word in MEMORY_WORDS)


def disk_is_full(error: BaseException) -> bool:
    """Whether a disk, or somebody's share of it, has no room left."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def disk_is_shut(error: BaseException) -> bool:
    """Whether a disk cannot be written to, whatever its room."""
    return isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EIO)
