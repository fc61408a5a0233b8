"""A glimpse of a value: head of a table, course or heat map of an array, a figure, a text. Loads only formats that run no code."""

from __future__ import annotations

import pprint
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from isfdb import reading
from isfdb.display import html
from isfdb.display.descriptions import described
from isfdb.display.safe import escape, escape_lines
from isfdb.display.summaries import UNREADABLE
from isfdb.display.words import size_text
from isfdb.errors import UntrustedDataError
from isfdb.reporting.pictures import Pictures
from isfdb.reporting.plots import course_svg, distribution_svg, heat_map, picture_of_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from isfdb.entry import Version

#: Larger values are described, not loaded.
MAX_BYTES: Final = 64 * 10**6
#: Of all values that a page loads.
MAX_PAGE_BYTES: Final = 2 * 10**9
_ROWS, _COLUMNS = 6, 10
_MOST_TEXT: Final = 1200
_MOST_NUMBERS: Final = 12


@dataclass(frozen=True)
class Shown:
    """A value that is to be shown."""

    key: str
    anchor: str
    version: Version
    value: Any = None


class Previews:
    """What a page shows of values, within what it may load and embed."""

    def __init__(self) -> None:
        self.pictures = Pictures()
        self._left = MAX_PAGE_BYTES

    def of(self, key: str, anchor: str, version: Version) -> str:
        """Return HTML that shows something of the value, or says why nothing is shown."""
        try:
            return self._shown(Shown(key, anchor, version))
        except UntrustedDataError:
            return _note("Not loaded: reading it would run code that is not known to be yours.")
        except (*UNREADABLE, OverflowError, MemoryError) as error:
            # A page about a damaged database must still come out, and say what is damaged.
            return f'<p class="i-bad">It cannot be shown: {escape(error, 300)}</p>'

    def _shown(self, what: Shown) -> str:
        version = what.version
        if version.reclaimed:
            return _note("Its data was reclaimed; what made it is still on record.")
        dumper = str(version.dumper)
        if dumper in _PICTURE_FILES:
            return self._picture(what, _PICTURE_FILES[dumper])
        if dumper == "attachment":
            return self._attached(what)
        show = _SHOWN_BY.get(dumper)
        if show is None:
            return _told(version)
        if version.nbytes > min(MAX_BYTES, self._left):
            return _note(f"Not loaded for this page: {size_text(version.nbytes)}.") + _told(version)
        self._left -= version.nbytes
        return show(what, _value(version, dumper))

    def _picture(self, what: Shown, name: str) -> str:
        titles = what.version.describe.get("titles")
        about = f": {'; '.join(map(str, titles))}" if isinstance(titles, list) and titles else ""
        kind = "Figure" if name == "figure.png" else "Image"
        return self.pictures.of(what.version.path / name, f"{kind} {what.key}{about}", what.anchor)

    def _attached(self, what: Shown) -> str:
        name = what.version.describe.get("name")
        if what.version.describe.get("type") != "file" or not isinstance(name, str) or Path(name).name != name:
            return _told(what.version)
        path = what.version.path / "attached" / name
        if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".gif", ".webp"):
            return _told(what.version)
        return self.pictures.of(path, f"Attached picture {what.key}: {name}", what.anchor)


def _value(version: Version, dumper: str) -> Any:
    """Load a value without a note that something was made from it."""
    key_folder = version._folder.rpartition("/")[0]
    found = reading.find(version._storage, key_folder, version.key, version.number)
    if found.spec.name != dumper:
        raise ValueError(f"its record says it was stored by {dumper}, its Loader.json names {found.spec.name}")
    return reading.load(version._storage, found, version.key, database_id="", trusted=False, options={})


def _note(text: str) -> str:
    return f'<p class="i-muted">{escape(text)}</p>'


def _told(version: Version) -> str:
    """Show what is known of a value without loading it."""
    told = described(version.describe)
    tables = [html.table(one.names, [*one.rows, *([("…",)] if one.is_cut else [])]) for one in told.tables]
    return (html.facts(told.facts) if told.facts else "") + "".join(tables)


def _plain(what: Shown, value: Any) -> str:
    text = value if isinstance(value, str) else pprint.pformat(value, width=100, compact=True, sort_dicts=False)
    label = f"value of {what.key}"
    cut = text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}\n… ({len(text) - _MOST_TEXT:,} characters more)"
    if "\n" not in cut and len(cut) < 60:
        return f'<p class="r-scalar"><code>{escape(cut)}</code></p>'
    return f'<pre class="i-code" tabindex="0" role="group" aria-label="{escape(label)}">{escape_lines(cut)}</pre>'


def _array(what: Shown, value: Any) -> str:
    import numpy as np

    if getattr(value, "nbytes", 0) > 4 * MAX_BYTES:  # compressed, it was small
        return _note(f"Not shown: it takes {size_text(value.nbytes)} in memory.")
    values = np.asarray(value)
    if values.dtype.kind not in "biuf" or not values.size or values.size <= _MOST_NUMBERS:
        return html.code(np.array2string(values, threshold=20, edgeitems=4, max_line_width=100), f"value of {what.key}")
    if values.dtype == np.uint8 and values.ndim == 3 and values.shape[2] in (3, 4) and min(values.shape[:2]) > 1:
        return picture_of_pixels(values, f"array {what.key} as a picture, {values.shape[1]} × {values.shape[0]} pixels")
    with np.errstate(all="ignore"):
        numbers = values.astype("float64", copy=False)
        finite = numbers[np.isfinite(numbers)]
        facts = [f"{numbers.size - finite.size:,} missing or infinite"] if finite.size < numbers.size else []
        if finite.size:
            facts = [f"smallest {finite.min():.6g}", f"mean {finite.mean():.6g}", f"largest {finite.max():.6g}", *facts]
        return f'<div class="r-plots">{_plots(numbers, finite, what.key)}</div>{_note(" · ".join(facts))}'


def _plots(numbers: Any, finite: Any, key: str) -> str:
    if finite.size < 2:
        return ""
    first = ""
    if numbers.ndim == 1:
        first = course_svg(numbers, f"course of {key}")
    elif numbers.ndim == 2 and min(numbers.shape) > 1:
        first = heat_map(numbers, key)
    return first + distribution_svg(finite, f"distribution of {key}")


def _frame(what: Shown, value: Any) -> str:
    frame = value if hasattr(value, "columns") else value.to_frame()
    if hasattr(frame, "iloc"):
        head = frame.iloc[:_ROWS, :_COLUMNS]
        rows = [(str(row[0]), *map(_cell, row[1:])) for row in head.itertuples(index=True, name=None)]
        types, names = ["", *map(str, head.dtypes)], [str(head.index.name or "index"), *map(str, head.columns)]
    else:
        head = frame[:_ROWS, :_COLUMNS]
        rows = [tuple(map(_cell, row)) for row in head.rows()]
        types, names = [str(kind) for kind in head.dtypes], [str(name) for name in head.columns]
    return html.table(names, [types, *rows]) + _rest(frame.shape)


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _rest(shape: tuple[int, int]) -> str:
    hidden = [
        f"{shape[0] - _ROWS:,} more rows" if shape[0] > _ROWS else "",
        f"{shape[1] - _COLUMNS:,} more columns" if shape[1] > _COLUMNS else "",
    ]
    return _note(" and ".join([words for words in hidden if words])) if any(hidden) else ""


_PICTURE_FILES: Final = {"figure": "figure.png", "altair_to_json": "figure.png", "pillow_to_png": "data.png"}

_SHOWN_BY: Final[dict[str, Callable[[Shown, Any], str]]] = {
    "to_json": _plain,
    "python_to_json": _plain,
    "to_numpy_scalar": _plain,
    "numpy_to_npy": _array,
    "numpy_to_zarr": _array,
    "pandas_to_parquet": _frame,
    "pandas_to_arrow": _frame,
    "polars_to_parquet": _frame,
}
