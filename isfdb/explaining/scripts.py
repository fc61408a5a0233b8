"""``isfdb.code``: finds the script that made a stored value, or writes it at another level of care. Running it is `checking.py`'s part."""

from __future__ import annotations

import datetime
from typing import Any, Final

from isfdb.database import Database
from isfdb.entry import Version, version_of
from isfdb.errors import OptionError, VersionGoneError
from isfdb.explaining.check_records import Check, read_check
from isfdb.explaining.code_text import Code
from isfdb.identity import read_identity
from isfdb.keys import key_of_folder, split_key
from isfdb.layout.current import CODE_FILE
from isfdb.opening import check_open
from isfdb.place import Key
from isfdb.provenance.records import slice_of, used_of
from isfdb.provenance.session import Cell, Session, read_session
from isfdb.provenance.slicing.from_log import script_from_log
from isfdb.provenance.slicing.script import LEVELS, Script
from isfdb.versions import numbers_of, pick

#: For scripts that are no slice: what stored the value as it ran, and all that the session ran.
AS_IT_RAN: Final = "as it ran"
HISTORY: Final = "history"

#: Kinds of activities that scripts are written from; the text of a test or a task is no account of what ran.
_FOLLOWED: Final = ("cell", "script")


def code(
    db: Database,
    key: Key,
    *,
    version: Any = None,
    level: str | None = None,
    all: bool = False,
    check: bool = False,
    trust: bool = False,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
) -> Code:
    """Return the script that made a stored value: it leaves the value in the variable ``value``.

    Nothing is run unless `check` is asked for.

    Parameters
    ----------
    db : Database
    key : str or tuple of str
    version : int, str or date, optional
        As for :meth:`Database.get`; default: the newest.
    level : {"statements", "cells", "everything"}, optional
        The statements that are needed; all of the cells they stand in; all that ran until the value was stored. Default: the script
        stored with the version, or the wider one that a check found to make the value again.
    all : bool
        Return all that the session ran, what followed the value and what failed included. It is for reading.
    check : bool
        Run the script in a clean process and compare what it makes with what is stored. Where it makes something else, wider ones are
        tried: cells, then everything. What was found out is kept in the database, where that can be written.
    trust : bool
        Run it though nothing shows that you wrote it: see the how-to guide on scripts.
    timeout_s : float, optional
        Seconds that each run may take; default: the setting ``check_timeout_s``.
    memory_bytes : int, optional
        Memory that each process may take for its data; default: the setting ``check_memory_bytes``.

    Returns
    -------
    Code
        A text, with ``labels``, ``widened``, ``status`` and ``check``, and with ``to_notebook()`` and ``to_json()``.

    Raises
    ------
    KeyNotFoundError, VersionNotFoundError
    VersionGoneError
        The version is a deletion.
    UntrustedDataError
        Checking would run code of somebody you did not say you trust.
    OptionError
        An argument cannot be understood, or `db` is no open database.

    Examples
    --------
    >>> import isfdb, tempfile
    >>> db = isfdb.open(tempfile.mkdtemp())
    >>> db["answer"] = 42
    >>> script = isfdb.code(db, "answer")
    >>> script.status
    'unchecked'
    """
    check_open(db, "code(isfdb.open(path, mode='r'), key)")
    if level is not None and level not in LEVELS:
        raise OptionError(f"level={level!r} is none of {', '.join(map(repr, LEVELS))}.", level=level)
    found = version_meant(db, key, version)
    if all:
        return _history(found)
    if not check:
        return known_code(found, level)
    from isfdb.explaining.checking import checked_code

    return checked_code(db, found, level, trust=trust, timeout_s=timeout_s, memory_bytes=memory_bytes)


def version_meant(db: Database, key: Key, version: Any) -> Version:
    """Return the version of a key that is meant.

    Raises
    ------
    KeyNotFoundError, VersionNotFoundError, VersionGoneError
    """
    if version is None:
        return db.entry(key).newest
    text = "/".join(split_key(key))
    versions = db.versions(key)  # publishes what waits, and refuses what was never a key
    storage, key_folder = versions[0]._storage, db._key_folder(split_key(key))
    number = pick(storage, key_folder, numbers_of(storage, key_folder), version, text)
    found = version_of(storage, key_folder, text, db.id, number)
    if found.deleted:
        raise VersionGoneError(f"version {number} of {text!r} is its deletion: no script made it. See db.versions({text!r}).", key=text)
    return found


def known_code(version: Version, level: str | None = None) -> Code:
    """Return the script of a version without running anything."""
    check = read_check(version._storage, version.record)
    if level is not None and level != LEVELS[0]:
        return code_at(version, level, _check_of_level(check, level))
    if level is None and check is not None and check.status == "widened" and check.text:
        return _code(version, check.text, check.level or LEVELS[0], check=check)
    return code_at(version, LEVELS[0], check if level is None or (check and check.level == level) else None)


def _check_of_level(check: Check | None, level: str) -> Check | None:
    return check if check is not None and check.level == level else None


def code_at(version: Version, level: str, check: Check | None = None) -> Code:
    """Return the script of a version at a level; where there is none, what stored the value as it ran, with a label that says why.

    Parameters
    ----------
    level : str
        ``"statements"``: as it was stored. Else it is written anew from the session's log.
    """
    try:
        if level == LEVELS[0]:
            return _code(version, version._storage.read(f"{version._folder}/{CODE_FILE}").decode("utf-8", "replace"), level, check=check)
        made = _from_log(version, level)
        return _code(version, made.text, level, labels=made.labels, widened=made.widened, check=check)
    except FileNotFoundError:
        return _as_it_ran(version, check)


def _from_log(version: Version, level: str) -> Script:
    session = session_of(version)
    key_folder = version._folder.rpartition("/")[0]
    if session is None:
        raise FileNotFoundError("the database does not hold the session")
    if (version.record.get("activity") or {}).get("kind") not in _FOLLOWED:
        raise FileNotFoundError("what stored it is not followed statement by statement")
    database_id = read_identity(version._storage).id
    used = used_of(version._storage, version.record)
    made = script_from_log(session, version.record, database_id=database_id, key=key_of_folder(key_folder), used=used, level=level)
    if made is None:
        raise FileNotFoundError("the session's log does not hold what stored it")
    return made


def _code(version: Version, text: str, level: str, *, labels: Any = None, widened: Any = None, check: Check | None = None) -> Code:
    facts = slice_of(version.record)
    labels = (facts.labels if facts else ()) if labels is None else labels
    widened = (facts.widened if facts else ()) if widened is None else widened
    return Code(text, key=version.key, link=version.link, level=level, labels=labels, widened=widened, check=check)


def _as_it_ran(version: Version, check: Check | None) -> Code:
    cell = cell_of(version)
    unknown = version.record.get("unknown")
    unknown = unknown if isinstance(unknown, dict) else {}
    because = str(unknown.get("slice") or unknown.get("all") or "the version was stored before slices were")
    if cell is None or cell.source is None:
        labels = [("no code", f"{because}; {_why_no_cell(version, cell)}")]
        return Code("", key=version.key, link=version.link, level=AS_IT_RAN, labels=labels, check=check)
    labels = [(f"whole {cell.kind}", because)]
    return Code(_whole(cell), key=version.key, link=version.link, level=AS_IT_RAN, labels=labels, check=check)


def _whole(cell: Cell) -> str:
    return (cell.source or "").rstrip("\n") + "\n"


def _why_no_cell(version: Version, cell: Cell | None) -> str:
    if cell is not None:
        return str(cell.facts.get("reason") or "its text is not known")
    has_activity = bool((version.record.get("activity") or {}).get("session"))
    return "the session that stored it is not in this database" if has_activity else "nothing says what stored it"


def session_of(version: Version) -> Session | None:
    """Return the session that stored a version, as far as its database holds it."""
    session_id = (version.record.get("activity") or {}).get("session")
    try:
        return read_session(version._storage, str(session_id)) if session_id else None
    except FileNotFoundError:
        return None


def cell_of(version: Version) -> Cell | None:
    """Return what stored a version."""
    session = session_of(version)
    line = (version.record.get("activity") or {}).get("line")
    return next((cell for cell in session.cells if cell.line == line), None) if session else None


def _history(version: Version) -> Code:
    """Return all that the session ran, with a comment on top of each cell."""
    session = session_of(version)
    if session is None:
        return _as_it_ran(version, None)
    head = f"# All that session {session.id} ran. It is for reading: not all of it is Python, and not all of it went well.\n"
    parts = [head, *[f"{_heading(cell, version)}\n{_whole(cell)}" for cell in session.cells]]
    return Code("\n\n".join(parts), key=version.key, link=version.link, level=HISTORY)


def _heading(cell: Cell, version: Version) -> str:
    name = f"cell [{cell.count}]" if cell.kind == "cell" and cell.count else cell.kind
    started = _time(cell.started)
    failed = f", failed: {cell.error}" if cell.outcome == "error" else ""
    stored = f", stored {version.key}@{version.number}" if cell.line == (version.record.get("activity") or {}).get("line") else ""
    return " ".join(f"# {name}{started}{stored}{failed}".split())


def _time(started: str | None) -> str:
    try:
        return f", {datetime.datetime.fromisoformat(started or ''):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return ""
