"""Optical flow between two frames of a shot, and the filters on it. Flow is (H, W, 2) float32, (dx, dy) in pixels.

OpenCV's DIS (arXiv 1603.03590), which needs no weights. Between frames that lie seconds apart DIS alone loses whatever
turns or moves far. So the flow of neighbouring frames is chained along the shot, and DIS starts from the chain and
corrects its drift on the two frames themselves. Each pixel takes what looks better, since DIS compares upright patches
and makes a large turn worse.
"""

import math

import cv2
import numpy as np

from magicfixup_demo.engine.conditioning import largest_channel

REFERENCE_SIDE = 512  # the paper states its motion limits in pixels of a 512 picture
LEAST_MOTION = 50.0  # 95th percentile; below it the pair is static
MOST_MOTION = 300.0  # 90th percentile; above it the pair is too violent
BLUR = 2.5  # pixels: likeness is judged after this blur, so that a shift of a pixel or two does not count
STEPS_PER_SECOND = 8  # of a chain: enough for fast motion, and no slower on a clip of 60 frames a second


def optical_flow(source: np.ndarray, target: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    """Where each source pixel goes in the target; (H, W, 3) uint8 twice -> (H, W, 2) float32.

    ``start``: a first guess, (H, W, 2) float32, which is left as it is.
    """
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (source, target)]
    return estimator.calc(*grey, None if start is None else np.ascontiguousarray(start).copy())


class ShotFlow:
    """Flow between any two frames of one shot: set once, ask many; the steps between neighbours are kept."""

    def __init__(self, frames: list[np.ndarray], rate: float):
        """frames: (H, W, 3) uint8 each; rate: frames per second."""
        self.frames, self.stride = frames, max(1, round(rate / STEPS_PER_SECOND))
        self._small = [cv2.cvtColor(_halved(frame), cv2.COLOR_RGB2GRAY) for frame in frames]
        self._estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._steps: dict[tuple[int, int], np.ndarray] = {}

    def between(self, source: int, target: int) -> np.ndarray:
        """Flow from frame ``source`` to frame ``target``, in either direction of time."""
        stride = self.stride if target > source else -self.stride
        stations = [*range(source, target, stride), target]
        total = np.zeros((*self._small[0].shape, 2), np.float32)
        for here, there in zip(stations, stations[1:], strict=False):
            total += follow(self._step(here, there), total)
        height, width = self.frames[0].shape[:2]
        start = cv2.resize(total, (width, height), interpolation=cv2.INTER_LINEAR)
        start *= np.float32([width / total.shape[1], height / total.shape[0]])
        refined = optical_flow(self.frames[source], self.frames[target], start)
        before, after = (
            difference(follow(self.frames[target], flow), self.frames[source]) for flow in (start, refined)
        )
        return np.where((after <= before)[..., None], refined, start)

    def _step(self, here: int, there: int) -> np.ndarray:
        if (here, there) not in self._steps:
            self._steps[here, there] = self._estimator.calc(self._small[here], self._small[there], None)
        return self._steps[here, there]


def follow(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """What lies in ``picture`` ((H, W) or (H, W, C)) where each pixel's flow ends; the border is repeated outside."""
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def difference(picture: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(H, W) float32 grey levels: the largest over the channels, blurred; (H, W, 3) uint8 twice."""
    apart = cv2.GaussianBlur(cv2.subtract(picture, target, dtype=cv2.CV_32F), (0, 0), BLUR)
    return largest_channel(np.abs(apart))


def ends_inside(flow: np.ndarray) -> np.ndarray:
    """(H, W) bool: True where the flow ends inside the picture."""
    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width]
    to_x, to_y = x + flow[..., 0], y + flow[..., 1]
    return (to_x >= 0) & (to_x <= width - 1) & (to_y >= 0) & (to_y <= height - 1)


def consistency(flow: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """(H, W) bool: True where following the flow and coming back ends within 2 pixels of the start."""
    there_and_back = np.linalg.norm(flow + follow(backward, flow), axis=2)
    return ends_inside(flow) & (there_and_back < 2.0 + 0.05 * np.linalg.norm(flow, axis=2))


def motion_is_useful(flow: np.ndarray, least: float = LEAST_MOTION) -> bool:
    """The paper's filters: neither static nor too violent, in pixels of a picture of 512 x 512 pixels' area."""
    scale = REFERENCE_SIDE / math.sqrt(flow.shape[0] * flow.shape[1])
    length = np.linalg.norm(flow[::4, ::4], axis=2) * scale
    return np.percentile(length, 95) >= least and np.percentile(length, 90) <= MOST_MOTION


def median15(flow: np.ndarray) -> np.ndarray:
    """A 15 x 15 median of each component: at a third of the size with OpenCV's 5 x 5 (its largest for floats)."""
    height, width = flow.shape[:2]
    small = cv2.resize(flow, (max(5, width // 3), max(5, height // 3)), interpolation=cv2.INTER_NEAREST)
    filtered = np.dstack([cv2.medianBlur(np.ascontiguousarray(small[..., i]), 5) for i in range(2)])
    return cv2.resize(filtered, (width, height), interpolation=cv2.INTER_LINEAR)


def _halved(frame: np.ndarray) -> np.ndarray:
    return cv2.resize(frame, (frame.shape[1] // 2, frame.shape[0] // 2), interpolation=cv2.INTER_AREA)
