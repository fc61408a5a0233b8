"""A file of named columns in the user's cache folder: written whole, put in place at once, never changed. All in it can be rebuilt.

It is an SQLite file with one row a column, because the columns a question needs are then read alone: 100,000 rows of a table take ten
times as long as one column of 100,000 values. A file that nobody changes needs no lock and no log beside it, so any number of processes
may read it, replace it and delete it. Each column bears its digest: what was cut off or garbled is as good as absent.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from isfdb.hashing import digest_of
from isfdb.index import file_for, make_room

logger = logging.getLogger(__name__)

FORMAT: Final = 1
APPLICATION_ID: Final = 0x49534653
MAX_FILES: Final = 200
MAX_BYTES: Final = 2_000_000_000

_FOLDER: Final = "search"
_HEADER: Final = "about"
_WRITTEN: Final = "written"  # differs from file to file


class Sheet:
    """Columns that were kept about a database.

    Parameters
    ----------
    file : str
        Where they lie.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._columns: dict[str, Any] = {}

    def column(self, name: str) -> Any:
        """Return a column.

        Raises
        ------
        LookupError
            It is not there, or not whole.
        """
        return self.columns([name])[name]

    def columns(self, names: list[str]) -> dict[str, Any]:
        """Return several columns.

        Raises
        ------
        LookupError
            One is not there, or not whole; or another file lies there by now, whose rows are others.
        """
        missing = [name for name in names if name not in self._columns]
        if missing:
            found = _read(self.file, [*missing, _HEADER])
            if self._columns.setdefault(_HEADER, found[_HEADER]) != found[_HEADER]:
                raise LookupError(self.file)
            self._columns |= found
        return {name: self._columns[name] for name in names}


def sheet_file(kind: str, location: str) -> str | None:
    """Return where columns of a kind about the database in a folder are kept; None where there is no cache folder."""
    file = file_for(_FOLDER, location)
    return None if file is None else f"{file}.{kind}"


def open_sheet(file: str, about: Mapping[str, Any]) -> Sheet | None:
    """Return what is kept in a file; None where nothing is, or it is about something else.

    Parameters
    ----------
    about : Mapping
        What must be said in the file as well: the database and the columns.
    """
    if not os.path.exists(file):
        return None
    sheet = Sheet(file)
    try:
        header = sheet.column(_HEADER)
        if not isinstance(header, dict) or {**header, _WRITTEN: ""} != {"format": FORMAT, **about, _WRITTEN: ""}:
            return None
    except LookupError:
        return None
    with contextlib.suppress(OSError):
        os.utime(sheet.file)  # what is used stays longest
    return sheet


def _read(file: str, names: list[str]) -> dict[str, Any]:
    import sqlite3

    found = {}
    try:
        connection = sqlite3.connect(f"file:{quote(file)}?mode=ro&immutable=1", uri=True)
        with contextlib.closing(connection):
            for name in names:
                row = connection.execute("SELECT content, digest FROM columns WHERE name = ?", (name,)).fetchone()
                if row is None or not isinstance(row[0], bytes) or digest_of(row[0]) != row[1]:
                    raise ValueError(f"its column {name!r} is not whole")
                found[name] = json.loads(row[0])
    except (sqlite3.Error, OSError, ValueError, RecursionError) as error:
        logger.debug("what is kept in %s cannot be used: %s", file, error)
        raise LookupError(file) from error
    return found


def write_sheet(file: str, about: Mapping[str, Any], columns: Mapping[str, Any]) -> None:
    """Keep columns for next time, if that is possible; where it is not, next time reads the records again."""
    import sqlite3

    members = {_HEADER: {"format": FORMAT, **about, _WRITTEN: secrets.token_hex(8)}, **columns}
    contents = {
        name: json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") for name, content in members.items()
    }
    size = sum(map(len, contents.values()))
    staged = f"{file}.{os.getpid()}-{time.monotonic_ns():x}"
    if size > MAX_BYTES // 2:
        return
    try:
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        make_room(os.path.dirname(file), size, max_bytes=MAX_BYTES, max_files=MAX_FILES)
        _write(staged, contents)
        os.replace(staged, file)
    except (sqlite3.Error, OSError) as error:
        logger.debug("nothing can be kept in %s: %s", file, error)
        with contextlib.suppress(OSError):
            os.unlink(staged)


def _text(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _write(file: str, contents: Mapping[str, bytes]) -> None:
    import sqlite3

    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = OFF")  # what a crash leaves behind is under a name that nobody reads
        connection.execute("PRAGMA synchronous = OFF")  # and what a power cut leaves behind does not match its digests
        with connection:
            connection.execute("CREATE TABLE columns (name TEXT PRIMARY KEY, content BLOB, digest TEXT)")
            rows = [(name, content, digest_of(content)) for name, content in contents.items()]
            connection.executemany("INSERT INTO columns VALUES (?, ?, ?)", rows)
