"""Content Credentials with a certificate made for the test: written, readable, and never in the way of the file."""

import datetime
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from saving.test_files import PHOTO, a_work, zipped

from magicfixup_demo.saving.credentials import CERTIFICATE, KEY, signed
from magicfixup_demo.saving.iptc import EDITED_BY_MODEL
from magicfixup_demo.saving.picture import to_png
from magicfixup_demo.saving.reading import read_work
from magicfixup_demo.schema import EditResult
from magicfixup_demo.ui.result_file import result_png

c2pa = pytest.importorskip("c2pa", reason="needs c2pa-python")
x509 = pytest.importorskip("cryptography.x509", reason="needs cryptography")


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Paths of a signing certificate (with the one that issued it) and of its key, as PEM."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("issuer", "signer")}
    names = {name: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("issuer", "signer")}
    now = datetime.datetime.now(datetime.UTC)

    def certificate(name: str, extensions: list) -> bytes:
        builder = x509.CertificateBuilder(names["issuer"], names[name], keys[name].public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=2))
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys["issuer"].public_key())
        builder = builder.add_extension(identifier, False)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(keys[name].public_key()), False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(keys["issuer"], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    use = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    signing = x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **use)
    issuing = x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **use)
    email = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION])
    leaf = certificate("signer", [(x509.BasicConstraints(False, None), True), (signing, True), (email, False)])
    root = certificate("issuer", [(x509.BasicConstraints(True, None), True), (issuing, True)])
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "chain.pem").write_bytes(leaf + root)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(keys["signer"].private_bytes(*form))
    return folder / "chain.pem", folder / "key.pem"


def test_nothing_happens_without_a_certificate(monkeypatch):
    monkeypatch.delenv(CERTIFICATE, raising=False)
    assert signed(b"anything", "small") == b"anything"


def test_a_signed_file_says_so_and_still_opens_here(chain, monkeypatch):
    monkeypatch.setenv(CERTIFICATE, str(chain[0]))
    monkeypatch.setenv(KEY, str(chain[1]))
    plain = to_png(a_work(), 255 - PHOTO)
    data = signed(plain, "small")
    manifest = json.loads(c2pa.Reader("image/png", io.BytesIO(data)).json())
    active = manifest["manifests"][manifest["active_manifest"]]
    (actions,) = [one["data"]["actions"] for one in active["assertions"] if one["label"].startswith("c2pa.actions")]
    assert actions[0]["digitalSourceType"] == EDITED_BY_MODEL
    codes = {one["code"] for one in manifest["validation_results"]["activeManifest"]["failure"]}
    assert codes <= {"signingCredential.untrusted"}  # nobody knows our issuer; all else is in order
    back = read_work(data)
    assert back.record == a_work().record and back.collage == a_work().collage
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), 255 - PHOTO)
    assert "thumbnail" not in json.dumps(active)


def test_results_in_a_zip_and_of_programs_are_signed_too(chain, monkeypatch):
    monkeypatch.setenv(CERTIFICATE, str(chain[0]))
    monkeypatch.setenv(KEY, str(chain[1]))
    with zipfile.ZipFile(io.BytesIO(zipped(replace(a_work(), start=PHOTO)))) as archive:
        files = {name: archive.read(name) for name in ("result.png", "start.png")}
    made = EditResult((255 - PHOTO,), None, PHOTO, PHOTO[..., 0] > 0, seed=1, steps=2, seconds=1.0, model="small")
    files["api"] = result_png(PHOTO, made, "MIT")
    assert {name for name, data in files.items() if b"caBX" in data} == {"result.png", "api"}


@pytest.mark.parametrize("content", [b"", b"not a certificate"])
def test_a_broken_set_up_does_not_keep_anybody_from_saving(tmp_path, monkeypatch, content, caplog):
    (tmp_path / "x.pem").write_bytes(content)
    monkeypatch.setenv(CERTIFICATE, str(tmp_path / "x.pem"))
    for key in (tmp_path / "x.pem", tmp_path / "nothing.pem"):
        monkeypatch.setenv(KEY, str(key))
        plain = to_png(a_work(), 255 - PHOTO)
        assert signed(plain, "small") == plain
        assert CERTIFICATE in caplog.text
