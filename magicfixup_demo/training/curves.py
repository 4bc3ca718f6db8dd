"""curve.png: the loss and the validation distances of a run over its steps."""

from pathlib import Path

import cv2
import numpy as np

from magicfixup_demo.training.journal import records

WIDTH, HEIGHT = 900, 280  # pixels of one panel
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 26, 24  # margins of its plot
FAR = 2.0
GREY = (90, 90, 90)
COLOURS = ((30, 90, 200), (215, 120, 20), (40, 150, 70), (190, 40, 60), (130, 70, 170), (110, 110, 110))

Series = dict[str, tuple[np.ndarray, np.ndarray]]  # name -> (steps, values), rising in steps


def draw_curves(run: Path) -> np.ndarray:
    """The panels of a run, one below the other: (H, W, 3) uint8. Reads log.jsonl and validation.jsonl."""
    log, validation = records(run / "log.jsonl"), records(run / "validation.jsonl")
    names = [key for key in (validation[-1] if validation else {}) if key != "step"]
    panels = [draw_panel("training loss, smoothed", {"loss": _smooth(*_series(log, "loss"))})]
    for region, title in (("all", "validation LPIPS, whole picture"), ("hole", "validation LPIPS, hole")):
        chosen = {name.removesuffix(f" {region}"): name for name in names if name.endswith(f" {region}")}
        panels.append(draw_panel(title, {label: _series(validation, name) for label, name in chosen.items()}))
    return np.vstack(panels)


def draw_panel(title: str, series: Series) -> np.ndarray:
    """One plot with a legend that says the last values: (HEIGHT, WIDTH, 3) uint8.

    Values beyond FAR times the lowest are drawn at the upper edge, so that one poor method does not flatten the rest.
    """
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    _write(picture, title, (LEFT, 16), (20, 20, 20))
    given = {name: (steps, values) for name, (steps, values) in series.items() if len(steps)}
    if not given:
        return picture
    steps, values = (np.concatenate(parts) for parts in zip(*given.values(), strict=True))
    across, up = _range(steps), _range(np.minimum(values, FAR * values.min()) if values.min() > 0 else values)
    for fraction in (0.0, 0.5, 1.0):
        y = round(HEIGHT - BOTTOM - fraction * (HEIGHT - TOP - BOTTOM))
        cv2.line(picture, (LEFT, y), (WIDTH - RIGHT, y), (225, 225, 225), 1)
        _write(picture, f"{up[0] + fraction * (up[1] - up[0]):.3f}", (4, y + 4))
    _write(picture, f"step {across[0]:.0f}", (LEFT, HEIGHT - 8))
    _write(picture, f"{across[1]:.0f}", (WIDTH - RIGHT - 50, HEIGHT - 8))
    for i, (name, (xs, ys)) in enumerate(given.items()):
        colour = COLOURS[i % len(COLOURS)]
        heights = _scaled(np.clip(ys, *up), up, (HEIGHT - BOTTOM, TOP))
        _draw(picture, _scaled(xs, across, (LEFT, WIDTH - RIGHT)), heights, colour)
        _write(picture, f"{name} {ys[-1]:.4f}", (LEFT + 250 + 128 * i, 16), colour)
    return picture


def _draw(picture: np.ndarray, xs: np.ndarray, ys: np.ndarray, colour: tuple[int, int, int]) -> None:
    points = np.stack([xs, ys], axis=1).round().astype(np.int32)
    cv2.polylines(picture, [points], False, colour, 1, cv2.LINE_AA)
    if len(points) <= 60:
        for x, y in points.tolist():
            cv2.circle(picture, (x, y), 2, colour, -1, cv2.LINE_AA)


def _series(lines: list[dict], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values where the value is a number (it is none where no pair has a hole)."""
    kept = [(line["step"], line[key]) for line in lines if line.get(key) is not None and np.isfinite(line[key])]
    return np.array([step for step, _ in kept], float), np.array([value for _, value in kept], float)


def _smooth(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A running mean over about 2 % of the values."""
    window = max(1, len(values) // 50)
    if window == 1:
        return steps, values
    return steps, np.convolve(np.pad(values, (window - 1, 0), "edge"), np.ones(window) / window, "valid")


def _range(values: np.ndarray) -> tuple[float, float]:
    """Lowest and highest, apart from each other even where all are the same."""
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _scaled(values: np.ndarray, inside: tuple[float, float], outside: tuple[int, int]) -> np.ndarray:
    share = (values - inside[0]) / (inside[1] - inside[0])
    return outside[0] + share * (outside[1] - outside[0])


def _write(picture: np.ndarray, text: str, place: tuple[int, int], colour: tuple[int, int, int] = GREY) -> None:
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, 1, cv2.LINE_AA)
