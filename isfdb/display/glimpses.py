"""A glimpse of a value in memory: course or heat map of an array, head of a table, a text. As HTML and as text; it loads nothing."""

from __future__ import annotations

import pprint
from dataclasses import dataclass
from typing import Any, Final

from isfdb.display import html
from isfdb.display.plots import course_svg, distribution_svg, heat_map, picture_of_pixels, sparkline
from isfdb.display.safe import escape, escape_lines, visible, visible_lines
from isfdb.display.text import table_text
from isfdb.display.words import size_text

#: What takes more in memory is not drawn: stored, it may have been small.
MOST_IN_MEMORY: Final = 256 * 10**6
ROWS: Final = 6
COLUMNS: Final = 10
_MOST_TEXT: Final = 1200
_MOST_LINES: Final = 24
_MOST_NUMBERS: Final = 12
_MOST_BYTES: Final = 128


@dataclass(frozen=True)
class Glimpse:
    """What is shown of a value.

    Attributes
    ----------
    kind : str
        ``"numbers"``, ``"table"``, ``"text"``, ``"picture"``, ``"files"``, ``"facts"``, or ``"nothing"``.
    html, text : str
        The same, for a page and for a terminal.
    note : str
        What is to be known about it: its extremes, how much more there is.
    """

    kind: str
    html: str = ""
    text: str = ""
    note: str = ""


def of_text(key: str, value: Any) -> Glimpse:
    """Show a text, a number, or any other plain value as Python writes it."""
    text = value if isinstance(value, str) else pprint.pformat(value, width=100, compact=True, sort_dicts=False)
    cut = text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}\n… ({len(text) - _MOST_TEXT:,} characters more)"
    if "\n" not in cut and len(cut) < 60:
        return Glimpse("text", f'<p class="i-scalar"><code>{escape(cut)}</code></p>', visible(cut))
    label = escape(f"value of {key}")
    box = f'<pre class="i-code" tabindex="0" role="group" aria-label="{label}">{escape_lines(cut)}</pre>'
    return Glimpse("text", box, few_lines(visible_lines(cut)))


def few_lines(text: str) -> str:
    """Return the first lines of a text, for a terminal, and how many more there are."""
    lines = text.rstrip("\n").split("\n")
    rest = len(lines) - _MOST_LINES
    return "\n".join([*lines[:_MOST_LINES], f"… {rest:,} more lines"] if rest > 0 else lines)


def of_bytes(key: str, value: bytes) -> Glimpse:
    """Show the first bytes, sixteen a line, as numbers and as letters where they are some."""
    head = bytes(value[:_MOST_BYTES])
    lines = []
    for at in range(0, len(head), 16):
        row = head[at : at + 16]
        letters = "".join([chr(byte) if 32 <= byte < 127 else "." for byte in row])
        lines.append(f"{at:06x}  {row.hex(' '):<47}  {letters}")
    rest = f"{len(value) - len(head):,} bytes more" if len(value) > len(head) else ""
    shown = "\n".join(lines)
    return Glimpse("text", html.code(shown, f"first bytes of {key}"), shown, rest)


def of_array(key: str, value: Any, *, more: str = "") -> Glimpse:
    """Show an array: few numbers as they are, many as a course, a heat map, a picture, with how often they occur.

    Parameters
    ----------
    key : str
        For labels.
    value : array
    more : str
        Why it is only a part, where it is.
    """
    import numpy as np

    if getattr(value, "nbytes", 0) > MOST_IN_MEMORY:
        return Glimpse("nothing", note=f"Not shown: it takes {size_text(value.nbytes)} in memory.")
    values = np.asarray(value)
    shown = np.array2string(values, threshold=20, edgeitems=4, max_line_width=100)
    if values.dtype.kind not in "biuf" or not values.size or values.size <= _MOST_NUMBERS:
        return Glimpse("numbers", html.code(shown, f"value of {key}"), visible_lines(shown), more)
    if values.dtype == np.uint8 and values.ndim == 3 and values.shape[2] in (3, 4) and min(values.shape[:2]) > 1:
        picture = picture_of_pixels(values, f"array {key} as a picture, {values.shape[1]} × {values.shape[0]} pixels")
        return Glimpse("picture", picture, f"a picture of {values.shape[1]} × {values.shape[0]} pixels", more)
    with np.errstate(all="ignore"):
        numbers = values.astype("float64", copy=False)
        finite = numbers[np.isfinite(numbers)]
        facts = [f"{numbers.size - finite.size:,} missing or infinite"] if finite.size < numbers.size else []
        if finite.size:
            facts = [f"smallest {finite.min():.6g}", f"mean {finite.mean():.6g}", f"largest {finite.max():.6g}", *facts]
        text = sparkline(numbers) if numbers.ndim == 1 and finite.size > 1 else _corner(values)
        note = " · ".join([*facts, *([more] if more else [])])
        return Glimpse("numbers", f'<div class="i-plots">{_plots(numbers, finite, key)}</div>', text, note)


def _corner(values: Any) -> str:
    """Return a few numbers of an array for a terminal; of more than two axes, those of its first table."""
    import numpy as np

    table = values[(0,) * max(values.ndim - 2, 0)]
    shown = visible_lines(np.array2string(table, threshold=20, edgeitems=3, precision=4, max_line_width=100))
    return shown if values.ndim < 3 else f"[{', '.join(['0'] * (values.ndim - 2))}]:\n{shown}"


def _plots(numbers: Any, finite: Any, key: str) -> str:
    if finite.size < 2:
        return ""
    first = ""
    if numbers.ndim == 1:
        first = course_svg(numbers, f"course of {key}")
    elif numbers.ndim == 2 and min(numbers.shape) > 1:
        first = heat_map(numbers, key)
    return first + distribution_svg(finite, f"distribution of {key}")


def of_frame(value: Any, shape: tuple[int, int] | None = None) -> Glimpse:
    """Show the head of a table, of pandas or of polars, with the types of its columns.

    Parameters
    ----------
    value : DataFrame, Series or Index
        The table, or its first rows and columns.
    shape : pair of int, optional
        Rows and columns of the whole.
    """
    frame = value if hasattr(value, "columns") else value.to_frame()
    if hasattr(frame, "iloc"):
        head = frame.iloc[:ROWS, :COLUMNS]
        rows = [(str(row[0]), *map(_cell, row[1:])) for row in head.itertuples(index=True, name=None)]
        types, names = ["", *map(str, head.dtypes)], [str(head.index.name or "index"), *map(str, head.columns)]
    else:
        head = frame[:ROWS, :COLUMNS]
        rows = [tuple(map(_cell, row)) for row in head.rows()]
        types, names = [str(kind) for kind in head.dtypes], [str(name) for name in head.columns]
    text = table_text([visible(name, 24) for name in names], [[visible(cell, 24) for cell in row] for row in (types, *rows)])
    return Glimpse("table", html.table(names, [types, *rows]), text, _rest(shape or frame.shape))


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _rest(shape: tuple[int, int]) -> str:
    hidden = [
        f"{shape[0] - ROWS:,} more rows" if shape[0] > ROWS else "",
        f"{shape[1] - COLUMNS:,} more columns" if shape[1] > COLUMNS else "",
    ]
    return " and ".join([words for words in hidden if words])
