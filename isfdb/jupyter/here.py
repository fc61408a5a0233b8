"""Which database and which key the words of a magic mean: variables of the session first, then folders, names and ids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from IPython.core.error import UsageError

from isfdb.database import Database
from isfdb.display.safe import visible

_NO_DATABASE = "no database is open here. Open one first: %isfdb open results"
_UNEXPANDED = re.compile(r"\$([A-Za-z_]\w*)|\{([^{}]*)\}")


class Here:
    """What a magic knows of its session: the variables, and the database that was opened last.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.opened: Database | None = None

    @property
    def names(self) -> dict[str, Any]:
        """The session's variables."""
        found: dict[str, Any] = self.shell.user_ns
        return found

    def variables(self) -> dict[str, Database]:
        """Return the variables that are databases."""
        return {name: value for name, value in list(self.names.items()) if isinstance(value, Database) and not name.startswith("_")}

    def current_or_none(self) -> Database | None:
        """Return the database that is meant where none is named; None where there is none."""
        current = self.opened if self.opened is not None else self.names.get("db")
        return current if isinstance(current, Database) else None

    def current(self) -> Database:
        """Return the database that is meant where none is named."""
        current = self.current_or_none()
        if current is None:
            raise UsageError(_NO_DATABASE)
        return current

    def database(self, word: str, mode: str = "r") -> Database:
        """Return the database that a word means.

        Parameters
        ----------
        word : str
            A variable, a folder, or a name or id in the registry.
        mode : str
            How a folder is opened, as for :func:`isfdb.open`; "note": to leave a note in it, where it can be written.
        """
        variable = self.names.get(word)
        if isinstance(variable, Database):
            return variable
        refuse_unexpanded(word)
        from isfdb.errors import DatabaseError
        from isfdb.opening import open as open_database

        if mode != "note":
            return open_database(word, mode=mode)
        try:
            return open_database(word, mode="r+")
        except DatabaseError:
            return open_database(word, mode="r")

    def one_database(self, words: Sequence[str], mode: str = "r") -> Database:
        """Return the database that no word, or one, means."""
        if len(words) > 1:
            refuse_unexpanded(" ".join(words))
            raise UsageError("one database is meant; put quotes around a name with spaces")
        return self.database(words[0], mode) if words else self.current()

    def key(self, words: Sequence[str], mode: str = "r") -> tuple[Database, str]:
        """Tell which key in which database one or two words mean."""
        if not 1 <= len(words) <= 2:
            refuse_unexpanded(" ".join(words))
            raise UsageError("a key is meant, or a database and a key; put quotes around names with spaces")
        *target, key = words
        db = self.database(target[0], mode) if target else self.current()
        if key not in db:
            refuse_unexpanded(key)
        return db, key

    def database_or_key(self, words: Sequence[str], mode: str = "r") -> tuple[Database, str | None]:
        """Tell which database, and which key in it, up to two words mean."""
        if len(words) > 2:
            refuse_unexpanded(" ".join(words))
            raise UsageError("at most a database and a key are meant; put quotes around names with spaces")
        if len(words) == 2:
            return self.database(words[0], mode), words[1]
        if not words:
            return self.current(), None
        current = self.current_or_none()
        if current is not None and not isinstance(self.names.get(words[0]), Database) and words[0] in current:
            return current, words[0]
        return self.database(words[0], mode), None


def refuse_unexpanded(word: str) -> None:
    """Refuse a word in which ``$name`` or ``{expression}`` still stands: IPython replaces nothing where anything fails."""
    found = _UNEXPANDED.search(word)
    if found is None:
        return
    what = f"there is no variable {found[1]!r}" if found[1] else f"{{{visible(found[2], 60)}}} could not be evaluated"
    raise UsageError(f"{visible(word, 80)!r} was not replaced by a value: {what}. Run the cell that defines it; or write it as a text.")
