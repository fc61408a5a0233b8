"""The tab Provenance: what made a value, with which sources, packages and inputs, and what may keep it from being made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from isfdb.display import html
from isfdb.display.cells import cell_html, cell_summaries
from isfdb.display.entries import made_pairs
from isfdb.display.history import history_of
from isfdb.display.words import count_text, size_text, time_text
from isfdb.explaining.scripts import cell_of, session_of
from isfdb.jupyter.browsing.tabs.pieces import note, piece
from isfdb.jupyter.browsing.tabs.subject import Subject
from isfdb.provenance.records import UsedFile
from isfdb.reporting.environments import Recorded, python_of
from isfdb.reporting.surroundings import surroundings

if TYPE_CHECKING:
    from isfdb.entry import Version

_MOST_SHOWN: Final = 100


def tab(subject: Subject) -> Any:
    """Return the widget."""
    return piece(static(subject))


def static(subject: Subject) -> str:
    """Return all of it as HTML; what cannot be read is told in its place."""
    version = subject.version
    return "".join([_made(version), _risks(version), _inputs(version), _cell(version), _packages(version), _around(subject, version)])


def _made(version: Version) -> str:
    stored = f"{time_text(version.created)} as version {version.number} by {version.dumper}"
    unknown = version.record.get("unknown")
    missing = note("Not all of it could be learned when it was stored; what is unknown says why.") if unknown else ""
    return html.facts([("stored", stored), *made_pairs(version.record), ("digest", version.digest or ""), ("link", version.link)]) + missing


def _risks(version: Version) -> str:
    rows = [(risk.kind, risk.line, risk.advice) for risk in version.risks]
    if not rows:
        return note("No risk to making it again is on record.")
    title = f"{count_text(len(rows), 'risk')} to making it again"
    table = html.table(("risk", "line", "what to do"), rows[:_MOST_SHOWN], limit=400)
    return html.folded(title, table + _more(rows), is_open=True)


def _inputs(version: Version) -> str:
    rows = list(_input_rows(version))
    if not rows:
        return note("No input is on record: its slice reads no stored value and no file.")
    table = html.table(("made from", "size", "digest", ""), rows[:_MOST_SHOWN], limit=400)
    return html.folded(f"made from {count_text(len(rows), 'input')}", table + _more(rows), is_open=True)


def _input_rows(version: Version) -> Iterator[tuple[str, str, str, str]]:
    for used in version.inputs:
        digest = (used.digest or "")[:16]
        if isinstance(used, UsedFile):
            about = "written by this session" if used.written_here else used.because
            yield used.path, size_text(used.size) if used.size is not None else "", digest, about or ""
        else:
            yield used.link, "", digest, ""


def _more(rows: list[Any]) -> str:
    return note(f"and {len(rows) - _MOST_SHOWN:,} more") if len(rows) > _MOST_SHOWN else ""


def _cell(version: Version) -> str:
    cell = cell_of(version)
    if cell is None:
        return note("What ran when it was stored is not on record in this database.")
    (told,) = cell_summaries([cell])
    return html.folded(f"made by {told.label}", cell_html(told))


def _packages(version: Version) -> str:
    """Return in what the packages that were installed then are not those that are installed here."""
    digest, record = version.record.get("environment"), _environment(version)
    if not record:
        return note("The packages that were installed are not on record in this database.")
    changes = Recorded(1, str(digest), record).changes
    if not changes:
        return note(f"{python_of(record)}; the same packages are installed here.")
    title = f"{count_text(len(changes), 'package')} not as here"
    return html.folded(title, html.table(("package", "when stored", "here"), changes[:_MOST_SHOWN]) + _more(changes))


def _environment(version: Version) -> Mapping[str, Any]:
    from isfdb.exact_json import loads
    from isfdb.layout.current import ENVIRONMENTS_FOLDER

    digest = version.record.get("environment")
    if not isinstance(digest, str) or not digest.isalnum():
        return {}
    try:
        record = loads(version._storage.read(f"{ENVIRONMENTS_FOLDER}/{digest}.json"))
    except (OSError, ValueError, RecursionError):
        return {}  # a sub-database moved out by hand leaves it behind; verify names what is missing
    return record if isinstance(record, Mapping) else {}


def _around(subject: Subject, version: Version) -> str:
    session = session_of(version)
    stored = [one for one in history_of(subject.db, subject.key) if one.summary.version == version.number]
    body = surroundings(subject.db, session.start if session else {}, stored)
    return html.folded("machine, sources and packages", body)
