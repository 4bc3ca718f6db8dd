"""Magic Fixup Demo: rearrange the things in a photo, get a photo back."""

__version__ = "0.1.0"
