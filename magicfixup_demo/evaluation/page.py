"""A report as a page of pictures: DIR/index.html over the files of pictures.py. No script, nothing from elsewhere."""

from html import escape
from pathlib import Path
from urllib.parse import quote

from magicfixup_demo.evaluation.methods import is_ours
from magicfixup_demo.evaluation.statistics import BEST
from magicfixup_demo.evaluation.tables import Cells, by_region, overview, relative, versus

WORST = 10

STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #222; background: #fff; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.scroll { overflow-x: auto; }
.pair { display: flex; flex-wrap: wrap; gap: .6rem; align-items: flex-end; }
figure { margin: 0; width: 15rem; }
figure.ours figcaption { font-weight: 600; }
img { width: 15rem; min-height: 4rem; background: #eee; display: block; }
figcaption { font-size: 13px; }
h3 { font-size: 14px; margin: 1.2rem 0 .3rem; font-weight: 600; }
"""


def write_page(report: dict, folder: Path) -> None:
    """Write ``folder``/index.html: tables, then one row of pictures per pair, the worst ten first."""
    ours = our_method(report["methods"])
    rows = sorted(report["rows"], key=lambda row: badness(row, ours), reverse=True)
    body = [
        f"<h1>{report['pairs']} pairs</h1>",
        f"<p>{escape(_how_to_read(report, ours))}</p>",
        *_tables(report, ours),
        f"<h2>The worst {min(WORST, len(rows))}</h2>",
        *(_row(row, report, ours) for row in rows[:WORST]),
        *(["<h2>The rest, worst first</h2>"] if len(rows) > WORST else []),
        *(_row(row, report, ours) for row in rows[WORST:]),
    ]
    head = f'<meta charset="utf-8"><title>{report["pairs"]} pairs</title><style>{STYLE}</style>'
    lines = ["<!doctype html>", '<html lang="en">', f"<head>{head}</head>", "<body>", *body, "</body>", "</html>", ""]
    (folder / "index.html").write_text("\n".join(lines))


def our_method(methods: list[str]) -> str:
    """The first model of ours that is whole; the last method where there is none."""
    return next((name for name in methods if is_ours(name) and "~" not in name), methods[-1])


def badness(row: dict, ours: str) -> float:
    """LPIPS of ours minus that of the pair's best other method: in the hole, or over the whole where there is none."""
    values = row["values"]
    metric = "lpips_hole" if "lpips_hole" in values[ours] else "lpips_whole"
    others = [value[metric] for name, value in values.items() if not is_ours(name) and name != ours]
    return values[ours][metric] - min(others, default=0.0)


def _how_to_read(report: dict, ours: str) -> str:
    parts = [
        "Under each picture: LPIPS over the whole picture, then in the hole; lower is better.",
        f"Worst first: LPIPS of {ours} in the hole minus that of the pair's best other method (over the whole picture "
        "where there is no hole). Magenta: the hole.",
    ]
    if report["sdedit_best"]:
        parts.append(f"{BEST} is {report['sdedit_best']}, the one with the lowest LPIPS on these pairs.")
    parts += [f"Left out: {name}. {why}" for name, why in report.get("left_out", {}).items()]
    return " ".join(parts)


def _tables(report: dict, ours: str) -> list[str]:
    parts = []
    for group, summary in report["summary"].items():
        cells = [overview(report, group), versus(report, group, ours), relative(report, group, ours)]
        cells += [by_region(report, group, metric) for metric in ("ssim", "psnr")]
        inside = "".join(f'<div class="scroll">{_table(lines)}</div>' for lines in cells)
        title = f"<summary>{escape(group)}: {summary['pairs']} pairs</summary>"
        parts.append(f"<details{' open' if group == 'all' else ''}>{title}{inside}</details>")
    return parts


def _table(cells: Cells) -> str:
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in cells[0])]
    lines += ["".join(f"<td>{escape(cell)}</td>" for cell in line) for line in cells[1:]]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _row(row: dict, report: dict, ours: str) -> str:
    methods = [name for name in report["methods"] if name != BEST]
    figures = [_figure(row, name, name) for name in ("reference", "edit")]
    figures += [_figure(row, name, _caption(name, row["values"][name]), name == ours) for name in methods]
    figures.append(_figure(row, "target", "target"))
    title = f"{row['pair']} ({row['kind']}), {ours} minus the best other: {badness(row, ours):+.3f}"
    return f'<h3>{escape(title)}</h3>\n<div class="pair">{"".join(figures)}</div>'


def _figure(row: dict, name: str, caption: str, ours: bool = False) -> str:
    address = quote(f"{row['pair']}/{name}.jpg")
    picture = f'<a href="{address}"><img loading="lazy" src="{address}" alt="{escape(name)}"></a>'
    return f"<figure{' class=ours' if ours else ''}>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def _caption(name: str, values: dict) -> str:
    hole = f", hole {values['lpips_hole']:.3f}" if "lpips_hole" in values else ""
    return f"{name}: {values['lpips_whole']:.3f}{hole}"
