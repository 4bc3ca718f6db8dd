"""Which weights a model's name stands for, so that a saved result can say it."""

import functools
import hashlib

from magicfixup_demo.engine.weights import MODELS


@functools.cache
def model_revision(name: str) -> str:
    """A checksum over the model's weight files, which a change of any weight changes; "" for an unknown model.

    Where the weights came from the Hub it stands behind their repository. Reads all of them once per process: a
    fraction of a second for the small model, some seconds for the published one.
    """
    entry = MODELS.get(name)
    files = sorted(entry.folder.glob("*.safetensors")) if entry else []
    if not files:
        return ""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    checksum = f"sha256:{digest.hexdigest()[:16]}"
    return f"{entry.source.repo}/{entry.source.path} {checksum}" if entry.source else checksum
