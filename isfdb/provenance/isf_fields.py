"""ISF's own names for provenance, answered from our records: code written for ISF's ``db.metadata[key]`` goes on working."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from isfdb.exact_json import loads
from isfdb.layout.current import CODE_FOLDER, ENVIRONMENTS_FOLDER
from isfdb.provenance.session import read_session
from isfdb.storage.base import Storage


class IsfFields(Mapping[str, Any]):
    """A record under the names ISF gave its members; each is computed when it is asked for."""

    def __init__(self, storage: Storage, record: Mapping[str, Any]) -> None:
        self._storage = storage
        self._record = record

    def __getitem__(self, name: str) -> Any:
        return _FIELDS[name](self._storage, self._record)

    def __iter__(self) -> Iterator[str]:
        return iter(_FIELDS)

    def __len__(self) -> int:
        return len(_FIELDS)


def isf_fields(storage: Storage, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `record` under ISF's names: dumper, time, history, hostname, module_versions and so on."""
    return IsfFields(storage, record)


def _load(storage: Storage, folder: str, digest: Any) -> dict[str, Any]:
    if not isinstance(digest, str) or "/" in digest:
        return {}
    try:
        found = loads(storage.read(f"{folder}/{digest}.json"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _code(storage: Storage, record: Mapping[str, Any]) -> dict[str, Any]:
    return record.get("code") or {}


def _time(storage: Storage, record: Mapping[str, Any]) -> list[int]:
    return list(datetime.datetime.fromisoformat(record["created"]).utctimetuple())[:8] + [-1]


def _history(storage: Storage, record: Mapping[str, Any]) -> str | None:
    activity = record.get("activity") or {}
    try:
        session = read_session(storage, str(activity.get("session")))
    except FileNotFoundError:
        return None
    return "\n".join([cell.source for cell in session.cells if cell.source is not None and cell.line <= activity.get("line", -1)])


def _versions(storage: Storage, record: Mapping[str, Any]) -> dict[str, str]:
    packages = _load(storage, ENVIRONMENTS_FOLDER, record.get("environment")).get("packages") or {}
    return {name: str(facts.get("version") if isinstance(facts, dict) else facts) for name, facts in packages.items()}


def _module_list(storage: Storage, record: Mapping[str, Any]) -> str:
    return "\n".join([f"{name}=={version}" for name, version in _versions(storage, record).items()])


def _description(storage: Storage, record: Mapping[str, Any]) -> str | None:
    repositories = _load(storage, CODE_FOLDER, _code(storage, record).get("snapshot")).get("repositories") or [{}]
    first = repositories[0]
    return first.get("describe") or first.get("branch") or first.get("commit")


_FIELDS: dict[str, Callable[[Storage, Mapping[str, Any]], Any]] = {
    "dirty": lambda storage, record: _code(storage, record).get("dirty"),
    "dumper": lambda storage, record: record.get("dumper"),
    "error": lambda storage, record: (record.get("unknown") or {}).get("code"),
    "full-revisionid": lambda storage, record: _code(storage, record).get("commit"),
    "history": _history,
    "hostname": lambda storage, record: (record.get("by") or {}).get("host"),
    "metadata_creation_time": lambda storage, record: "together_with_new_key",
    "module_list": _module_list,
    "module_versions": _versions,
    "time": _time,
    "version": _description,
}
