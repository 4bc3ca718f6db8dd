"""A report as tables: lines of cells, the first line the titles; and as Markdown, for README and model card."""

from collections.abc import Callable

from magicfixup_demo.evaluation.regions import REGIONS

TITLES = {"lpips": "LPIPS", "ssim": "SSIM", "psnr": "PSNR", "exact": "exact"}
DIGITS = {"lpips": 3, "ssim": 3, "psnr": 1, "exact": 4}

Cells = list[list[str]]


def table(report: dict, group: str = "all") -> str:
    """Markdown of one group of pairs: each method's LPIPS by region, then SSIM, PSNR and the exact share."""
    return markdown(overview(report, group))


def overview(report: dict, group: str) -> Cells:
    """What ``table`` shows. exact: the share of untouched pixels that are the reference photo's, bit for bit."""
    columns = [("lpips", region) for region in REGIONS] + [("ssim", "whole"), ("psnr", "whole"), ("exact", "")]
    return _means(report, group, columns)


def by_region(report: dict, group: str, metric: str) -> Cells:
    """One metric (lpips, ssim or psnr) of one group by region."""
    return _means(report, group, [(metric, region) for region in REGIONS])


def versus(report: dict, group: str, ours: str, metric: str = "lpips") -> Cells:
    """``ours`` minus each other method, with its 95 % interval, by region."""
    return _against(report, group, ours, metric, "minus", _difference)


def relative(report: dict, group: str, ours: str, metric: str = "lpips") -> Cells:
    """``ours`` over each other method, with its 95 % interval, by region: 0.80 = a fifth lower."""
    return _against(report, group, ours, metric, "over", _ratio)


def markdown(cells: Cells) -> str:
    """A Markdown table, numbers to the right."""
    rule = "|---" + "|---:" * (len(cells[0]) - 1) + "|"
    lines = ["| " + " | ".join(line) + " |" for line in cells]
    return "\n".join([lines[0], rule, *lines[1:]])


def _means(report: dict, group: str, columns: list[tuple[str, str]]) -> Cells:
    chosen = report["summary"][group]
    lines = [["method", *(f"{TITLES[metric]} {region}".strip() for metric, region in columns)]]
    for name in report["methods"]:
        entries = [(metric, chosen.get(f"{metric}_{region}".rstrip("_"))) for metric, region in columns]
        lines.append([name, *(f"{e[name]['mean']:.{DIGITS[metric]}f}" if e else "" for metric, e in entries)])
    return lines


def _against(report: dict, group: str, ours: str, metric: str, how: str, cell: Callable[..., str]) -> Cells:
    """A line for each other method: ``cell`` (_difference or _ratio) of ours and it, in each region."""
    others = [name for name in report["methods"] if name != ours]
    lines = [[other, *(cell(report, group, f"{metric}_{r}", ours, other) for r in REGIONS)] for other in others]
    return [[f"{TITLES[metric]}: {ours} {how}", *REGIONS], *lines]


def _difference(report: dict, group: str, metric: str, ours: str, other: str) -> str:
    entry = report["summary"][group].get(metric)
    if not entry:
        return ""
    low, high = entry[ours]["difference"][other]
    return f"{entry[ours]['mean'] - entry[other]['mean']:+.3f} ({low:+.3f} to {high:+.3f})"


def _ratio(report: dict, group: str, metric: str, ours: str, other: str) -> str:
    entry = report["summary"][group].get(metric)
    if not entry or entry[ours]["ratio"][other] is None:
        return ""
    value, low, high = entry[ours]["ratio"][other]
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
