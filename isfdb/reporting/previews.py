"""A glimpse of a value: head of a frame, course and distribution of an array, a figure. Loads only formats that run no code."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isfdb.display import html
from isfdb.display.safe import escape
from isfdb.display.summaries import UNREADABLE
from isfdb.display.words import size_text
from isfdb.reporting.plots import course_svg, distribution_svg

if TYPE_CHECKING:
    from collections.abc import Callable

#: Larger values are described, not loaded.
MAX_BYTES = 64 * 10**6
_MAX_PICTURE_BYTES = 5 * 10**6
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ROWS, _COLUMNS = 6, 10


def preview(db: Any, key: str) -> str:
    """Return HTML that shows something of the value, or says why nothing is shown."""
    try:
        version = db.entry(key).newest
        if version.reclaimed:
            return _note("Its data was reclaimed; what made it is still on record.")
        show = _SHOWN_BY.get(str(version.dumper))
        if show is None:
            return ""
        if version.nbytes > MAX_BYTES:
            return _note(f"Not loaded for this page: {size_text(version.nbytes)}.")
        return show(db, key, version)
    except UNREADABLE as error:
        # A page about a damaged database must still come out, and say what is damaged.
        return f'<p class="i-bad">It cannot be shown: {escape(error, 300)}</p>'


def _note(text: str) -> str:
    return f'<p class="i-muted">{escape(text)}</p>'


def _plain(db: Any, key: str, _version: Any) -> str:
    return html.code(repr(db[key])[:2000], f"value of {key}")


def _array(db: Any, key: str, _version: Any) -> str:
    import numpy as np

    values = np.asarray(db[key])
    if values.dtype.kind not in "biuf" or not values.size:
        return html.code(np.array2string(values, threshold=20), f"value of {key}")
    with np.errstate(all="ignore"):
        numbers = values.astype("float64", copy=False)
        finite = numbers[np.isfinite(numbers)]
        facts = [("missing or infinite", f"{numbers.size - finite.size:,}" if finite.size < numbers.size else "")]
        if finite.size:
            facts = [("smallest", f"{finite.min():.6g}"), ("mean", f"{finite.mean():.6g}"), ("largest", f"{finite.max():.6g}"), *facts]
    plots = ""
    if finite.size > 1:
        course = course_svg(numbers, f"course of {key}") if values.ndim == 1 else ""
        plots = f'<div class="r-plots">{course}{distribution_svg(finite, f"distribution of {key}")}</div>'
    return plots + html.facts(facts)


def _frame(db: Any, key: str, _version: Any) -> str:
    frame = db[key]
    if not hasattr(frame, "columns"):
        frame = frame.to_frame()
    head = frame.iloc[:_ROWS, :_COLUMNS]
    names = ["", *(f"{name}" for name in head.columns)]
    rows = [("", *(f"{dtype}" for dtype in head.dtypes)), *((str(label), *map(_cell, row)) for label, row in _rows(head))]
    return html.table(names, rows) + _rest(frame.shape)


def _rows(head: Any) -> list[tuple[Any, tuple[Any, ...]]]:
    return [(row[0], tuple(row[1:])) for row in head.itertuples(index=True, name=None)]


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _rest(shape: tuple[int, int]) -> str:
    hidden = [
        f"{shape[0] - _ROWS:,} more rows" if shape[0] > _ROWS else "",
        f"{shape[1] - _COLUMNS:,} more columns" if shape[1] > _COLUMNS else "",
    ]
    return _note(" and ".join(words for words in hidden if words)) if any(hidden) else ""


def _figure(db: Any, key: str, version: Any) -> str:
    return _picture(db, key, version, "figure.png")


def _image(db: Any, key: str, version: Any) -> str:
    return _picture(db, key, version, "data.png")


def _picture(_db: Any, key: str, version: Any, name: str) -> str:
    picture = _png(version, name)
    if picture is None:
        return _note("The stored picture is no PNG, or too large for a page.")
    titles = version.describe.get("titles")
    about = f", {'; '.join(map(str, titles))}" if isinstance(titles, list) and titles else ""
    data = base64.b64encode(picture).decode("ascii")
    kind = "Figure" if name == "figure.png" else "Image"
    return f'<p><img class="r-picture" alt="{escape(f"{kind} {key}{about}", 300)}" src="data:image/png;base64,{data}"></p>'


def _png(version: Any, name: str) -> bytes | None:
    # Only what begins as a PNG is embedded: an SVG can carry a script. A link could lead out of the database.
    path = Path(version.path) / name
    try:
        status = path.lstat()
    except FileNotFoundError:  # an image of another format
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_PICTURE_BYTES:
        return None
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
        data = file.read(_MAX_PICTURE_BYTES)
    return data if data.startswith(_PNG_SIGNATURE) else None


_SHOWN_BY: dict[str, Callable[[Any, str, Any], str]] = {
    "to_json": _plain,
    "to_numpy_scalar": _plain,
    "numpy_to_npy": _array,
    "numpy_to_zarr": _array,
    "pandas_to_parquet": _frame,
    "figure": _figure,
    "pillow_to_png": _image,
}
