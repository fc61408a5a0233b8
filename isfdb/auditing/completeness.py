"""Is a value explained? Looks whether all that a version's record names is there. It believes no verdict and runs nothing.

Explained means: the script is there, the sources are there (a commit, and the text of what was not committed), the environment and the
session's log are there, and every input has a digest. Each thing that is missing is a sentence; `advice_on` says what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from isfdb.display.safe import visible
from isfdb.entry import Version
from isfdb.exact_json import loads
from isfdb.layout.current import CODE_FILE, CODE_FOLDER, ENVIRONMENTS_FOLDER, INPUTS_FOLDER
from isfdb.provenance.records import Used, UsedFile, lists_of, slice_of, used_of
from isfdb.provenance.session import Cell, read_session
from isfdb.storage.base import Storage

#: What a lack begins with -> what to do about it, for the values that are stored from now on.
ADVICE: Final = {
    "script": "store the value in a cell or a script that isfdb sees; isfdb.code(db, key) says what is known of it",
    "session": "move databases with isfdb (db.rename, isfdb import), which brings the logs of sessions along; or copy .isfdb/sessions",
    "sources": "commit the code, or keep it in files that git knows or that are small, and store the value again",
    "environment": "copy .isfdb/environments from the database it was stored in, or store the value again",
    "inputs": "read files that stay where they are and are not fetched from the network, or store what was read: db['raw'] = ...",
    "record": "isfdb verify says what is wrong with it; a copy or backup of the database may have it whole",
}

#: What git could not tell that does not matter to whoever restores the sources.
_NOT_NEEDED: Final = frozenset({"describe"})
_MOST_NAMED: Final = 3
_MOST_LISTS: Final = 16
_UNREADABLE: Final = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


def advice_on(lack: str) -> str:
    """Return what to do about something that is missing."""
    return ADVICE.get(lack.partition(":")[0], "")


class Completeness:
    """What the records of one database lack. What versions share is looked at once.

    Parameters
    ----------
    storage : Storage
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._present = {folder: set(storage.list(folder)) for folder in (CODE_FOLDER, ENVIRONMENTS_FOLDER, INPUTS_FOLDER)}
        self._sessions: dict[str, Mapping[int, Cell] | str] = {}
        self._snapshots: dict[str, tuple[str, ...]] = {}
        self._inputs: dict[str, tuple[Used, ...]] = {}

    def lacks(self, version: Version) -> tuple[str, ...]:
        """Return what is missing to explain a version: a sentence each; nothing where it is explained."""
        try:
            found = [*self._script(version), *self._session(version), *self._sources(version), *self._environment(version)]
            return tuple([visible(lack, 400) for lack in [*found, *self._inputs_of(version)]])
        except _UNREADABLE as error:  # a forged record can hold anything
            return (visible(f"record: it cannot be understood: {type(error).__name__}: {error}", 400),)

    def used(self, version: Version) -> tuple[Used, ...]:
        """Return what a version was made from, as recorded; long lists, which versions share, are read once."""
        members = version.record.get("used")
        stored = members.get("stored") if isinstance(members, dict) else None
        if not isinstance(stored, str):
            return used_of(self._storage, version.record)
        if stored not in self._inputs:
            while len(self._inputs) >= _MOST_LISTS:  # in a loop each value has a list of its own, and all have thousands of inputs
                self._inputs.pop(next(iter(self._inputs)))
            self._inputs[stored] = used_of(self._storage, version.record)
        return self._inputs[stored]

    def _script(self, version: Version) -> Iterator[str]:
        if slice_of(version.record) is None:
            unknown = version.record.get("unknown")
            reason = (unknown.get("slice") or unknown.get("all")) if isinstance(unknown, dict) else None
            yield f"script: there is none: {reason or 'nothing says why'}"
        elif CODE_FILE not in self._storage.list(version._folder):
            yield f"script: {CODE_FILE} is not there, though the record names it"

    def _session(self, version: Version) -> Iterator[str]:
        cells = self._cells(version)
        line = _line(version)
        if isinstance(cells, str):
            yield f"session: {cells}"
        elif line not in cells:
            yield "session: its log does not hold what stored the value"
        elif cells[line].source is None:
            yield f"session: the text of what stored the value is not in its log: {cells[line].facts.get('reason') or 'nothing says why'}"

    def _cells(self, version: Version) -> Mapping[int, Cell] | str:
        """Return the cells of the session by line, or why they are not known."""
        session = _mapping(version.record.get("activity")).get("session")
        if not isinstance(session, str) or not session or "/" in session:
            return "nothing says what stored the value"
        if session not in self._sessions:
            try:
                self._sessions[session] = {cell.line: cell for cell in read_session(self._storage, session).cells}
            except FileNotFoundError:
                self._sessions[session] = f"its log {session} is not in this database"
            except _UNREADABLE as error:
                self._sessions[session] = f"its log {session} cannot be read: {type(error).__name__}"
        return self._sessions[session]

    def _environment(self, version: Version) -> Iterator[str]:
        digest = version.record.get("environment")
        if not isinstance(digest, str):
            yield f"environment: none was recorded{_because(version.record, 'environment')}"
        elif f"{digest}.json" not in self._present[ENVIRONMENTS_FOLDER]:
            yield f"environment: its record {digest} is not in this database"

    # Sources ---------------------------------------------------------------------------------------------------------------------

    def _sources(self, version: Version) -> Iterator[str]:
        digest = _mapping(version.record.get("code")).get("snapshot") or self._told_later(version)
        if not isinstance(digest, str):
            yield f"sources: none were recorded{_because(version.record, 'code')}"
            return
        if digest not in self._snapshots:
            self._snapshots[digest] = tuple(self._in_snapshot(digest))
        yield from self._snapshots[digest]

    def _told_later(self, version: Version) -> Any:
        """Return the snapshot that the session's log names: git may have answered after the put."""
        cells = self._cells(version)
        cell = cells.get(_line(version)) if not isinstance(cells, str) else None
        return _mapping(cell.facts.get("code")).get("snapshot") if cell is not None else None

    def _in_snapshot(self, digest: str) -> Iterator[str]:
        if f"{digest}.json" not in self._present[CODE_FOLDER]:
            yield f"sources: their record {digest} is not in this database"
            return
        record = _mapping(loads(self._storage.read(f"{CODE_FOLDER}/{digest}.json")))
        yield from (f"sources: {why}" for name, why in _mapping(record.get("unknown")).items() if name not in _NOT_NEEDED)
        for repository in _list(record.get("repositories")):
            yield from (f"sources: {repository.get('name')}: {lack}" for lack in self._in_repository(repository))
        for module in _list(record.get("local_modules")):
            if module.get("blob") not in self._present[CODE_FOLDER]:
                yield f"sources: {module.get('name')}: its text was not kept{_reason(module.get('left_out'))}"

    def _in_repository(self, repository: Mapping[str, Any]) -> Iterator[str]:
        unknown = {name: why for name, why in _mapping(repository.get("unknown")).items() if name not in _NOT_NEEDED}
        yield from (str(why) for why in unknown.values())
        files = _list(repository.get("files"))
        blobs = [name for name in (repository.get("patch"), *[one.get("blob") for one in files]) if name]
        if not repository.get("commit") and not blobs and not unknown and repository.get("modules"):
            yield "it has no commit"
        if missing := [str(name) for name in blobs if name not in self._present[CODE_FOLDER]]:
            yield f"{_some(missing)} is not in this database" if len(missing) == 1 else f"{_some(missing)} are not in this database"
        left_out = [*_list(repository.get("left_out")), *_list(repository.get("not_in_patch"))]
        if left_out:
            yield "not kept: " + _some([f"{one.get('path')} ({one.get('why')})" for one in left_out])

    # Inputs ----------------------------------------------------------------------------------------------------------------------

    def _inputs_of(self, version: Version) -> Iterator[str]:
        stored = _mapping(version.record.get("used")).get("stored")
        for digest in () if stored is None else (stored, *lists_of(self._storage, version.record)[1:]):
            if f"{digest}.json" not in self._present[INPUTS_FOLDER]:
                yield f"inputs: their list {digest} is not in this database"
        without = [one for one in self.used(version) if one.digest is None and not (isinstance(one, UsedFile) and one.written_here)]
        if without:
            named = [f"{one.path}{_reason(one.because)}" if isinstance(one, UsedFile) else one.link for one in without]
            yield f"inputs: no digest of {_some(named)}"


def _line(version: Version) -> int:
    line = _mapping(version.record.get("activity")).get("line")
    return line if type(line) is int else -1


def _because(record: Mapping[str, Any], question: str) -> str:
    unknown = _mapping(record.get("unknown"))
    return _reason(unknown.get(question) or unknown.get("all"))


def _reason(why: Any) -> str:
    return f": {why}" if why else ""


def _some(names: list[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")


def _mapping(member: Any) -> Mapping[str, Any]:
    return member if isinstance(member, Mapping) else {}


def _list(member: Any) -> list[Mapping[str, Any]]:
    return [one for one in member if isinstance(one, Mapping)] if isinstance(member, list) else []
