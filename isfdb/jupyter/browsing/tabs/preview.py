"""The tab Preview: something of the value itself. How it is read depends on the format; nothing is read whole that is large."""

from __future__ import annotations

import pprint
import stat
from base64 import b64encode
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from isfdb.display import html
from isfdb.display.glimpses import MOST_IN_MEMORY
from isfdb.display.safe import escape, escape_lines
from isfdb.display.style import PREVIEW_STYLE
from isfdb.display.words import size_text
from isfdb.errors import UntrustedDataError
from isfdb.jupyter.browsing.tabs.arrays import ArraySource, ArrayView, array_html
from isfdb.jupyter.browsing.tabs.containers import parts_of, place_of, tree_html
from isfdb.jupyter.browsing.tabs.frames import FrameSource, FrameView, frame_html
from isfdb.jupyter.browsing.tabs.pieces import Notice, button, column, fitted, guarded, note, piece, problem, row
from isfdb.jupyter.browsing.tabs.sources import MAX_BYTES, READ_IN_PARTS, source_of, value_source, variable_source, variables_of
from isfdb.jupyter.browsing.tabs.subject import Subject, within
from isfdb.memory import at_most
from isfdb.parts import needs_of
from isfdb.storage.isf import IsfStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isfdb.entry import Version

    #: Makes what is shown of a part of a value, by its name.
    Show = Callable[[str], "ArraySource | FrameSource | str"]

_MOST_TEXT: Final = 20_000
_MOST_MEMBERS: Final = 2_000
#: A larger file is not put into the page to be saved from it.
_MOST_SAVED: Final = 2 * 10**6
_PLAIN: Final = frozenset({"to_json", "python_to_json", "to_numpy_scalar"})
#: What is shown of them is all there is to see, or reading them gives no more.
_WHOLE: Final = _PLAIN | {"altair_to_json", "attachment", "figure", "folder", "pillow_to_png", "shared_numpy_store"}


def tab(subject: Subject) -> Any:
    """Return the widget."""
    version, notice = subject.version, Notice()
    if version.reclaimed:
        return piece(static(subject))
    if needs_of(str(version.dumper), {}).runs_code:
        return _running_code(subject, version, notice)
    names, shown = _members(subject, version)
    if names:
        return _choice(names, shown, notice)
    first = shown("")
    below = _view(first, notice)
    is_told_only = isinstance(first, str) and str(version.dumper) not in _WHOLE and version.nbytes <= MAX_BYTES
    return _loading(subject, version, below, notice) if is_told_only else column(notice.widget, below)


def static(subject: Subject) -> str:
    """Return what is shown first as HTML."""
    version = subject.version
    if version.reclaimed or needs_of(str(version.dumper), {}).runs_code:
        return (problem_of_trust(subject, version) or "") + version.preview(max_bytes=0).body
    return _first(_members(subject, version)[1](""))


def _first(shown: ArraySource | FrameSource | str) -> str:
    if isinstance(shown, ArraySource):
        return array_html(shown, [0] * len(shown.leading), 1)
    return frame_html(shown, 1) if isinstance(shown, FrameSource) else shown


def _view(shown: ArraySource | FrameSource | str, notice: Notice) -> Any:
    if isinstance(shown, ArraySource):
        return ArrayView(shown, notice).widget
    return FrameView(shown, notice).widget if isinstance(shown, FrameSource) else piece(shown)


def _choice(names: list[str], shown: Show, notice: Notice) -> Any:
    """Return a widget in which one of several parts is chosen; before that all of them are told."""
    import ipywidgets as widgets

    options = [("all of it", ""), *[(name[:120], name) for name in names]]
    chosen = fitted(widgets.Dropdown(options=options, value="", description="part", tooltip="which part of the value to show"))
    below = widgets.VBox(layout={"width": "100%"})

    def draw() -> None:
        notice.say("")
        below.children = [_view(shown(chosen.value), notice)]

    chosen.observe(guarded(notice, draw), "value")
    guarded(notice, draw)(None)
    return column(row(chosen), notice.widget, below)


def _members(subject: Subject, version: Version) -> tuple[list[str], Show]:
    """Return the names of the parts that can be shown for themselves, and what shows one of them, or with no name all of it."""
    dumper, describe = str(version.dumper), version.describe
    if dumper == "containers_to_parts":
        parts = parts_of(describe)
        return list(parts), lambda name: _part(subject, version, name, parts) if name else _tree(subject, version, parts)
    if dumper == "xarray_to_zarr" and variables_of(describe):

        def variable(name: str) -> ArraySource | str:
            found = variable_source(describe, name, _looking(subject, version)) if name else None
            return found if found is not None else _noted(version)

        return variables_of(describe), variable
    return [], lambda _: _whole(subject, version)


def _looking(subject: Subject, version: Version) -> Callable[..., Any]:
    """Return what reads a version, or a part of it, as long as that takes little memory: its file may be small and hold much."""

    def load(**options: Any) -> Any:
        with at_most(MOST_IN_MEMORY):
            return subject.load(version.number, **options)

    return load


def _whole(subject: Subject, version: Version) -> ArraySource | FrameSource | str:
    dumper, load = str(version.dumper), _looking(subject, version)
    is_of_isf = isinstance(version._storage, IsfStorage)  # its formats are read whole or not at all

    source = None if is_of_isf else source_of(version.describe, dumper, subject.key, version.nbytes, load)
    if source is not None:
        return source
    if (dumper in _PLAIN or (is_of_isf and dumper in READ_IN_PARTS)) and version.nbytes <= MAX_BYTES:
        return in_memory(load(), subject.key)
    return _noted(version) + (_saving(version) if dumper == "attachment" else "")


def _noted(version: Version) -> str:
    """Return what a preview shows of any value: a picture, the names of files, what is noted of it."""
    shown = version.preview(max_bytes=MAX_BYTES)
    return f"<style>{PREVIEW_STYLE}</style>{''.join(shown.parts)}"


def in_memory(value: Any, label: str) -> ArraySource | FrameSource | str:
    """Return how a value that is in memory is shown: as an array, as a table, or as Python writes it."""
    return value_source(value, label) or plain(value, label)


def plain(value: Any, label: str) -> str:
    """Return a text, a number or a small container as it is written, cut where it is long."""
    text = value if isinstance(value, str) else within(lambda: _written(value), f"write {label!r} as text")
    if "\n" not in text and len(text) < 60:
        return f"<p><code>{escape(text)}</code></p>"
    body = escape_lines(text, _MOST_TEXT)
    return f'<pre class="i-code" tabindex="0" role="group" aria-label="{escape(f"value of {label}")}">{body}</pre>'


def _written(value: Any) -> str:
    """Return a value as Python writes it; of many members the first ones, for the others would not be seen."""
    if type(value) in (list, tuple, set, frozenset, dict) and len(value) > _MOST_MEMBERS:
        first = type(value)(islice(value.items() if isinstance(value, dict) else value, _MOST_MEMBERS))
        return f"the first {_MOST_MEMBERS:,} of {len(value):,} members:\n{pprint.pformat(first, width=100, compact=True, sort_dicts=False)}"
    return pprint.pformat(value, width=100, compact=True, sort_dicts=False)


# Containers -------------------------------------------------------------------------------------------------------------------------


def _tree(subject: Subject, version: Version, parts: Mapping[str, Any]) -> str:
    if _skeleton_bytes(version) > MAX_BYTES:
        return _noted(version)
    value = _looking(subject, version)(lazy=True, plain=True)
    return tree_html(value, parts) if hasattr(value, "__len__") and not isinstance(value, (str, bytes)) else _noted(version)


def _skeleton_bytes(version: Version) -> int:
    try:
        return (version.path / "data.json").stat().st_size
    except OSError:
        return 0  # loading it says what is missing


def _part(subject: Subject, version: Version, name: str, parts: Mapping[str, Any]) -> ArraySource | FrameSource | str:
    place = place_of(name)

    def load(**options: Any) -> Any:
        return _looking(subject, version)(part=place, **({"part_options": options} if options else {}))

    describe = parts[name]
    source = source_of(describe, "", f"{subject.key} {name}", version.nbytes, load)
    if source is not None:
        return source
    nbytes = describe.get("nbytes")
    if not isinstance(nbytes, int) or nbytes > MAX_BYTES or version.nbytes > MAX_BYTES:
        return note("It is not read to be looked at: nothing says that it is small.")
    return in_memory(load(), name)


# Files ------------------------------------------------------------------------------------------------------------------------------


def _saving(version: Version) -> str:
    """Return where an attached file lies, and a link that saves it if it is small."""
    name = version.describe.get("name")
    if version.describe.get("type") != "file" or not isinstance(name, str) or Path(name).name != name:
        return ""
    path = version.path / "attached" / name
    facts = html.facts([("attached", name), ("size", size_text(version.nbytes)), ("lies at", str(path))])
    is_in_place = not path.parent.is_symlink() and stat.S_ISREG(path.lstat().st_mode)  # a link could lead out of the database
    if not is_in_place or path.lstat().st_size > _MOST_SAVED:
        return facts
    source = f"data:application/octet-stream;base64,{b64encode(path.read_bytes()).decode('ascii')}"
    style = "color:var(--i-accent);text-decoration:underline"
    return facts + f'<p><a style="{style}" download="{escape(name)}" href="{source}">Save a copy</a></p>'


# What runs code ---------------------------------------------------------------------------------------------------------------------


def problem_of_trust(subject: Subject, version: Version) -> str | None:
    """Return why a value that would run code is not loaded, and what to do about it; None where it may be."""
    from isfdb.trust import payload, reason_not_to_run

    if subject.db._trusted:
        return None
    signed = payload(str(version.record.get("digest")), str(version.record.get("nonce")))
    reason = reason_not_to_run(subject.db.root.id, version._storage.location, signed, version.record.get("signature"))
    return problem(UntrustedDataError(f"It is not loaded: {version.dumper} runs code from the file, and {reason}")) if reason else None


def _running_code(subject: Subject, version: Version, notice: Notice) -> Any:
    """Return a widget that loads the value only when somebody says so."""
    refused = problem_of_trust(subject, version)
    known = version.preview(max_bytes=0).body
    if refused is not None:
        return piece(refused + known)
    if version.nbytes > MAX_BYTES:
        return piece(note(f"It is not loaded to be looked at: it takes {size_text(version.nbytes)}.") + known)
    below = _view(known, notice)
    words = note("Loading it runs code from the file. You wrote it, or trust the database.")
    return column(piece(words), _loading(subject, version, below, notice))


def _loading(subject: Subject, version: Version, below: Any, notice: Notice) -> Any:
    """Return a button that loads the whole value, and shows it in place of what is known of it."""
    holder = column(below)

    def load() -> None:
        holder.children = [_view(in_memory(subject.load(version.number), subject.key), notice)]
        notice.say("")

    return column(row(button("load and show", "Load the whole value and show it", notice, load, icon="eye")), notice.widget, holder)
