"""What a tab is about: one key of a database. Reading it here is no use of it: nobody's cell was made from what somebody looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isfdb.options import set_options

if TYPE_CHECKING:
    from isfdb.entry import Entry, Version


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

    def load(self, **options: Any) -> Any:
        """Read the value, or what the options say of it, without a note that something was made from it.

        Raises
        ------
        IsfdbError
            As for :meth:`Database.get`.
        """
        with set_options(capture=False):
            return self.db.get(self.key, **options) if options else self.db[self.key]

    def changed(self) -> None:
        """Tell who wants to know that something was changed."""
        if self.on_change is not None:
            self.on_change()
