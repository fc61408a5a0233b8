"""A drawing as SVG: no script, no outside asset, every text escaped, colours from the front end where it is shown in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from isfdb.display.safe import escape, escape_lines, visible, width
from isfdb.display.words import count_text
from isfdb.tracing.drawing import Drawing, Drawn, shortened
from isfdb.tracing.layered import Placed, place

_LABEL_COLUMNS: Final = 30
_DETAIL_COLUMNS: Final = 32
_LABEL_PX, _DETAIL_PX = 7.4, 6.5  # of a column: wide enough for the fonts that front ends have
_HEIGHT: Final = 40.0
_PAD: Final = 10.0
_MARGIN: Final = 8.0

#: Where a front end sets no colours, text has the surrounding one and fainter tones are mixed from it.
_IN_A_PAGE: Final = """
.isfdb-graph{--g-fg:var(--i-fg,currentColor);--g-muted:var(--i-muted,currentColor);--g-line:var(--i-line,#8888);
--g-soft:var(--i-soft,#8881);--g-accent:var(--i-accent,#1f6feb);--g-bad:var(--i-bad,#c9302c)}
"""
#: A picture of its own has a background, for it may be laid on anything; it is dark where the reader's system is.
_ALONE: Final = """
.isfdb-graph{--g-back:#fff;--g-fg:#1f2328;--g-muted:#59636e;--g-line:#b7bec6;--g-soft:#f2f4f6;--g-accent:#0969da;--g-bad:#c9302c;
background:var(--g-back)}
@media(prefers-color-scheme:dark){.isfdb-graph{--g-back:#151b23;--g-fg:#e6edf3;--g-muted:#9198a1;--g-line:#4a535e;--g-soft:#212830;
--g-accent:#4493f8;--g-bad:#ff7b72}}
"""
_STYLE: Final = """
.isfdb-graph text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--g-fg)}
.isfdb-graph .g-label{font-size:12px;font-weight:600}
.isfdb-graph .g-detail{font-size:10.5px;fill:var(--g-muted)}
.isfdb-graph .g-box{fill:none;stroke:var(--g-line);stroke-width:1.2}
.isfdb-graph .g-value .g-box{stroke:var(--g-accent)}
.isfdb-graph .g-activity .g-box,.isfdb-graph .g-group .g-box{fill:var(--g-soft);stroke:none}
.isfdb-graph .g-group .g-label{font-weight:400}
.isfdb-graph .g-start .g-box{stroke-width:2.6}
.isfdb-graph .g-unknown .g-box{stroke:var(--g-muted);stroke-dasharray:2 3;stroke-width:1.2}
.isfdb-graph .g-stale .g-box,.isfdb-graph .g-changed .g-box{stroke:var(--g-bad);stroke-width:1.6}
.isfdb-graph .g-stale .g-box{stroke-dasharray:7 3}
.isfdb-graph .g-mark{fill:var(--g-bad);font-weight:600}
.isfdb-graph .g-arrow{fill:none;stroke:var(--g-muted);stroke-width:1.2;opacity:.75}
.isfdb-graph .g-faint{stroke-width:.8;opacity:.45}
.isfdb-graph .g-dashed{stroke-dasharray:5 4}
.isfdb-graph .g-head{fill:var(--g-muted);opacity:.75}
"""


#: What a page with several pictures carries once: see `styled` of :func:`svg`.
GRAPH_STYLE: Final = (_IN_A_PAGE + _STYLE).strip().replace("\n", "")
_STYLE_ALONE: Final = (_ALONE + _STYLE).strip().replace("\n", "")


def svg(drawing: Drawing, title: str, *, alone: bool, styled: bool = True, link: Callable[[Drawn], str] | None = None) -> str:
    """Return a drawing as SVG text.

    Parameters
    ----------
    title : str
        What a screen reader says first.
    alone : bool
        It is to be a file of its own, not a part of a page.
    styled : bool
        It brings its style along. A page with hundreds of pictures has ``GRAPH_STYLE`` once instead.
    link : callable, optional
        Gives the address a box leads to, or an empty text.
    """
    lines = [_lines(box) for box in drawing.boxes]
    sizes = [(_width(one), _HEIGHT) for one in lines]
    placed = place(sizes, [(arrow.before, arrow.after) for arrow in drawing.arrows])
    width_px, height_px = placed.width + 2 * _MARGIN, placed.height + 2 * _MARGIN
    parts = [_arrow(drawing, number, sizes, placed) for number in range(len(drawing.arrows))]
    boxes = [_box(box, text, size, at) for box, text, size, at in zip(drawing.boxes, lines, sizes, placed.boxes, strict=True)]
    addresses = [link(box) if link else "" for box in drawing.boxes]
    parts += [f'<a href="{escape(to, 20_000)}">{box}</a>' if to else box for box, to in zip(boxes, addresses, strict=True)]
    role = "group" if any(addresses) else "img"  # what is in a picture cannot be reached with the keyboard
    style = f"<style>{_STYLE_ALONE if alone else GRAPH_STYLE}</style>" if styled else ""
    about = escape(f"{title}: {count_text(len(drawing.boxes), 'box', 'boxes')}", 300)
    return (
        f'<svg class="isfdb-graph" xmlns="http://www.w3.org/2000/svg" role="{role}" aria-label="{about}" width="{width_px:.0f}" '
        f'height="{height_px:.0f}" viewBox="{-_MARGIN:g} {-_MARGIN:g} {width_px:.0f} {height_px:.0f}">{style}'
        f"{''.join(parts)}</svg>"
    )


def _lines(box: Drawn) -> tuple[str, str, str]:
    """Return the label, the mark and the detail of a box, each as it fits."""
    mark = {"stale": "stale", "changed": "changed", "unknown": "?"}.get(box.mark, "")
    room = _DETAIL_COLUMNS - (len(mark) + 3 if mark else 0)
    return shortened(box.label, _LABEL_COLUMNS), mark, visible(box.detail, room)


def _width(lines: tuple[str, str, str]) -> float:
    label, mark, detail = lines
    below = width(f"{mark} · {detail}" if mark and detail else mark or detail)
    return max(width(label) * _LABEL_PX, below * _DETAIL_PX, 48.0) + 2 * _PAD


def _box(box: Drawn, lines: tuple[str, str, str], size: tuple[float, float], at: tuple[float, float]) -> str:
    (x, y), (w, h) = at, size
    label, mark, detail = lines
    names = " ".join([f"g-{box.kind}", *([f"g-{box.mark}"] if box.mark else []), *(["g-start"] if box.is_start else [])])
    below = bool(mark or detail)
    told = f'<tspan class="g-mark">{escape(mark)}</tspan>' if mark else ""
    told += escape(f" · {detail}" if mark and detail else detail)
    second = f'<text class="g-detail" x="{x + _PAD:.1f}" y="{y + 13:.1f}">{told}</text>' if below else ""
    first = f'<text class="g-label" x="{x + _PAD:.1f}" y="{y - 2 if below else y + 4:.1f}">{escape(label)}</text>'
    return f'<g class="{names}"><title>{escape_lines(box.title, 1500)}</title>{_outline(box.kind, x, y - h / 2, w, h)}{first}{second}</g>'


def _outline(kind: str, x: float, y: float, w: float, h: float) -> str:
    if kind == "file":  # a sheet with a folded corner
        path = f"M{x:.1f} {y:.1f}h{w - 10:.1f}l10 10v{h - 10:.1f}h{-w:.1f}z"
        return f'<path class="g-box" d="{path}"/><path class="g-box" d="M{x + w - 10:.1f} {y:.1f}v10h10"/>'
    rounding = {"activity": h / 2.6, "value": 6.0, "group": 3.0}.get(kind, 0.0)
    return f'<rect class="g-box" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{rounding:g}"/>'


def _arrow(drawing: Drawing, number: int, sizes: Sequence[tuple[float, float]], placed: Placed) -> str:
    arrow = drawing.arrows[number]
    x, y = placed.boxes[arrow.before]
    end_x, end_y = placed.boxes[arrow.after]
    if end_x < x and "group" in (drawing.boxes[arrow.before].kind, drawing.boxes[arrow.after].kind):
        return ""  # among those counted together are causes and effects of this box: no arrow can say so
    points = [(x + sizes[arrow.before][0], y), *placed.routes[number], (end_x - 6, end_y)]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(points):
        bend = max(abs(x2 - x1) / 2, 12.0)
        straight = f"L{x2:.1f} {y2:.1f}"
        path += straight if y1 == y2 and x2 > x1 else f"C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    style = f"g-arrow g-{arrow.style}" if arrow.style else "g-arrow"
    head = f'<path class="g-head" d="M{end_x:.1f} {end_y:.1f}l-7 -3.5v7z"/>'
    return f'<path class="{style}" d="{path}"/>{head}'
