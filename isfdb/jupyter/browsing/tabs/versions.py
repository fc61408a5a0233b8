"""The tab Versions: all versions of a key, any of them to look at, and in what two of them differ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from isfdb.display import html
from isfdb.display.summaries import version_summary
from isfdb.display.words import age_text, size_text, time_text
from isfdb.jupyter.browsing.tabs import preview
from isfdb.jupyter.browsing.tabs.jobs import Work
from isfdb.jupyter.browsing.tabs.pieces import Notice, button, column, fitted, note, piece, row
from isfdb.jupyter.browsing.tabs.subject import Subject

if TYPE_CHECKING:
    from isfdb.comparing.database_difference import DatabaseDifference
    from isfdb.comparing.difference import Difference
    from isfdb.entry import Version

_MOST_SHOWN: Final = 200


def tab(subject: Subject) -> Any:
    """Return the widget."""
    return _Versions(subject).widget


def static(subject: Subject) -> str:
    """Return the table as HTML."""
    return table_of(subject.db.versions(subject.key))


def table_of(versions: tuple[Version, ...]) -> str:
    """Return a table of versions, newest first."""
    told = [version_summary(one, one.key) for one in reversed(versions[-_MOST_SHOWN:])]
    rows = [
        (f"v{one.version}", time_text(one.created), age_text(one.created), one.what, _size(one), str(one.dumper), one.digest[:16])
        for one in told
    ]
    hidden = len(versions) - len(rows)
    table = html.table(("version", "stored", "age", "what", "size", "stored by", "digest"), rows)
    return table + (note(f"{hidden:,} older ones are not shown.") if hidden else "")


def _size(summary: Any) -> str:
    return "reclaimed" if summary.reclaimed else size_text(summary.nbytes)


class _Versions:
    """The table, two choices, and what was asked of them."""

    def __init__(self, subject: Subject) -> None:
        import ipywidgets as widgets

        self.subject = subject
        self.notice = Notice()
        versions = subject.db.versions(subject.key)
        options = [(f"version {one.number}", one.number) for one in reversed(versions) if not one.deleted][:_MOST_SHOWN]
        numbers = [number for _, number in options]
        self.first = self._choice("version", options, numbers[:1])
        self.second = self._choice("with", options, numbers[1:2] or numbers[:1])
        self.below = widgets.VBox(layout={"width": "100%"})
        self.work = Work(self.notice)
        look = button("show", "Show the chosen version as the preview does", self.notice, self._show, icon="eye")
        compare = button("compare", "Find out in what the two chosen versions differ, and why", self.notice, self._compare, icon="columns")
        compare.disabled = len(options) < 2
        controls = row(self.first, look, self.second, compare) if options else None
        self.widget = column(piece(table_of(versions)), controls, self.work.widget, self.notice.widget, self.below)

    def _choice(self, words: str, options: list[tuple[str, int]], chosen: list[int]) -> Any:
        import ipywidgets as widgets

        value = chosen[0] if chosen else None
        return fitted(widgets.Dropdown(options=options, value=value, description=words, tooltip=f"{words} to look at"))

    def _show(self) -> None:
        number = self.first.value
        self.notice.say("")
        self.below.children = [piece(note(f"Version {number}:")), preview.tab(replace(self.subject, number=number))]

    def _compare(self) -> None:
        older, newer = sorted([self.first.value, self.second.value])
        if older == newer:
            self.notice.say("Choose two versions that are not the same one.")
            return

        def compare(_: Any) -> Difference | DatabaseDifference:
            from isfdb.comparing.differences import diff

            db, key = self.subject.db, self.subject.key
            return diff((db, key, older), (db, key, newer))

        def done(found: Any) -> None:
            shown = piece()
            shown.value = found._repr_mimebundle_()["text/html"]
            self.below.children = [shown]

        self.below.children = []
        self.work.start(f"comparing versions {older} and {newer}", compare, done)
