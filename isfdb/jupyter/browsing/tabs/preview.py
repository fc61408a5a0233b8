"""The tab Preview: something of the value itself. How it is read depends on the format; nothing is read whole that is large."""

from __future__ import annotations

import pprint
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from isfdb.display import html
from isfdb.display.descriptions import described
from isfdb.display.pictures import Pictures
from isfdb.display.safe import escape, escape_lines
from isfdb.display.words import size_text
from isfdb.errors import UntrustedDataError
from isfdb.jupyter.browsing.tabs.arrays import ArraySource, ArrayView, array_html, described_source
from isfdb.jupyter.browsing.tabs.frames import FrameSource, FrameView, frame_html
from isfdb.jupyter.browsing.tabs.pieces import Notice, column, note, piece, problem
from isfdb.jupyter.browsing.tabs.subject import Subject

if TYPE_CHECKING:
    from isfdb.entry import Version

#: What cannot be read in part is read whole up to this size.
MAX_BYTES: Final = 64 * 10**6
_MOST_TEXT: Final = 20_000

#: Formats that give a part by ``select=``: arrays by an index, tables by a slice of rows.
_ARRAYS: Final = frozenset({"numpy_to_npy", "numpy_to_zarr", "numpy_masked_to_npy", "numpy_strings_to_arrow", "dask_to_zarr"})
_TABLES: Final = frozenset({"pandas_to_parquet", "pandas_to_arrow", "polars_to_parquet", "arrow_to_ipc"})
_PLAIN: Final = frozenset({"to_json", "python_to_json", "to_numpy_scalar", "to_bytes"})
_PICTURES: Final = {"figure": "figure.png", "altair_to_json": "figure.png", "pillow_to_png": "data.png"}


@dataclass(frozen=True)
class Shown:
    """What is shown of a value: a view that can be turned, or HTML.

    Attributes
    ----------
    body : str
        HTML.
    source : ArraySource, FrameSource or None
    """

    body: str = ""
    source: ArraySource | FrameSource | None = None


def tab(subject: Subject) -> Any:
    """Return the widget."""
    notice = Notice()
    shown = _shown(subject)
    view = _view(shown.source, notice) if shown.source is not None else None
    return column(notice.widget, view, piece(shown.body) if shown.body else None)


def _view(source: ArraySource | FrameSource, notice: Notice) -> Any:
    return (ArrayView(source, notice) if isinstance(source, ArraySource) else FrameView(source, notice)).widget


def static(subject: Subject) -> str:
    """Return what is shown first as HTML."""
    shown = _shown(subject)
    source = shown.source
    if isinstance(source, ArraySource):
        return array_html(source, [0] * len(source.leading), 1) + shown.body
    return (frame_html(source, 1) if source is not None else "") + shown.body


def _shown(subject: Subject) -> Shown:
    version = subject.version
    if version.reclaimed:
        return Shown(note("Its data was reclaimed; what made it is still on record: see the other tabs.") + told_of(version))
    try:
        return _by_format(subject, version)
    except UntrustedDataError as error:
        return Shown(untrusted(error) + told_of(version))


def untrusted(error: UntrustedDataError) -> str:
    """Return why a value is not loaded, and what to do."""
    return problem(error)


def _by_format(subject: Subject, version: Version) -> Shown:
    dumper = str(version.dumper)
    if dumper in _PICTURES:
        return Shown(_picture(version, _PICTURES[dumper]))
    if dumper == "attachment":
        return Shown(attached(version))
    is_table = dumper in _TABLES or (dumper == "appended" and "index" in version.describe)
    if is_table:
        return _table(subject, version)
    if dumper in _ARRAYS or dumper == "appended":
        return _array(subject, version)
    if dumper in _PLAIN:
        return _whole(subject, version)
    return Shown(told_of(version))


def _array(subject: Subject, version: Version) -> Shown:
    source = described_source(version.describe, subject.key, lambda index: _computed(subject.load(version=version.number, select=index)))
    return Shown(source=source) if source is not None else Shown(told_of(version))


def _computed(part: Any) -> Any:
    """Return a part that is in memory; a lazy one is computed here, in this thread, for it is small."""
    return part.compute(scheduler="synchronous") if hasattr(part, "compute") else part


def _table(subject: Subject, version: Version) -> Shown:
    number = version.number
    empty = _computed(subject.load(version=number, select=slice(0, 0)))
    shape = version.describe.get("shape")
    n_rows = shape[0] if isinstance(shape, list) and shape and type(shape[0]) is int else 0
    labels = tuple(getattr(empty, "column_names", getattr(empty, "columns", ())))

    def read(first: int, last: int, columns: list[Any] | None) -> Any:
        chosen = {} if columns is None else {"columns": columns}
        return _computed(subject.load(version=number, select=slice(first, last), **chosen))

    return Shown(source=FrameSource(subject.key, n_rows, labels, read))


def _whole(subject: Subject, version: Version) -> Shown:
    if version.nbytes > MAX_BYTES:
        return Shown(note(f"Not loaded to be looked at: it takes {size_text(version.nbytes)}.") + told_of(version))
    return Shown(plain(subject.load(version=version.number), subject.key))


def plain(value: Any, label: str) -> str:
    """Return a text, a number or a small container as it is written, cut where it is long."""
    text = value if isinstance(value, str) else pprint.pformat(value, width=100, compact=True, sort_dicts=False)
    if "\n" not in text and len(text) < 60:
        return f"<p><code>{escape(text)}</code></p>"
    body = escape_lines(text, _MOST_TEXT)
    return f'<pre class="i-code" tabindex="0" role="group" aria-label="{escape(f"value of {label}")}">{body}</pre>'


def _picture(version: Version, name: str) -> str:
    titles = version.describe.get("titles")
    about = f": {'; '.join(map(str, titles))}" if isinstance(titles, list) and titles else ""
    kind = "Figure" if name == "figure.png" else "Image"
    return _narrow(Pictures().of(version.path / name, f"{kind} {version.key}{about}", ""))


def _narrow(picture: str) -> str:
    return picture.replace('class="i-picture"', 'style="max-width:100%;height:auto;background:#fff;border-radius:4px"')


def attached(version: Version) -> str:
    """Return what is attached: its name and size, where it lies, and the picture if it is one."""
    name = version.describe.get("name")
    if not isinstance(name, str) or Path(name).name != name:
        return told_of(version)
    path = version.path / "attached" / name
    facts = html.facts([("attached", name), ("size", size_text(version.nbytes)), ("lies at", str(path))])
    is_picture = version.describe.get("type") == "file" and path.suffix.lower() in (".png", ".jpg", ".jpeg", ".gif", ".webp")
    return facts + (_narrow(Pictures().of(path, f"Attached picture {version.key}: {name}", "")) if is_picture else "")


def told_of(version: Version) -> str:
    """Return what is known of a value without loading it."""
    known = described(version.describe)
    tables = [html.table(one.names, [*one.rows, *([("…",)] if one.is_cut else [])]) for one in known.tables]
    return (html.facts(known.facts) if known.facts else "") + "".join(tables)
