"""What an activity ran in, as nodes: its repositories, the user's modules outside git, its environment. It reads records, each once.

These are associated with the activity, not used by it: which of the imported sources a value needs is the slice's affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from isfdb.exact_json import loads
from isfdb.layout.current import CODE_FOLDER, ENVIRONMENTS_FOLDER
from isfdb.provenance.session import read_session
from isfdb.storage.base import Storage
from isfdb.tracing.graph import Node
from isfdb.tracing.places import UNREADABLE

#: Named first where they were imported, so that one environment can be told from another at a glance.
_WELL_KNOWN: Final = ("numpy", "pandas", "scipy", "xarray", "dask", "polars", "scikit-learn", "torch", "jax", "tensorflow", "matplotlib")
_OURS: Final = frozenset({"isfdb", "loaderdumpers", "initializers"})
_MOST_PACKAGES = 3
_MOST_RECORDS = 10_000


class Surroundings:
    """Reads the records that versions refer to by digest, each once."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._sessions: dict[tuple[str, str], Mapping[Any, Any]] = {}

    def nodes(self, storage: Storage, record: Mapping[str, Any]) -> Iterator[Node]:
        """Give what the activity that made a version ran in."""
        snapshot = self.snapshot(storage, record)
        for repository in repositories_of(snapshot):
            yield repository_node(repository)
        for module in local_modules_of(snapshot):
            yield module_node(module)
        if not snapshot and (node := _bare_commit(record)) is not None:
            yield node
        if (node := self._environment(storage, record, snapshot)) is not None:
            yield node

    def snapshot(self, storage: Storage, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the state of the sources that a version's record refers to; empty where it is not in this database."""
        code = _mapping(record.get("code"))
        late = self._told_later(storage, _mapping(record.get("activity"))) if code.get("late") else None
        return self._read(storage, CODE_FOLDER, late or code.get("snapshot"))

    def _told_later(self, storage: Storage, activity: Mapping[str, Any]) -> Any:
        """Return what the session's log says of the sources, where git answered only after the value was stored."""
        place = (storage.location, _text(activity.get("session")))
        if place not in self._sessions:
            try:
                cells = read_session(storage, place[1]).cells
            except UNREADABLE:
                cells = ()  # a sub-database moved out by hand leaves it behind
            told = {cell.line: _mapping(cell.facts.get("code")).get("snapshot") for cell in cells}
            self._sessions[place] = {line: snapshot for line, snapshot in told.items() if snapshot}
        return self._sessions[place].get(activity.get("line"))

    def _environment(self, storage: Storage, record: Mapping[str, Any], snapshot: Mapping[str, Any]) -> Node | None:
        digest = record.get("environment")
        if not isinstance(digest, str):
            return None
        found = self._read(storage, ENVIRONMENTS_FOLDER, digest)
        packages, imported = _mapping(found.get("packages")), _mapping(snapshot.get("imported"))
        python = found.get("python")
        main = [f"{name} {packages.get(name, imported.get(name))}" for name in _main_packages(imported, packages)]
        return Node(
            f"environment:{digest[:64]}",
            "environment",
            f"Python {python}" if isinstance(python, str) else f"environment {digest[:12]}",
            ", ".join(main),
            {"digest": digest[:64], "python": python, "n_packages": len(packages), "imported": dict(imported)},
            "" if found else "its record is not in this database",
        )

    def _read(self, storage: Storage, folder: str, digest: Any) -> Mapping[str, Any]:
        if not (isinstance(digest, str) and digest.isalnum() and len(digest) <= 64):
            return {}
        place = (storage.location, f"{folder}/{digest}.json")
        if place not in self._records and len(self._records) < _MOST_RECORDS:
            try:
                self._records[place] = _mapping(loads(storage.read(place[1])))
            except UNREADABLE:
                self._records[place] = {}  # a sub-database moved out by hand leaves it behind
        return self._records.get(place, {})


def repositories_of(snapshot: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the repositories of a snapshot, without isfdb's own checkout, whose commit says nothing about the user's code."""
    members = [one for one in _list(snapshot.get("repositories")) if isinstance(one, dict)]
    return [one for one in members if "working_directory" in one or not modules_of(one) or not set(modules_of(one)) <= _OURS]


def local_modules_of(snapshot: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the imported sources outside git."""
    return [one for one in _list(snapshot.get("local_modules")) if isinstance(one, dict) and isinstance(one.get("path"), str)]


def modules_of(repository: Mapping[str, Any]) -> list[str]:
    """Return the names of the modules that were imported from a repository."""
    return [name for name in _list(repository.get("modules")) if isinstance(name, str)]


def repository_node(repository: Mapping[str, Any]) -> Node:
    """Return a work tree, at a commit and with what was changed beyond it, as a node."""
    commit, patch = _text(repository.get("commit")), _text(repository.get("patch"))
    remotes = _mapping(repository.get("remotes"))
    name = _text(repository.get("name")) or "repository"
    where = _text(remotes.get("origin")) or next((text for one in remotes.values() if (text := _text(one))), "")
    state = f"commit {commit[:12]}" if commit else "no commit"
    dirty = ", changed" if repository.get("dirty") is True else "" if repository.get("dirty") is False else ", changed or not: unknown"
    facts = {member: repository.get(member) for member in ("root", "commit", "branch", "describe", "dirty", "patch")}
    facts |= {"remotes": dict(remotes), "modules": modules_of(repository)}
    return Node(f"repository:{where or _text(repository.get('root')) or name}@{commit}+{patch}", "repository", name, state + dirty, facts)


def module_node(module: Mapping[str, Any]) -> Node:
    """Return a module of the user's that lies outside git, as a node."""
    path, blob = str(module["path"]), _text(module.get("blob"))
    unknown = "" if blob else f"its text was not kept: {_text(module.get('left_out')) or 'no reason is given'}"
    facts = {"path": path, "module": module.get("name"), "blob": blob or None, "size": module.get("size"), "digest": None}
    return Node(f"file:{path}#{blob}", "file", path.rpartition("/")[2] or path, f"module {_text(module.get('name'))}", facts, unknown)


def _bare_commit(record: Mapping[str, Any]) -> Node | None:
    """Return what the version's own record says of the sources, where the snapshot it names is not there."""
    code = _mapping(record.get("code"))
    commit = _text(code.get("commit"))
    if not commit:
        return None
    facts = {"commit": commit, "branch": code.get("branch"), "dirty": code.get("dirty")}
    unknown = "its record is not in this database"
    return Node(f"repository:?@{commit}", "repository", "repository", f"commit {commit[:12]}", facts, unknown)


def _main_packages(imported: Mapping[str, Any], packages: Mapping[str, Any]) -> list[str]:
    known = imported or packages
    return [name for name in _WELL_KNOWN if name in known][:_MOST_PACKAGES]


def _mapping(member: Any) -> Mapping[str, Any]:
    return member if isinstance(member, dict) else {}


def _list(member: Any) -> list[Any]:
    return member if isinstance(member, list) else []


def _text(member: Any) -> str:
    return member if isinstance(member, str) else ""
