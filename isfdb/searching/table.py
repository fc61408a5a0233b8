"""One database as a search sees it: facts in columns, and what many keys share, read when it is asked for. Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from isfdb.errors import IsfdbError
from isfdb.exact_json import loads
from isfdb.keys import folder_name
from isfdb.layout.current import CODE_FILE, ENVIRONMENTS_FOLDER, KEY_SUFFIX, version_name
from isfdb.provenance.session import read_session
from isfdb.searching.facts import STORED, inputs_text
from isfdb.storage.base import Storage


def key_folder_of(key: str) -> str:
    """Return the folder of a key, relative to the database."""
    return "/".join([folder_name(name) for name in key.split("/")]) + KEY_SUFFIX


class Table:
    """Facts about keys, column by column, and the records they refer to.

    Parameters
    ----------
    storage : Storage
    kept : dict of list
        Columns that were kept from earlier.
    read : dict of list
        Columns that were read now; their rows follow the kept ones.
    texts : dict
        Sources that were kept from earlier; those read now are added.
    """

    def __init__(self, storage: Storage, kept: dict[str, list[Any]], read: dict[str, list[Any]], texts: dict[str, str]) -> None:
        self.storage = storage
        self.texts = texts
        self._kept = kept
        self._read = read
        self._columns: dict[str, list[Any]] = {}
        self._packages: dict[str, dict[str, str]] = {}
        self._inputs: dict[str, str] = {}
        self._sessions: dict[str, dict[int, str]] = {}
        self._tests: dict[int, tuple[Any, Callable[[int], bool]]] = {}

    def column(self, name: str) -> list[Any]:
        """Return a fact about every key."""
        if name not in self._columns:
            self._columns[name] = self._kept.get(name, []) + self._read[name]
        return self._columns[name]

    def test(self, term: Any) -> Callable[[int], bool]:
        """Return what tells whether a condition holds for a row; made once for each condition."""
        if id(term) not in self._tests:
            self._tests[id(term)] = term, term.holds(self)  # as long as the term is held, no other has its id
        return self._tests[id(term)][1]

    def packages(self, row: int) -> dict[str, str]:
        """Return the packages that were installed where a value was made, and their versions; ``python`` is one of them."""
        digest = self.column("environment")[row]
        if digest not in self._packages:
            self._packages[digest] = _packages(self._record(f"{ENVIRONMENTS_FOLDER}/{digest}.json")) if _is_name(digest) else {}
        return self._packages[digest]

    def inputs(self, row: int) -> str:
        """Return what a value was made from, one a line."""
        found: str = self.column("inputs")[row]
        if not found.startswith(STORED):
            return found
        if found not in self._inputs:
            self._inputs[found] = inputs_text(self.storage, {"used": {"stored": found.removeprefix(STORED)}})
        return self._inputs[found]

    def sources(self, row: int) -> tuple[str, str]:
        """Return ``code.py`` and the source of the cell that stored a value; empty where there is none."""
        return self._code(row), self._cell(row)

    def _code(self, row: int) -> str:
        digest = self.column("code")[row]
        if digest and digest not in self.texts:
            folder = f"{key_folder_of(self.column('key')[row])}/{version_name(self.column('number')[row])}"
            try:
                self.texts[digest] = self.storage.read(f"{folder}/{CODE_FILE}").decode("utf-8", "replace")
            except OSError:
                return ""  # verify reports it
        return self.texts[digest] if digest else ""

    def _cell(self, row: int) -> str:
        session, line = self.column("session")[row], self.column("line")[row]
        name = f"{session}/{line}"
        if not session or line < 0 or name in self.texts:
            return self.texts.get(name, "")
        if session not in self._sessions:
            self._sessions[session] = self._read_sources(session)
        source = self._sessions[session].get(line, "")
        if source:
            self.texts[name] = source
        return source

    def _read_sources(self, session: str) -> dict[int, str]:
        try:
            return {cell.line: cell.source for cell in read_session(self.storage, session).cells if isinstance(cell.source, str)}
        except (OSError, IsfdbError, ValueError, TypeError, AttributeError):
            return {}  # a sub-database moved out by hand leaves its sessions behind; verify reports what is damaged

    def _record(self, path: str) -> dict[str, Any]:
        try:
            found = loads(self.storage.read(path))
        except (OSError, ValueError, RecursionError):
            return {}  # as above
        return found if isinstance(found, dict) else {}


def _is_name(digest: str) -> bool:
    return digest.isalnum() and len(digest) <= 128


def _packages(record: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("conda", "packages"):
        members = record.get(name)
        if isinstance(members, dict):
            found |= {_normal(one): version for one, version in members.items() if isinstance(version, str)}
    python = record.get("python")
    return found | ({"python": python} if isinstance(python, str) else {})


def _normal(name: str) -> str:
    return name.casefold().replace("_", "-").replace(".", "-")


def package_name(name: str) -> str:
    """Return the name under which a package is looked up: ``Scikit_Learn`` is ``scikit-learn``."""
    return _normal(name)


def attributes_of(text: str) -> dict[str, Any]:
    """Return the attributes that a column holds as JSON."""
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}
