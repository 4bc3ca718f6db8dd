"""What is compared with what, and what counts as too far away; a tiny network, LPIPS replaced by a difference."""

import numpy as np
import pytest
from plates import tiny_plates
from tiny_pipeline import acting_pipeline

from magicfixup_demo.engine.conditioning import fill_from_background
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.engine.plate_engine import PlateEngine
from magicfixup_demo.engine.samplers import sampler_names
from magicfixup_demo.errors import ModelError
from magicfixup_demo.evaluation import agreement


def tiny_engine(name: str, device: str, backend: str = "torch") -> PipelineEngine:
    if backend == "openvino":
        raise ModelError("install it with: pip install openvino")
    info = EngineInfo(name, "random weights, for tests", "none", 2, 100, sampler_names("ddim", rereads=False))
    return PipelineEngine(acting_pipeline(std=0.02), info, fill_from_background, strength=0.5, area=64 * 64)


def difference(results, target, regions) -> list[dict[str, float]]:
    return [{"whole": float(np.abs(result.astype(float) - target).mean())} for result in results]


def tiny_plate_engine(name: str, device: str, backend: str = "torch") -> PlateEngine:
    return tiny_plates(name=tiny_engine(name, device, backend).info.name)


@pytest.fixture(scope="module", params=[tiny_engine, tiny_plate_engine])
def compared(request, picture, edit) -> tuple[dict, str]:
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agreement, "_scenes", lambda most: [(picture, edit)][:most])
        patch.setattr(agreement, "load_engine", request.param)
        patch.setattr(agreement, "lpips", difference)
        patch.setattr(agreement, "SLOW_STEPS", 8)
        report = agreement.agreement("tiny", ["torch", "openvino"], most=1, say=said.append)
    return report, "\n".join(said)


def test_what_is_kept_and_the_same_backend_change_nothing(compared):
    for way in ("second edit", "backend torch"):
        assert compared[0][way]["lpips"] == [0.0] and compared[0][way]["largest"] == [0]


def test_samplers_are_held_against_many_steps_of_ddim(compared):
    report, said = compared
    assert report["ddim, 8 steps"]["lpips"] == [0.0], "the slow path itself"
    assert report["ddim, 2 steps"]["lpips"][0] > 0
    assert {way.partition(",")[0] for way in report if "steps" in way} == {"ddim", "dpm++", "unipc"}
    assert report["unipc, 2 steps"]["tolerance"] is None and report["unipc, 4 steps"]["tolerance"] > 0
    assert "1 example photos" in said and "Without openvino" in said


def test_of_an_engine_without_diffusion_in_its_result_it_is_sdedit_that_is_compared(compared, request):
    plates = "tiny_plate_engine" in request.node.name
    assert ("SDEdit beside tiny, 1" in compared[1]) == plates


def test_the_examples_are_arranged_as_their_collages_say():
    ((photo, edit),) = agreement._scenes(1)
    assert edit.rgb.shape == photo.shape and edit.hole.any() and edit.collage is not None


def test_what_is_too_far_is_named(compared):
    near = {"lpips": [0.0, 0.01], "tolerance": 0.01}
    far = {"lpips": [0.0, 0.011], "tolerance": 0.01}
    free = {"lpips": [0.5], "tolerance": None}
    assert agreement.over_tolerance({"near": near, "far": far, "free": free}) == ["far"]
