"""The previews of a page, within what it may load and embed. Loads only formats that run no code; how each looks, `display` knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from isfdb import reading
from isfdb.display import html
from isfdb.display.descriptions import described
from isfdb.display.files_shown import picture_of
from isfdb.display.glimpses import of_array, of_frame, of_text
from isfdb.display.pictures import Pictures
from isfdb.display.safe import escape
from isfdb.display.summaries import UNREADABLE
from isfdb.display.words import size_text
from isfdb.errors import UntrustedDataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from isfdb.entry import Version

#: Larger values are described, not loaded.
MAX_BYTES: Final = 64 * 10**6
#: Of all values that a page loads.
MAX_PAGE_BYTES: Final = 2 * 10**9


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
        if (picture := picture_of(version)) is not None:
            return self.pictures.of(*picture, what.anchor)
        show = _SHOWN_BY.get(dumper)
        if show is None:
            return _told(version)
        if version.nbytes > min(MAX_BYTES, self._left):
            return _note(f"Not loaded for this page: {size_text(version.nbytes)}.") + _told(version)
        self._left -= version.nbytes
        return show(what, _value(version, dumper))


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


def _text(what: Shown, value: Any) -> str:
    return of_text(what.key, value).html


def _array(what: Shown, value: Any) -> str:
    shown = of_array(what.key, value)
    return shown.html + (_note(shown.note) if shown.note else "")


def _frame(what: Shown, value: Any) -> str:
    shown = of_frame(value)
    return shown.html + (_note(shown.note) if shown.note else "")


_SHOWN_BY: Final[dict[str, Callable[[Shown, Any], str]]] = {
    "to_json": _text,
    "python_to_json": _text,
    "to_numpy_scalar": _text,
    "numpy_to_npy": _array,
    "numpy_to_zarr": _array,
    "pandas_to_parquet": _frame,
    "pandas_to_arrow": _frame,
    "polars_to_parquet": _frame,
}
