"""``isfdb.registry.browse()``: all databases that are known, a search over all of them, and each to be opened in place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from isfdb import registry
from isfdb.asking import find
from isfdb.display.safe import escape, visible
from isfdb.display.words import count_text
from isfdb.jupyter.browsing.asked import MOST_HITS
from isfdb.jupyter.browsing.browser import Browser
from isfdb.jupyter.browsing.databases import Databases, opened
from isfdb.jupyter.browsing.listed import PAGE, Listed
from isfdb.jupyter.browsing.look import close_all
from isfdb.jupyter.browsing.looking import Looking, box_of, headed, refresh_button
from isfdb.jupyter.browsing.tabs.pieces import Notice, piece, show, told
from isfdb.jupyter.browsing.tree import Row
from isfdb.registry.records import DatabaseRecord, DatabaseRecords
from isfdb.registry.store import registry_file
from isfdb.searching.hits import Hit


class RegistryBrowser(Looking):
    """All databases that the registry knows. Made by :func:`isfdb.registry.browse`.

    Attributes
    ----------
    browser : Browser or None
        Of the database that is open in it, for reading only.
    """

    def __init__(self) -> None:
        self.browser: Browser | None = None
        self._records: Sequence[DatabaseRecord] = ()
        self._hits: Sequence[Hit] = ()
        self._looks: Any = None
        super().__init__()
        self._title = piece()
        self._databases = Databases(self._chosen, self._turned)
        self._found = Listed(self._found_one, self._turned_found)
        self._pools = [self._databases, self._found]
        self._said = Notice()
        self._list = box_of([*self._fields(), self._said.widget, self._found.widget, self._databases.widget])
        self._place = box_of([])
        self._show_parts(headed(self._title, refresh_button(self)), self._list, self._place)
        with self._acting():
            self._found_page(0)
            self._look(again=True)

    def look_into(self, path: str, key: str | None = None) -> Browser:
        """Show a database in place of the list, and one of its keys if you like."""
        self.back()
        self.browser = Browser(opened(path))
        self.browser.selected = key
        back = widgets.Button(description="‹ All databases", tooltip="close this one and show the list", layout={"width": "auto"})
        back.on_click(lambda _: self.back())
        self._place.children = [back, self.browser]
        self._list.layout.display = "none"
        return self.browser

    def back(self) -> None:
        """Close the database that is open in it, and show the list."""
        for one in self._place.children:
            close_all(one)
        self._place.children, self.browser = [], None
        self._list.layout.display = ""

    # What happens ----------------------------------------------------------------------------------------------------------------

    def _fields(self) -> list[Any]:
        self._name = _field("Databases", "name, path or id", "show only databases whose name, path or id holds this")
        self._query = _field("Search all", "rates   user:ann   size>1MB", "find keys in all databases, as isfdb.find does: press Enter")
        self._query.continuous_update = False  # all databases are read, which may take a while
        self._name.observe(self._named, "value")
        self._query.observe(self._asked, "value")
        return [self._name, self._query]

    def _named(self, _: Any) -> None:
        with self._acting():
            self._list_databases(0)

    def _turned(self, first: int) -> None:
        with self._acting():
            self._databases.show(self._records, first)

    def _chosen(self, record: DatabaseRecord) -> None:
        with self._acting():
            self.look_into(record.path)

    def _asked(self, _: Any) -> None:
        with self._acting(), told(self._said):
            self._hits = ()
            self._said.say("Searching all databases …" if self._query.value.strip() else "")
            if self._query.value.strip():
                hits = find(query=self._query.value, everywhere=True)
                self._hits = hits[:MOST_HITS]
                unsearched = [f"not searched: {one}" for one in hits.unsearched[:3]]
                cut = [f"the first {MOST_HITS:,} are listed"] if len(hits) > MOST_HITS else []
                self._said.say(". ".join([count_text(len(hits), "hit"), *cut, *hits.notes, *unsearched]))
            self._found_page(0)

    def _turned_found(self, first: int) -> None:
        with self._acting():
            self._found_page(first)

    def _found_page(self, first: int) -> None:
        page = self._hits[first : first + PAGE]
        rows = [Row(hit.link, f"{hit.key} — {hit.database.rpartition('/')[2]}") for hit in page]
        self._found.widget.layout.display = "" if rows else "none"
        self._found.show(rows, first, len(self._hits), None, {hit.link: f"{hit.what}, {', '.join(hit.why)}" for hit in page})

    def _found_one(self, row: Row) -> None:
        with self._acting():
            hit = next(hit for hit in self._hits if hit.link == row.key)
            self.look_into(hit.database, hit.key)

    # What is shown ---------------------------------------------------------------------------------------------------------------

    def _look(self, *, again: bool = False) -> None:
        seen = _looks_of(registry_file())
        if again or seen != self._looks:
            self._looks = seen
            self._list_databases(self._databases.first)

    def _list_databases(self, first: int) -> None:
        self._records = _first_there(registry.find(self._name.value) if self._name.value else registry.databases())
        n_missing = sum([not record.present for record in self._records])
        words = [count_text(len(self._records), "database"), f"{n_missing} missing" if n_missing else ""]
        show(self._title, f'<p class="i-head"><b>Databases</b> <span class="i-muted">{escape(" · ".join(filter(None, words)))}</span></p>')
        self._databases.show(self._records, first)

    # As notebooks and terminals show it --------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<RegistryBrowser of {count_text(len(self._records), 'database')}, {visible(registry_file(), 400)}>"

    def _static(self) -> dict[str, str]:
        records = registry.databases()
        return {"text/plain": str(records), "text/html": records._repr_html_()}


def _looks_of(file: str) -> tuple[int, int, int] | None:
    """Return what changes when something is written into the registry; None where there is none yet."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _first_there(records: DatabaseRecords) -> list[DatabaseRecord]:
    """Put those first that are there and were opened last; sub-databases that ISF wrote are found in theirs."""
    return sorted(records, key=lambda record: (record.present, record.last_seen), reverse=True)


def _field(words: str, placeholder: str, tooltip: str) -> Any:
    style = {"description_width": "5.5em"}
    return widgets.Text(description=words, placeholder=placeholder, tooltip=tooltip, layout={"width": "auto"}, style=style)
