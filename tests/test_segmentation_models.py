"""The model classes, with random weights at full or reduced size; importing without torchvision; strict loading."""

import gc
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from magicfixup_demo.errors import ModelError, SegmentationError
from magicfixup_demo.schema import Prompt
from magicfixup_demo.segmentation import mobile_sam, sam2, sam_vit, tiny_vit
from magicfixup_demo.segmentation.sam_import import import_segment_anything
from magicfixup_demo.segmentation.sam_segmenter import MOST_REPLAYED, SamSegmenter, before_last_click

ROOT = Path(__file__).resolve().parent.parent
CLICK = Prompt(((20.0, 30.0),), (True,))
PROMPTS = (
    CLICK,
    Prompt(((20.0, 30.0), (50.0, 10.0)), (True, False)),
    Prompt(box=(5.0, 5.0, 60.0, 40.0)),
    Prompt(((20.0, 30.0),), (True,), (5.0, 5.0, 60.0, 40.0)),
)


def a_photo(height=60, width=90):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def in_new_python(code: str, *folders: Path) -> subprocess.CompletedProcess:
    """Run code in a fresh interpreter with ``folders`` in front of everything importable."""
    path = os.pathsep.join([*(str(folder) for folder in folders), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300)


@pytest.fixture
def mismatched_torchvision(tmp_path) -> Path:
    """A torchvision that fails as a build for another torch does: its operators are not there to be described."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("from torchvision import _meta\n__version__ = '0.0'\n")
    (package / "_meta.py").write_text(
        "import torch\n"
        "@torch.library.register_fake('torchvision::nms')\n"
        "def nms(dets, scores, iou_threshold): ...\n"
        "@torch.library.register_fake('torchvision::qnms')\n"
        "def qnms(dets, scores, iou_threshold): ...\n"
    )
    return tmp_path


class TestImport:
    def test_works_without_torchvision_and_leaves_no_stand_in(self):
        done = in_new_python(
            "import sys; from magicfixup_demo.segmentation.sam_import import import_segment_anything\n"
            "package = import_segment_anything(); package.SamPredictor; package.sam_model_registry\n"
            "assert not [name for name in sys.modules if name.startswith('torchvision')]\n"
            "assert import_segment_anything() is package"
        )
        assert done.returncode == 0, done.stderr

    def test_works_beside_a_torchvision_that_cannot_load(self, mismatched_torchvision):
        done = in_new_python(
            "from magicfixup_demo.segmentation.sam_import import import_segment_anything\n"
            "import_segment_anything().SamPredictor",
            mismatched_torchvision,
        )
        assert done.returncode == 0, done.stderr

    def test_such_a_torchvision_is_repaired(self, mismatched_torchvision):
        done = in_new_python("import torchvision", mismatched_torchvision)
        assert done.returncode != 0 and "does not exist" in done.stderr  # else this test proves nothing
        done = in_new_python(
            "from magicfixup_demo.segmentation.sam_import import repair_torchvision\n"
            "assert repair_torchvision()\nimport torchvision; assert torchvision.__version__ == '0.0'",
            mismatched_torchvision,
        )
        assert done.returncode == 0, done.stderr

    def test_the_stand_in_resizes_like_pillow_with_height_first(self):
        import_segment_anything()
        from segment_anything.utils.transforms import ResizeLongestSide

        assert ResizeLongestSide(1024).apply_image(a_photo(60, 90)).shape == (683, 1024, 3)


class TestTinyViT:
    def test_makes_a_map_at_a_sixteenth(self):
        with torch.inference_mode():
            assert tiny_vit.TinyViT().eval()(torch.zeros(1, 3, 256, 192)).shape == (1, 256, 16, 12)

    def test_folding_keeps_the_output(self):
        torch.manual_seed(0)
        encoder = tiny_vit.TinyViT()
        for module in encoder.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
        encoder.eval()
        picture = torch.randn(1, 3, 128, 128)
        with torch.inference_mode():
            before = encoder(picture)
            after = encoder.fold()(picture)
        assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in encoder.modules())
        torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-3)

    @pytest.mark.parametrize("height, width", [(14, 14), (16, 9), (7, 20)])
    def test_windows_join_to_what_was_split(self, height, width):
        x = torch.randn(2, height, width, 5)
        windows, grid = tiny_vit._split_windows(x, 7)
        assert windows.shape[1:] == (49, 5)
        assert torch.equal(tiny_vit._join_windows(windows, grid, 7, height, width), x)

    def test_distances_are_symmetric_and_count_rows_first(self):
        distances = tiny_vit._distances(7)
        assert torch.equal(distances, distances.T) and (distances.diagonal() == 0).all()
        assert distances[0, 1] == 1 and distances[0, 7] == 7 and distances[6, 42] == 6 * 7 + 6

    def test_attention_stays_within_its_window(self):
        torch.manual_seed(0)
        attention = tiny_vit.WindowAttention(32, 4, 7).eval()
        windows = torch.randn(3, 49, 32)
        changed = windows.clone()
        changed[1] = torch.randn(49, 32)
        with torch.inference_mode():
            differs = (attention(windows) - attention(changed)).abs().amax((1, 2)) > 1e-6
        assert differs.tolist() == [False, True, False]


@pytest.fixture(scope="module")
def tiny_sam():
    """A real Sam of segment-anything with a one-block encoder and random weights."""
    import_segment_anything()
    from segment_anything.modeling import ImageEncoderViT

    torch.manual_seed(0)
    model = mobile_sam.build_mobile_sam()
    norm = partial(torch.nn.LayerNorm, eps=1e-6)
    model.image_encoder = ImageEncoderViT(depth=1, embed_dim=32, num_heads=2, window_size=14, norm_layer=norm)
    return model


class TestSamSegmenter:
    @pytest.mark.parametrize("prompt", PROMPTS)
    def test_masks_have_the_photos_size(self, tiny_sam, prompt):
        segmenter = SamSegmenter("tiny", tiny_sam)
        embedding = segmenter.embed(a_photo())
        assert (embedding.height, embedding.width) == (60, 90) and embedding.size_in_bytes == 256 * 64 * 64 * 4
        try:
            candidates = segmenter.candidates(embedding, prompt)
        except SegmentationError as error:  # random weights may find nothing
            assert "No object" in str(error)
        else:
            assert all(c.mask.shape == (60, 90) and c.mask.dtype == bool and c.mask.any() for c in candidates)

    def test_the_maps_cover_the_photo_and_not_the_padding(self, tiny_sam):
        segmenter = SamSegmenter("tiny", tiny_sam)
        raw = segmenter.decode(segmenter.embed(a_photo(60, 90)), CLICK)
        assert [one.logits.shape for one in raw] == [(171, 256)] * 4

    def test_asking_agrees_with_the_packages_own_predictor(self, tiny_sam):
        segmenter = SamSegmenter("tiny", tiny_sam)
        raw = segmenter.decode(segmenter.embed(a_photo()), CLICK)
        predictor = import_segment_anything().SamPredictor(tiny_sam)
        predictor.set_image(a_photo())
        _, scores, logits = predictor.predict(np.array(CLICK.points), np.array([1]), multimask_output=True)
        np.testing.assert_allclose([one.score for one in raw[1:]], scores, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(np.stack([one.logits for one in raw[1:]]), logits[:, :171], rtol=1e-3, atol=1e-4)

    def test_asking_about_two_photos_in_two_threads_does_not_mix_them(self, tiny_sam):
        segmenter = SamSegmenter("tiny", tiny_sam)
        photos = [a_photo(60, 90), a_photo(90, 60)]
        alone = [segmenter.decode(segmenter.embed(photo), CLICK)[0].logits for photo in photos]
        together = [None, None]

        def ask(index):
            together[index] = segmenter.decode(segmenter.embed(photos[index]), CLICK)[0].logits

        threads = [threading.Thread(target=ask, args=(index,)) for index in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)

    def test_a_hundred_clicks_at_once_are_not_all_replayed(self, tiny_sam, monkeypatch):
        segmenter, decoded = SamSegmenter("tiny", tiny_sam), []
        decode = segmenter.decode
        monkeypatch.setattr(segmenter, "decode", lambda *asked: decoded.append(asked[1]) or decode(*asked))
        points = tuple((5.0 + i % 80, 30.0) for i in range(100))
        embedding = segmenter.embed(a_photo())
        segmenter._answers(embedding, Prompt(points, (True,) * 100))
        assert len(decoded) == MOST_REPLAYED + 1 and len(decoded[-1].points) == 100
        decoded.clear()
        segmenter._answers(embedding, Prompt((*points, (8.0, 9.0)), (True,) * 101))
        assert len(decoded) == 1, "what was offered is remembered"

    def test_a_click_refines_and_replaying_gives_the_same_as_remembering(self, tiny_sam):
        two = Prompt(((20.0, 30.0), (60.0, 40.0)), (True, True))
        remembering, replaying = SamSegmenter("tiny", tiny_sam), SamSegmenter("tiny", tiny_sam)
        embedding = remembering.embed(a_photo())
        remembering._answers(embedding, CLICK)
        one, other = remembering._answers(embedding, two), replaying._answers(embedding, two)
        np.testing.assert_allclose(one[0].logits, other[0].logits, rtol=1e-4, atol=1e-5)
        afresh = remembering.decode(embedding, two)
        assert not np.allclose(afresh[one[0].token].logits, one[0].logits)

    def test_what_comes_before_a_click_selects_something_or_is_nothing(self):
        assert before_last_click(CLICK) is None
        assert before_last_click(PROMPTS[2]) is None
        assert before_last_click(PROMPTS[1]).points == CLICK.points
        assert before_last_click(PROMPTS[3]).box == PROMPTS[3].box
        assert before_last_click(Prompt(((1, 1), (2, 2)), (False, True))) is None

    def test_nothing_is_remembered_of_a_photo_that_is_forgotten(self, tiny_sam):
        segmenter = SamSegmenter("tiny", tiny_sam)
        embedding = segmenter.embed(a_photo())
        segmenter._answers(embedding, CLICK)
        assert len(segmenter._offers._kept) == 1
        del embedding
        gc.collect()
        assert len(segmenter._offers._kept) == 0

    def test_another_segmenters_embedding_is_refused(self, tiny_sam):
        embedding = SamSegmenter("one", tiny_sam).embed(a_photo())
        with pytest.raises(SegmentationError, match="open the photo again"):
            SamSegmenter("two", tiny_sam).candidates(embedding, CLICK)


class TestStrictLoading:
    def test_sam_round_trips_and_refuses_what_differs(self, tiny_sam, tmp_path):
        path = tmp_path / "sam.pth"
        state = tiny_sam.state_dict()
        torch.save(state, path)
        assert sam_vit.read_weights(tiny_sam, path) is tiny_sam
        for spoilt in (dict(list(state.items())[1:]), {**state, "more": torch.zeros(1)}, "text"):
            torch.save(spoilt, path)
            with pytest.raises(ModelError, match="does not hold"):
                sam_vit.read_weights(tiny_sam, path)

    def test_mobile_sam_takes_its_own_names_and_no_others(self, tmp_path):
        path = tmp_path / "mobile_sam.pt"
        state = mobile_sam.build_mobile_sam().state_dict()
        head = {f"image_encoder.{name}": torch.zeros(1) for name in mobile_sam._CLASSIFIER}
        torch.save({**state, **head}, path)
        mobile_sam.read_weights(mobile_sam.build_mobile_sam(), path)
        torch.save({**state, **head, "image_encoder.more": torch.zeros(1)}, path)
        with pytest.raises(ModelError):
            mobile_sam.read_weights(mobile_sam.build_mobile_sam(), path)

    @pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
    def test_damaged_files_are_an_error_with_a_cure(self, tmp_path, content):
        path = tmp_path / "mobile_sam.pt"
        path.write_bytes(content)
        with pytest.raises(ModelError, match="delete it"):
            mobile_sam.read_weights(mobile_sam.build_mobile_sam(), path)

    def test_code_in_a_checkpoint_is_not_run(self, tmp_path):
        class Harmful:
            def __reduce__(self):
                return (Path.touch, (tmp_path / "harm",))

        torch.save({"image_encoder.head.bias": Harmful()}, tmp_path / "sam.pth")
        with pytest.raises(ModelError):
            mobile_sam.read_weights(torch.nn.Linear(1, 1), tmp_path / "sam.pth")
        assert not (tmp_path / "harm").exists()


TINY_SAM2 = {
    "vision_config": {
        "backbone_config": {
            "model_type": "sam2_hiera_det_model",
            "hidden_size": 8,
            "image_size": [256, 256],
            "blocks_per_stage": [1, 1, 2, 1],
            "embed_dim_per_stage": [8, 16, 32, 64],
            "num_attention_heads_per_stage": [1, 1, 1, 1],
            "global_attention_blocks": [3],
        },
        "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": [[64, 64], [32, 32], [16, 16]],
        "fpn_hidden_size": 32,
    },
    "prompt_encoder_config": {"hidden_size": 32, "image_size": 256},
    "mask_decoder_config": {"hidden_size": 32, "mlp_dim": 64, "iou_head_hidden_dim": 32, "num_attention_heads": 2},
}
TINY_MEMORY = {
    "memory_attention_hidden_size": 32,
    "memory_attention_num_layers": 1,
    "memory_attention_feed_forward_hidden_size": 32,
    "memory_encoder_hidden_size": 32,
    "memory_encoder_output_channels": 8,
    "memory_fuser_embed_dim": 32,
    "memory_fuser_intermediate_dim": 32,
    "mask_downsampler_embed_dim": 32,
}


@pytest.fixture(scope="module")
def tiny_sam2():
    """A real Sam2Model at reduced width, 256 pixels, with random weights."""
    from transformers import Sam2Config, Sam2Model

    torch.manual_seed(0)
    return Sam2Model(Sam2Config(**TINY_SAM2))


class TestSam2:
    @pytest.mark.parametrize("prompt", PROMPTS)
    def test_masks_have_the_photos_size(self, tiny_sam2, prompt):
        segmenter = sam2.Sam2Segmenter(tiny_sam2)
        embedding = segmenter.embed(a_photo())
        assert (embedding.height, embedding.width) == (60, 90) and embedding.size_in_bytes > 0
        try:
            candidates = segmenter.candidates(embedding, prompt)
        except SegmentationError as error:  # random weights may find nothing
            assert "No object" in str(error)
        else:
            assert all(c.mask.shape == (60, 90) and c.mask.any() for c in candidates)
            assert [c.score for c in candidates] == sorted((c.score for c in candidates), reverse=True)

    def test_one_click_has_three_answers_and_a_clear_prompt_one(self, tiny_sam2):
        segmenter = sam2.Sam2Segmenter(tiny_sam2)
        embedding = segmenter.embed(a_photo())
        assert [len(segmenter._decode(embedding, prompt)) for prompt in PROMPTS] == [3, 1, 1, 1]

    def test_where_the_click_is_matters(self, tiny_sam2):
        segmenter = sam2.Sam2Segmenter(tiny_sam2)
        embedding = segmenter.embed(a_photo())
        here, there = (segmenter._decode(embedding, Prompt((p,), (True,)))[0].logits for p in ((5, 5), (80, 50)))
        assert not np.allclose(here, there)

    def test_loads_strictly_from_a_folder(self, tiny_sam2, tmp_path):
        from safetensors.torch import load_file, save_file

        tiny_sam2.save_pretrained(tmp_path)
        loaded = sam2.read_model(tmp_path)
        for name, value in tiny_sam2.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], value)
        state = load_file(tmp_path / "model.safetensors")
        state.pop(next(name for name in state if name.startswith("mask_decoder")))
        save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
        with pytest.raises(ModelError, match="part of"):
            sam2.read_model(tmp_path)
        (tmp_path / "model.safetensors").write_bytes(b"damaged")
        with pytest.raises(ModelError):
            sam2.read_model(tmp_path)

    def test_loads_from_a_video_checkpoint_which_is_what_the_hub_holds(self, tmp_path):
        from transformers import Sam2VideoConfig, Sam2VideoModel

        torch.manual_seed(0)
        video = Sam2VideoModel(Sam2VideoConfig(**TINY_SAM2, **TINY_MEMORY, image_size=256))
        video.save_pretrained(tmp_path)
        expected = video.state_dict()
        for name, value in sam2.read_model(tmp_path).state_dict().items():
            assert torch.equal(value, expected[name]), name
