"""The right side of the browser: one key, its heading and its tabs, each made when it is first looked at. It knows not what they show."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Any, NamedTuple

import ipywidgets as widgets

from isfdb.attributes import revisions_of
from isfdb.display.summaries import UNREADABLE
from isfdb.index import is_settled
from isfdb.jupyter.browsing import tabs
from isfdb.jupyter.browsing.heading import heading
from isfdb.jupyter.browsing.look import close_all
from isfdb.jupyter.browsing.tabs.pieces import note, piece, problem, show
from isfdb.jupyter.browsing.tree import Identity, Looks, looks_of
from isfdb.keys import split_key
from isfdb.layout.current import ATTRIBUTES_FOLDER, REPLAYS_FOLDER
from isfdb.versions import is_alive, numbers_of

_NOTHING = note("Choose a key to see what it is and what made it.")


class _Seen(NamedTuple):
    """What the shown key looked like when it was last shown."""

    looks: tuple[Looks | None, ...]
    numbers: tuple[int, ...]
    revisions: tuple[int, ...]


class Opened:
    """One key, or none yet.

    Parameters
    ----------
    db : Database
    acting : callable
        Gives a ``with`` block in which callbacks run.
    """

    def __init__(self, db: Any, acting: Callable[[], Any]) -> None:
        self._db = db
        self._acting = acting
        self.key: str | None = None
        self._seen = self._noticed = _Seen((), (), ())
        self._stale: set[int] = set()
        self._heading = piece(_NOTHING)
        self._tabs = widgets.Tab(
            [widgets.VBox(layout={"width": "100%"}) for _ in tabs.TABS],
            titles=[title for title, _ in tabs.TABS],
            layout={"display": "none"},
        )
        self._tabs.observe(self._turned, "selected_index")
        self.widget = widgets.VBox([self._heading, self._tabs], layout={"flex": "3 1 400px", "min_width": "0", "overflow": "hidden"})

    @property
    def identity(self) -> tuple[str, Identity] | None:
        """The key and its folder, by which it is found under another name."""
        looks = self._seen.looks[0] if self.key is not None and self._seen.looks else None
        return (str(self.key), looks.identity) if looks is not None else None

    def show(self, key: str | None, *, because: str = "") -> None:
        """Show another key; without one, say why none is shown."""
        self.key, self._stale = key, set(range(len(tabs.TABS)))
        self._tabs.layout.display = "none" if key is None else ""
        if key is None:
            for holder in self._tabs.children:
                _replace(holder, [])
            show(self._heading, note(because) if because else _NOTHING)
            return
        self._seen = self._look()
        show(self._heading, heading(self._db, key))
        self._make()

    def follow(self, *, at_once: bool = False) -> bool:
        """Show what has changed, and say whether the key still holds a value.

        What has changed is shown when it is seen for the second time: it may be the doing of a tab that works in a thread beside this
        one, and tells so in a moment. It shows its own doing itself.
        """
        if self.key is None or self._is_as_seen():
            return True
        old, seen = self._seen, self._look()
        if not is_alive(self._db._storage, self._folder, list(seen.numbers)):
            return False
        if seen == old:
            return True
        if not at_once and seen != self._noticed:
            self._noticed = seen
            return True
        self._seen = seen
        show(self._heading, heading(self._db, self.key))
        changed = [title for title, _ in tabs.TABS if self._seen.numbers != old.numbers or title == "Attributes"]
        self._stale |= {number for number, (title, _) in enumerate(tabs.TABS) if title in changed}
        self._make()
        return True

    @property
    def _folder(self) -> str:
        folder: str = self._db._key_folder(split_key(str(self.key)))
        return folder

    def _looks(self) -> tuple[Looks | None, ...]:
        places = (self._folder, f"{self._folder}/{ATTRIBUTES_FOLDER}", REPLAYS_FOLDER)
        return tuple([looks_of(self._db._storage, place) for place in places])

    def _is_as_seen(self) -> bool:
        """Say whether nothing can have changed: within a tick of the clock, times do not move."""
        looks = self._looks()
        latest = max([max(one.modified_ns, one.changed_ns) for one in looks if one is not None], default=0)
        return looks == self._seen.looks and is_settled(latest, time())

    def _look(self) -> _Seen:
        looks = self._looks()
        return _Seen(looks, tuple(numbers_of(self._db._storage, self._folder)), tuple(revisions_of(self._db._storage, self._folder)))

    def _turned(self, _: Any) -> None:
        with self._acting():
            self._make()

    def _make(self) -> None:
        """Make the tab that is looked at, unless it is made."""
        number = self._tabs.selected_index
        if self.key is None or number is None or number not in self._stale:
            return
        self._stale.discard(number)
        holder, title = self._tabs.children[number], tabs.TABS[number][0]
        _replace(holder, [piece(note("Reading …"))])
        try:
            made = tabs.make(self._db, self.key, title, on_change=self._changed)
        except (*UNREADABLE, ImportError) as error:
            made = piece(problem(error))
        _replace(holder, [made])

    def _changed(self) -> None:
        """Show in the heading what the tab has just done, and have the other tabs made anew; it shows its own doing itself."""
        with self._acting():
            if self.key is not None:
                self._seen = self._look()
                show(self._heading, heading(self._db, self.key))
                self._stale = set(range(len(tabs.TABS))) - {self._tabs.selected_index}


def _replace(holder: Any, children: list[Any]) -> None:
    """Put other widgets into a box, and close those that were in it."""
    old, holder.children = holder.children, children
    for one in old:
        close_all(one)
