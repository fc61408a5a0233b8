"""What a tab is about: one key of a database. Reading it here is no use of it: nobody's cell was made from what somebody looked at."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from isfdb.display.words import duration_text
from isfdb.errors import LoadError
from isfdb.options import set_options

if TYPE_CHECKING:
    from isfdb.entry import Entry, Version

#: A notebook does not wait longer for something to look at.
MAX_S: Final = 30.0


@dataclass(frozen=True)
class Subject:
    """One key of a database.

    Attributes
    ----------
    db : Database
    key : str
    on_change : callable, optional
        Is called after something was changed in the database.
    number : int, optional
        Which version; default: the newest.
    """

    db: Any
    key: str
    on_change: Callable[[], None] | None = None
    number: int | None = None

    @property
    def entry(self) -> Entry:
        """All that is known of the key."""
        found: Entry = self.db.entry(self.key)
        return found

    @property
    def version(self) -> Version:
        """The version that is looked at; the newest is looked up again each time: another process may have stored one."""
        if self.number is None:
            return self.entry.newest
        found: Version = next((one for one in self.db.versions(self.key) if one.number == self.number), None) or self.entry.newest
        return found

    def load(self, number: int, **options: Any) -> Any:
        """Read a version, or what the options say of it, without a note that something was made from it.

        A lazy value is computed: only small parts are asked for.

        Raises
        ------
        IsfdbError
            As for :meth:`Database.get`; LoadError too where it takes so long that nobody would wait for it.
        """

        def read() -> Any:
            with set_options(capture=False):
                part = self.db.get(self.key, version=number, **options)
                # In this thread: what it reads is not to be taken for the work of another.
                return part.compute(scheduler="synchronous") if hasattr(part, "__dask_graph__") and part.__dask_graph__() else part

        return within(read, f"read {self.key!r}")

    def changed(self) -> None:
        """Tell who wants to know that something was changed."""
        if self.on_change is not None:
            self.on_change()


def within(act: Callable[[], Any], what: str, max_s: float = MAX_S) -> Any:
    """Do something in a thread that nobody waits for longer than that: a file server that hangs must not hang a notebook.

    Raises
    ------
    LoadError
        It is not done in time; it goes on in the background, and is forgotten.
    """
    found: list[Any] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(act())
        except BaseException as error:  # noqa: BLE001 - it is raised again by whoever waits
            failed.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="isfdb-look", daemon=True)
    thread.start()
    thread.join(max_s)
    if failed:
        raise failed[0]
    if not found:
        raise LoadError(f"cannot {what} to look at it: it took more than {duration_text(max_s)}. Read it in a cell, where you can wait.")
    return found[0]
