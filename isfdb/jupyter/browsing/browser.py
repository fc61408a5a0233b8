"""``db.browse()``: search, tree and tabs, put together; it follows what other processes do. What a tab shows is the matter of ``tabs``."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import traitlets

from isfdb import display
from isfdb.display.safe import escape, visible
from isfdb.display.words import count_text
from isfdb.entry import Entry
from isfdb.jupyter.browsing.asked import MOST_READ_TYPING, RISKS, TYPES, VERDICTS, Asked, Found, find_asked
from isfdb.jupyter.browsing.listed import PAGE, Listed
from isfdb.jupyter.browsing.looking import Looking, box_of, headed, refresh_button
from isfdb.jupyter.browsing.opened import Opened
from isfdb.jupyter.browsing.tabs.pieces import Notice, piece, show, told
from isfdb.jupyter.browsing.tree import Row, Tree
from isfdb.keys import split_key
from isfdb.options import set_options


class Browser(Looking):
    """A database to look around in. Made by :meth:`Database.browse`.

    Parameters
    ----------
    db : Database

    Attributes
    ----------
    selected : str or None
        The key that is shown. Setting it shows another one.
    """

    selected = traitlets.Unicode(None, allow_none=True)

    def __init__(self, db: Any) -> None:
        self.database = db
        self._tree = Tree(db)
        self._found: Found | None = None
        super().__init__()
        self._listed = Listed(self._clicked, self._turned)
        self._opened = Opened(db, self._acting)
        self._pools = [self._listed]
        self._title = piece()
        self._show_parts(headed(self._title, refresh_button(self)), self._body())
        self._page(0)

    # For code that goes on from here ---------------------------------------------------------------------------------------------

    @property
    def entry(self) -> Entry | None:
        """All that is known of the key that is shown; None where none is."""
        return self.database.entry(self.selected) if self.selected is not None else None

    # How it is put together ------------------------------------------------------------------------------------------------------

    def _body(self) -> Any:
        self._search = widgets.Text(
            description="Search",
            placeholder="rates   user:ann   size>1MB",
            tooltip="a part of the key, or the conditions of isfdb.find",
            layout={"width": "auto"},
            style={"description_width": "initial"},
        )
        self._filters = {
            "type": _choice("Type", TYPES, "show values of one kind only"),
            "verdict": _choice("Verdict", VERDICTS, "show values by what came of making them again"),
            "risk": _choice("Risk", RISKS, "show values by what may keep them from being made again"),
        }
        self._search.observe(self._typed, "value")
        self._search.on_msg(lambda _, content, __: self._searched(content) if content.get("event") == "submit" else None)
        for choice in self._filters.values():
            choice.observe(self._searched, "value")
        self._said = Notice()
        filters = widgets.HBox(list(self._filters.values()), layout={"flex_flow": "row wrap", "width": "100%"})
        left = box_of([self._search, filters, self._said.widget, self._listed.widget], "1 1 260px")
        box = {"flex_flow": "row wrap", "width": "100%", "grid_gap": "8px 16px", "align_items": "flex-start"}
        return widgets.HBox([left, self._opened.widget], layout=box)

    # What happens ----------------------------------------------------------------------------------------------------------------

    def _typed(self, _: Any) -> None:
        with self._acting():
            self._find(most_read=MOST_READ_TYPING)
            self._page(0)

    def _searched(self, _: Any) -> None:
        with self._acting():
            self._find()
            self._page(0)

    def _find(self, *, most_read: int | None = None) -> None:
        """Find what is asked for; of a question that is not understood, or not finished, keep what was found before it."""
        with told(self._said):
            asked = Asked(self._search.value, **{name: choice.value for name, choice in self._filters.items()})
            found = find_asked(self.database, asked, most_read=most_read) if asked.is_anything else None
            if found is None and asked.is_anything:
                self._said.say("Press Enter to search what is known of each key.")
                return
            self._found = found
            self._said.say(". ".join([count_text(len(found.keys), "key fits", "keys fit"), *found.notes]) if found is not None else "")

    def _clicked(self, row: Row) -> None:
        with self._acting():
            if row.is_database:
                self._tree.toggle(row.key)
                self._page(self._listed.first)
            else:
                self.selected = row.key

    def _turned(self, first: int) -> None:
        with self._acting():
            self._page(first)

    @traitlets.validate("selected")
    def _is_key(self, proposal: Any) -> str | None:
        """Refuse what is no key, with an error for the code that set it."""
        if proposal["value"] is None:
            return None
        key = "/".join(split_key(proposal["value"]))
        with set_options(capture=False):
            self.database.entry(key)
        return key

    @traitlets.observe("selected")
    def _selected(self, _: Any) -> None:
        with self._acting():
            if self._opened.key != self.selected:
                self._opened.show(self.selected)
            if self.selected is not None and self._found is None:
                self._tree.reveal(self.selected)
            self._page(self._page_of(self.selected))

    # What is shown ---------------------------------------------------------------------------------------------------------------

    def _page_of(self, key: str | None) -> int:
        """Return the first row of the page that a key is on; of the page that is shown, where it is on none."""
        place = self._tree.place(key) if key is not None and self._found is None else None
        return self._listed.first if place is None else place // PAGE * PAGE

    def _page(self, first: int) -> None:
        """Show the page of rows that begins there, or the last one."""
        total = len(self._tree) if self._found is None else len(self._found.keys)
        first = max(0, min(first, (total - 1) // PAGE * PAGE))
        if self._found is None:
            rows, tooltips = self._tree.rows(first, PAGE), {}
        else:
            rows, tooltips = [Row(key, key) for key in self._found.keys[first : first + PAGE]], self._found.what
        self._listed.show(rows, first, total, self.selected, tooltips)
        show(self._title, self._headline())

    def _headline(self) -> str:
        db = self.database
        facts = [count_text(self._tree.n_names, "name"), "read only" if db.read_only else ""]
        words = escape(" · ".join([fact for fact in facts if fact]))
        path = f'<code class="i-muted">{escape(db.path, 600)}</code>'
        return f'<p class="i-head"><b>{escape(db.prefix or db.name)}</b> <span class="i-muted">{words}</span><br>{path}</p>'

    # Following -------------------------------------------------------------------------------------------------------------------

    def _look(self, *, again: bool = False) -> None:
        changes = self._tree.follow(again=again, held=self._opened.identity)
        if self.selected is not None:
            self._follow_selected(changes.moved, at_once=again)
        if changes.is_any or again:
            if self._found is not None:
                self._find()
            self._page(self._listed.first)

    def _follow_selected(self, moved: dict[str, str], *, at_once: bool) -> None:
        key = str(self.selected)
        above = next((old for old in moved if key == old or key.startswith(f"{old}/")), None)
        if above is not None:
            key = moved[above] + key[len(above) :]
            self._opened.show(key)
            self.selected = key
        elif not self._opened.follow(at_once=at_once):
            self._opened.show(None, because=f"{visible(key)} is not there any more: it was deleted or renamed.")
            self.selected = None

    # As notebooks and terminals show it --------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<Browser of {visible(self.database.path, 400)}>"

    def _static(self) -> dict[str, str]:
        return display.database_bundle(self.database)


def _choice(words: str, options: dict[str, str], tooltip: str) -> Any:
    return widgets.Dropdown(
        options=list(options),
        description=words,
        tooltip=tooltip,
        layout={"flex": "1 1 150px", "width": "auto", "min_width": "0"},
        style={"description_width": "initial"},
    )
