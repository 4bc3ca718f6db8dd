"""Content Credentials (C2PA): a signed statement in the file that a model had a part in it.

Only where whoever runs the page has a certificate: one that is made up on the fly proves nothing, and what checks such
files would call it unknown. ``pip install c2pa-python``, then name two PEM files (and the algorithm, if it is another
than es256) in the environment. Nothing is asked of any other machine: there is no time stamp from an authority.
"""

import io
import logging
import os
from pathlib import Path

from magicfixup_demo.saving.iptc import EDITED_BY_MODEL
from magicfixup_demo.saving.record import TOOL

SETTINGS = {"builder": {"thumbnail": {"enabled": False}}}  # the picture is there already
log = logging.getLogger(__name__)
CERTIFICATE, KEY, ALGORITHM = "MAGICFIXUP_C2PA_CERTIFICATE", "MAGICFIXUP_C2PA_KEY", "MAGICFIXUP_C2PA_ALGORITHM"


def signed(png: bytes, model: str) -> bytes:
    """``png``, a result of ``model``, with a signed manifest where a certificate is set up; otherwise as it is.

    When signing fails the log says why and the file goes out unsigned: a visitor can do nothing about it, and the
    picture says what it is in its other metadata.
    """
    certificate, key = os.environ.get(CERTIFICATE), os.environ.get(KEY)
    if not certificate or not key:
        return png
    try:
        return _sign(png, model, Path(certificate).read_bytes(), Path(key).read_bytes())
    except ImportError:
        log.warning(
            "%s is set, but c2pa-python is not installed; files go out without content credentials", CERTIFICATE
        )
    except Exception:
        log.exception("content credentials could not be written; check %s, %s and %s", CERTIFICATE, KEY, ALGORITHM)
    return png


def _sign(png: bytes, model: str, certificate: bytes, key: bytes) -> bytes:
    import c2pa  # optional

    algorithm = os.environ.get(ALGORITHM, "es256").encode()
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(algorithm, certificate, key, None))
    with signer, c2pa.Context.from_dict(SETTINGS) as context, c2pa.Builder(_manifest(model), context) as builder:
        destination = io.BytesIO()
        builder.sign(signer, "image/png", io.BytesIO(png), destination)
    return destination.getvalue()


def _manifest(model: str) -> dict:
    """The photo is not named as an ingredient: that would put a small picture of it, unedited, into the file."""
    action = {
        "action": "c2pa.created",
        "digitalSourceType": EDITED_BY_MODEL,
        "softwareAgent": {"name": TOOL},
        "description": f"Rearranged by hand, repaired by the model {model}.",
    }
    name, _, version = TOOL.rpartition(" ")
    return {
        "claim_generator_info": [{"name": name, "version": version}],
        "format": "image/png",
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
