"""``entry.preview()``: a small picture of a stored value, bounded in bytes and time. It runs no code, and nobody made anything from it.

Every other representation reads records only. This one is asked for, and may read data.
"""

from __future__ import annotations

import contextvars
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from isfdb.display import html
from isfdb.display.descriptions import described
from isfdb.display.files_shown import of_attachment, of_folder, of_picture, picture_of
from isfdb.display.glimpses import MOST_IN_MEMORY, Glimpse
from isfdb.display.parts_read import TooLargeError, way_to_read
from isfdb.display.safe import escape, visible
from isfdb.display.style import PREVIEW_STYLE
from isfdb.display.summaries import UNREADABLE
from isfdb.display.text import pairs_text, table_text
from isfdb.display.words import duration_text, size_text, what_text
from isfdb.errors import TooLargeError as MemoryRefusedError
from isfdb.errors import UntrustedDataError
from isfdb.memory import at_most
from isfdb.options import set_options

if TYPE_CHECKING:
    from collections.abc import Callable

#: Of a value that is larger, a part is read where its format can do that.
MAX_BYTES: Final = 16 * 10**6
#: After so long a preview is given up.
MAX_S: Final = 10.0


@dataclass(frozen=True)
class Preview:
    """What a stored value looks like; prints as text and shows as HTML.

    Attributes
    ----------
    key : str
    version : int
    what : str
        Type, shape and dtype, in words.
    kind : str
        ``"numbers"``, ``"table"``, ``"text"``, ``"picture"``, ``"files"``, ``"facts"`` (what is noted, nothing was loaded), or
        ``"nothing"``.
    text : str
        For a terminal.
    body : str
        For a page, as pieces of HTML without a style.
    note : str
        What is to be known: extremes, how much more there is, why nothing is shown.
    """

    key: str
    version: int
    what: str
    kind: str
    text: str = ""
    body: str = ""
    note: str = ""

    @property
    def html(self) -> str:
        """The preview as HTML that stands alone in a notebook."""
        return html.fragment(f"<style>{PREVIEW_STYLE}</style>", html.heading(f"{self.key}@{self.version}", self.what), *self.parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The same without heading and style, for a page that has its own."""
        return self.body, f'<p class="i-muted">{escape(self.note, 600)}</p>' if self.note else ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        facts = {"key": self.key, "version": self.version, "what": self.what, "kind": self.kind}
        return {**facts, "text": self.text, "note": self.note or None}

    def __str__(self) -> str:
        head = f"{visible(self.key)}@{self.version}  {visible(self.what)}"
        return "\n".join([line for line in (head, self.text, visible(self.note, 600)) if line])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.html}


def preview_of(
    version: Any, load: Callable[..., Any], *, runs_code: bool = False, max_bytes: int = MAX_BYTES, max_s: float = MAX_S
) -> Preview:
    """Show something of a stored value, or say why nothing is shown; it raises nothing but what the user causes.

    Parameters
    ----------
    version : Version
    load : callable
        Called with options of the loaderdumper, it returns the value, or raises UntrustedDataError where that would run code.
    runs_code : bool
        Loading it would run code.
    max_bytes : int
        To read at most; much less suffices mostly.
    max_s : float
        After so many seconds nothing is shown. A read that hangs goes on in the background and is forgotten.
    """
    shown = _in_time(lambda: _glimpse(version, load, max_bytes, runs_code=runs_code), max_s)
    if shown.kind in ("facts", "nothing") and not shown.html:
        told = _noted(version)
        shown = Glimpse(shown.kind, told.html, told.text, shown.note)
    what = "deleted" if version.deleted else what_text(version.describe, version.dumper or "")
    return Preview(version.key, version.number, what, shown.kind, shown.text, shown.html, shown.note)


def _in_time(show: Callable[[], Glimpse], max_s: float) -> Glimpse:
    """Run `show` in a thread that nobody waits for longer than that: a file server that hangs must not hang a notebook."""
    found: list[Glimpse | BaseException] = []

    def run() -> None:
        try:
            with set_options(capture=False), at_most(MOST_IN_MEMORY):  # to look at a value is not to use it
                found.append(show())
        except BaseException as error:  # noqa: BLE001 - it is raised again by whoever waits
            found.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="isfdb-preview", daemon=True)
    thread.start()
    thread.join(max_s)
    if not found:
        return Glimpse("nothing", note=f"Not shown: it could not be read within {duration_text(max_s)}.")
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def _glimpse(version: Any, load: Callable[..., Any], max_bytes: int, *, runs_code: bool) -> Glimpse:
    if version.deleted:
        return Glimpse("nothing", note="It was deleted.")
    if version.reclaimed:
        return Glimpse("facts", note="Its data was reclaimed; what made it is still on record.")
    try:
        if runs_code:
            raise UntrustedDataError("a preview runs no code")
        return _shown(version, load, max_bytes)
    except TooLargeError:
        return Glimpse("facts", note=f"Not loaded: {size_text(version.nbytes)}, and its format cannot be read in part.")
    except MemoryRefusedError as error:
        return Glimpse("facts", note=f"Not loaded: {visible(error, 300)}")
    except UntrustedDataError:
        return Glimpse("facts", note="Not loaded: reading it would run code, and a preview never does.")
    except (*UNREADABLE, ImportError, ArithmeticError, MemoryError, LookupError) as error:
        # Whatever a damaged or foreign file makes a library raise: a preview says it in a line.
        return Glimpse("nothing", note=f"It cannot be shown: {type(error).__name__}: {visible(error, 300)}")


def _shown(version: Any, load: Callable[..., Any], max_bytes: int) -> Glimpse:
    if (picture := picture_of(version)) is not None:
        return of_picture(*picture)
    dumper = str(version.dumper)
    if dumper == "attachment":
        return of_attachment(version)
    if dumper == "folder":
        return of_folder(version.path / "files")
    way = way_to_read(dumper)
    if way is not None:
        return way(version, load, max_bytes)
    return Glimpse("facts", note=f"Not loaded: there is no preview for what {dumper} stores.")


def _noted(version: Any) -> Glimpse:
    """Show what is known of a value without loading it."""
    told = described({} if version.deleted else version.describe)
    tables = [(one.title, one.names, [*one.rows, *([("…",)] if one.is_cut else [])]) for one in told.tables]
    shown = html.facts(told.facts) if told.facts else ""
    shown += "".join([f'<span class="i-muted">{escape(title)}</span>{html.table(names, rows)}' for title, names, rows in tables])
    texts = [pairs_text(told.facts)] if told.facts else []
    for title, names, rows in tables:
        texts.append(f"{visible(title)}\n{table_text(names, [(*row, *[''] * (len(names) - len(row))) for row in rows])}")
    return Glimpse("facts", shown, "\n".join(texts))
