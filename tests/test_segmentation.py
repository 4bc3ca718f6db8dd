"""The segmenter interface, the cache, the masks, the fallback and the table; no weights and no network."""

import threading
import time

import numpy as np
import pytest

from magicfixup_demo import hub
from magicfixup_demo.errors import Cancelled, DownloadError, ModelError, SegmentationError
from magicfixup_demo.schema import MaskCandidate, Prompt
from magicfixup_demo.segmentation import registry
from magicfixup_demo.segmentation.cache import EmbeddingCache, content_key
from magicfixup_demo.segmentation.grabcut import GrabCutSegmenter
from magicfixup_demo.segmentation.interface import Embedding, checked_prompt, found
from magicfixup_demo.segmentation.masks import (
    RawMask,
    clean_logits,
    clicked_region,
    enlarge_logits,
    interior_point,
    stability,
)
from magicfixup_demo.segmentation.ranking import Weights, distinct, features, offer_order, weighted


def click(*points, exclude=(), box=None):
    return Prompt(tuple(points) + tuple(exclude), (True,) * len(points) + (False,) * len(exclude), box)


def disc(height, width, centre, radius):
    rows, columns = np.mgrid[:height, :width]
    return (columns + 0.5 - centre[0]) ** 2 + (rows + 0.5 - centre[1]) ** 2 < radius**2


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


class CountingSegmenter:
    """Counts how often it reads a photo."""

    note = ""

    def __init__(self, name="counting", seconds=0.0, size=100):
        self.name, self.seconds, self.size, self.calls = name, seconds, size, 0

    def embed(self, photo, progress=None):
        self.calls += 1
        if progress:
            progress(0.5, "half")
        time.sleep(self.seconds)
        return Embedding(self.name, photo.shape[0], photo.shape[1], None, self.size)


def photo_of(value, height=4, width=6):
    return np.full((height, width, 3), value, np.uint8)


class TestPrompt:
    @pytest.mark.parametrize("point", [(-0.1, 5), (100, 5), (5, -1), (5, 50), (float("nan"), 5), (5, float("inf"))])
    def test_a_click_outside_is_refused_and_named(self, point):
        with pytest.raises(SegmentationError, match="outside the photo of 100 x 50"):
            checked_prompt(click(point), 100, 50)

    def test_clicks_on_the_border_pixels_are_inside(self):
        checked_prompt(click((0, 0), (99.9, 49.9)), 100, 50)

    @pytest.mark.parametrize("prompt", [Prompt(), click(exclude=[(1, 1)])])
    def test_nothing_to_include_is_refused(self, prompt):
        with pytest.raises(SegmentationError, match="click on an object"):
            checked_prompt(prompt, 100, 50)

    def test_a_box_is_clipped_to_the_photo(self):
        assert checked_prompt(click(box=(-10, 5, 20, 500)), 100, 50).box == (0, 5, 20, 50)

    @pytest.mark.parametrize(
        "box", [(10, 10, 10, 20), (20, 10, 10, 20), (200, 0, 300, 20), (float("nan"), 0, 5, 5), (0, 0, float("inf"), 5)]
    )
    def test_an_empty_or_foreign_box_is_refused(self, box):
        with pytest.raises(SegmentationError):
            checked_prompt(click(box=box), 100, 50)

    def test_every_point_needs_a_label(self):
        with pytest.raises(SegmentationError):
            checked_prompt(Prompt(((1, 1), (2, 2)), (True,)), 100, 50)

    def test_too_many_clicks_are_refused(self):
        with pytest.raises(SegmentationError, match="at most"):
            checked_prompt(click(*[(1, 1)] * 101), 100, 50)

    def test_empty_masks_are_dropped_and_nothing_found_is_an_error(self):
        empty, full = np.zeros((2, 2), bool), np.ones((2, 2), bool)
        assert [c.score for c in found([MaskCandidate(empty, 0.9), MaskCandidate(full, 0.1)])] == [0.1]
        with pytest.raises(SegmentationError, match="No object was found"):
            found([MaskCandidate(empty, 0.9)])


class TestCache:
    def test_the_same_content_is_read_once(self):
        cache, segmenter = EmbeddingCache(), CountingSegmenter()
        first = cache.embed(segmenter, photo_of(1))
        assert cache.embed(segmenter, photo_of(1).copy()) is first
        assert segmenter.calls == 1

    def test_content_shape_and_segmenter_all_count(self):
        keys = {content_key("a", photo_of(1)), content_key("a", photo_of(2)), content_key("b", photo_of(1))}
        keys.add(content_key("a", photo_of(1, 6, 4)))  # the same bytes in another shape
        assert len(keys) == 4

    def test_a_view_has_the_key_of_its_copy(self):
        view = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)[::2, ::-1]
        assert content_key("a", view) == content_key("a", view.copy())

    def test_callers_at_the_same_time_share_one_reading(self):
        cache, segmenter, answers = EmbeddingCache(), CountingSegmenter(seconds=0.1), []
        threads = [
            threading.Thread(target=lambda: answers.append(cache.embed(segmenter, photo_of(7)))) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert segmenter.calls == 1 and len(answers) == 6 and len({id(answer) for answer in answers}) == 1

    def test_the_least_recently_used_goes_first(self):
        cache, segmenter = EmbeddingCache(max_bytes=250), CountingSegmenter(size=100)
        for value in (1, 2, 1, 3):  # 2 is the one not used lately
            cache.embed(segmenter, photo_of(value))
        assert len(cache) == 2 and cache.size_in_bytes == 200
        calls = segmenter.calls
        cache.embed(segmenter, photo_of(1))
        assert segmenter.calls == calls
        cache.embed(segmenter, photo_of(2))
        assert segmenter.calls == calls + 1

    def test_what_nobody_opens_for_long_is_forgotten(self):
        now = [0.0]
        cache, segmenter = EmbeddingCache(kept_seconds=600, clock=lambda: now[0]), CountingSegmenter()
        for now[0], value in ((0, 1), (100, 2), (500, 1), (700, 3)):
            cache.embed(segmenter, photo_of(value))
        cache.sweep()
        assert len(cache) == 2 and segmenter.calls == 3
        cache.embed(segmenter, photo_of(1))
        assert segmenter.calls == 3, "1 was opened again meanwhile"

    def test_forgotten_at_once_where_nobody_has_it_open(self):
        cache, segmenter = EmbeddingCache(), CountingSegmenter()
        mine, other = cache.embed(segmenter, photo_of(1)), cache.embed(segmenter, photo_of(2))
        cache.forget([mine, None])
        assert len(cache) == 1 and cache.embed(segmenter, photo_of(2)) is other
        assert cache.embed(segmenter, photo_of(1)) is not mine

    def test_one_embedding_over_the_bound_is_still_kept(self):
        cache, segmenter = EmbeddingCache(max_bytes=10), CountingSegmenter(size=100)
        cache.embed(segmenter, photo_of(1))
        cache.embed(segmenter, photo_of(1))
        assert segmenter.calls == 1

    def test_a_cancelled_reading_leaves_nothing_behind(self):
        def cancel(_fraction, _text):
            raise Cancelled("Stopped.")

        cache, segmenter = EmbeddingCache(), CountingSegmenter()
        with pytest.raises(Cancelled):
            cache.embed(segmenter, photo_of(1), cancel)
        assert len(cache) == 0
        cache.embed(segmenter, photo_of(1))
        assert segmenter.calls == 2


class TestMasks:
    def test_enlarging_keeps_shape_and_place(self):
        small = np.where(disc(64, 64, (20, 30), 10), 5.0, -5.0).astype(np.float32)
        mask = enlarge_logits(small, (0.125, 0.125), 512, 512)
        assert iou(mask, disc(512, 512, (160, 240), 80)) > 0.96  # the small map is coarse

    def test_enlarging_by_one_is_the_threshold(self):
        logits = np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)
        assert (enlarge_logits(logits, (1.0, 1.0), 50, 40) == (logits > 0)).all()

    def test_a_mask_at_every_border_reaches_every_border(self):
        assert enlarge_logits(np.ones((16, 16), np.float32), (0.1, 0.1), 155, 153).all()

    def test_nothing_positive_gives_an_empty_mask(self):
        assert not enlarge_logits(-np.ones((16, 16), np.float32), (0.1, 0.1), 160, 160).any()

    def test_specks_and_pinholes_go_but_the_edge_stays(self):
        inside = disc(100, 100, (50, 50), 30)
        noisy = inside.copy()
        noisy[5, 5] = True
        noisy[50, 50] = False
        cleaned = clean_logits(np.where(noisy, 2.0, -2.0).astype(np.float32), (), ())
        assert ((cleaned > 0) == inside).all()

    def test_clicks_protect_small_regions(self):
        noisy = disc(100, 100, (50, 50), 30)
        noisy[5, 5], noisy[50, 50] = True, False
        points, labels = ((5.5, 5.5), (50.5, 50.5)), (True, False)
        cleaned = clean_logits(np.where(noisy, 2.0, -2.0).astype(np.float32), points, labels)
        assert ((cleaned > 0) == noisy).all()

    def test_one_click_selects_the_region_it_lies_in(self):
        left, right = disc(100, 100, (25, 50), 15), disc(100, 100, (75, 50), 15)
        logits = np.where(left | right, 3.0, -3.0).astype(np.float32)
        assert ((clicked_region(logits, (25.5, 50.5)) > 0) == left).all()
        assert ((clicked_region(logits, (75.5, 50.5)) > 0) == right).all()
        assert (clicked_region(logits, (50.5, 5.5)) == logits).all()

    def test_two_large_parts_both_stay(self):
        parts = disc(100, 100, (25, 50), 15) | disc(100, 100, (75, 50), 15)
        assert ((clean_logits(np.where(parts, 1.0, -1.0).astype(np.float32), (), ()) > 0) == parts).all()

    def test_the_interior_point_is_the_middle(self):
        assert np.hypot(*np.subtract(interior_point(disc(100, 120, (70, 40), 20)), (70, 40))) < 2

    def test_the_interior_point_keeps_away_from_the_border(self):
        x, y = interior_point(np.ones((101, 101), bool))
        assert abs(x - 50) <= 1 and abs(y - 50) <= 1

    def test_stability_is_the_share_that_any_threshold_keeps(self):
        sure = np.where(disc(50, 50, (25, 25), 10), 9.0, -9.0)
        assert stability(sure) == 1.0
        sure[0, :20] = 0.5
        assert stability(sure) < 1.0
        assert stability(np.full((5, 5), -9.0)) == 0.0


def raw(inside, score, token=1):
    return RawMask(np.where(inside, 8.0, -8.0).astype(np.float32), score, token)


class TestRanking:
    small, large = disc(64, 64, (32, 32), 4), disc(64, 64, (32, 32), 20)

    def test_without_weights_the_decoders_guess_decides(self):
        masks = [raw(self.small, 0.9), raw(self.large, 0.8)]
        assert weighted(features(masks), Weights()) == pytest.approx([0.9, 0.8])

    def test_one_click_prefers_the_larger_of_two_about_equally_sure_masks(self):
        masks = [raw(self.small, 0.91), raw(self.large, 0.9)]
        assert offer_order(masks, click((32, 32))) == masks[::-1]

    def test_a_mask_that_the_decoder_doubts_does_not_win_by_its_size(self):
        masks = [raw(self.small, 0.95), raw(self.large, 0.2)]
        assert offer_order(masks, click((32, 32))) == masks

    @pytest.mark.parametrize("prompt", [click((32, 32), (40, 32)), click(box=(10, 10, 50, 50))])
    def test_a_clear_prompt_leaves_it_to_the_decoder(self, prompt):
        masks = [raw(self.large, 0.9), raw(self.small, 0.91)]
        assert offer_order(masks, prompt) == masks[::-1]

    @pytest.mark.parametrize("prompt", [click((32, 32), (40, 32)), click(box=(10, 10, 50, 50))])
    def test_a_clear_prompt_offers_the_mask_made_for_clear_prompts(self, prompt):
        masks = [raw(self.small, 0.9), raw(self.large, 0.2, token=0)]
        assert offer_order(masks, prompt) == masks[::-1]

    def test_agreement_is_the_mean_overlap_with_the_others(self):
        values = features([raw(self.small, 0.9), raw(self.small, 0.8), raw(self.large, 0.7)])
        assert values[0, 2] == values[1, 2] > values[2, 2]
        assert values[0, 2] == pytest.approx((1 + iou(self.small, self.large)) / 2)

    def test_empty_masks_are_finite(self):
        assert np.isfinite(features([raw(np.zeros((64, 64), bool), 0.9), raw(self.small, 0.5)])).all()

    def test_repetitions_are_dropped_and_the_better_one_kept(self):
        masks = [raw(self.large, 0.9), raw(self.large, 0.8), raw(self.small, 0.7)]
        assert distinct(masks) == [masks[0], masks[2]]


class TestGrabCut:
    photo = np.where(disc(120, 160, (80, 60), 25)[..., None], (220, 40, 30), (30, 120, 60)).astype(np.uint8)
    photo = np.clip(photo + np.random.default_rng(0).normal(0, 6, photo.shape), 0, 255).astype(np.uint8)
    truth = disc(120, 160, (80, 60), 25)

    @pytest.mark.parametrize("prompt", [click((80, 60)), click(box=(45, 25, 115, 95))])
    def test_finds_a_disc_of_another_colour(self, prompt):
        segmenter = GrabCutSegmenter()
        best = segmenter.candidates(segmenter.embed(self.photo), prompt)[0]
        assert best.mask.shape == (120, 160) and best.mask.dtype == bool and iou(best.mask, self.truth) > 0.9

    def test_the_same_click_gives_the_same_mask(self):
        segmenter = GrabCutSegmenter()
        embedding = segmenter.embed(self.photo)
        first, second = (segmenter.candidates(embedding, click((80, 60)))[0].mask for _ in range(2))
        assert (first == second).all()

    def test_large_photos_come_back_at_their_size(self):
        segmenter = GrabCutSegmenter()
        photo = np.repeat(np.repeat(self.photo, 8, 0), 8, 1)
        best = segmenter.candidates(segmenter.embed(photo), click((640, 480)))[0]
        assert best.mask.shape == photo.shape[:2] and iou(best.mask[4::8, 4::8], self.truth) > 0.9

    @pytest.mark.parametrize("point", [(0, 0), (159, 119)])
    def test_corners_and_flat_photos_do_not_crash(self, point):
        segmenter = GrabCutSegmenter()
        mask = segmenter.candidates(segmenter.embed(photo_of(90, 120, 160)), click(point))[0].mask
        assert mask[int(point[1]), int(point[0])]

    def test_an_excluded_click_is_not_in_the_mask(self):
        segmenter = GrabCutSegmenter()
        mask = segmenter.candidates(segmenter.embed(self.photo), click((80, 60), exclude=[(80, 45)]))[0].mask
        assert mask[60, 80] and not mask[45, 80]

    def test_says_that_it_is_a_fallback(self):
        assert "fallback" in GrabCutSegmenter.note and "\n" not in GrabCutSegmenter.note


class TestRegistry:
    def test_an_unknown_name_is_refused_with_the_names_that_exist(self):
        with pytest.raises(ModelError, match="mobile-sam"):
            registry.load_segmenter("sam9")

    def test_every_entry_states_licence_and_size(self):
        assert set(registry.SEGMENTERS) == {"mobile-sam", "sam2-tiny", "sam-vit-b", "sam-vit-h", "grabcut"}
        for info in registry.SEGMENTERS.values():
            assert info.description and info.licence and info.megabytes >= 0

    @pytest.mark.parametrize(
        "available, chosen",
        [(("sam2-tiny", "mobile-sam"), "sam2-tiny"), (("mobile-sam",), "mobile-sam"), ((), "grabcut")],
    )
    def test_auto_takes_the_best_that_can_be_had(self, monkeypatch, available, chosen):
        def loader(name):
            def load(_progress):
                if name not in available:
                    raise DownloadError("out of reach")
                return CountingSegmenter(name)

            return load

        for name in ("sam2-tiny", "mobile-sam"):
            info = registry.SEGMENTERS[name]
            monkeypatch.setitem(
                registry.SEGMENTERS, name, registry.SegmenterInfo(info.description, info.licence, 1, loader(name))
            )
        assert registry.load_segmenter("auto").name == chosen

    def test_cancelling_a_download_does_not_fall_through_to_another_model(self, monkeypatch):
        def cancelled(_progress):
            raise Cancelled("Stopped.")

        info = registry.SEGMENTERS["sam2-tiny"]
        monkeypatch.setitem(
            registry.SEGMENTERS, "sam2-tiny", registry.SegmenterInfo(info.description, info.licence, 1, cancelled)
        )
        with pytest.raises(Cancelled):
            registry.load_segmenter("auto")

    def test_a_named_model_out_of_reach_is_an_error_not_another_model(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.setattr(hub, "_in_the_hubs_cache", lambda wanted: None)
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        for name in ("sam-vit-b", "sam2-tiny"):
            with pytest.raises(DownloadError, match="HF_HUB_OFFLINE"):
                registry.load_segmenter(name)
