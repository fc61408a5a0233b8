"""ISF's own names for provenance, answered from our records: code written for ISF's ``db.metadata[key]`` goes on working."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from isfdb.exact_json import loads
from isfdb.layout.current import CODE_FOLDER, ENVIRONMENTS_FOLDER
from isfdb.provenance.session import read_session
from isfdb.storage.base import Storage


def isf_fields(storage: Storage, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `record` under ISF's names: dumper, time, history, hostname, module_versions and so on."""
    return IsfFields(storage, record)


class IsfFields(Mapping[str, Any]):
    """A record under the names ISF gave its members; each is computed when it is asked for, and None where it is not known.

    They keep ISF's types and tell more truth: ``version``, ``full-revisionid`` and ``dirty`` are about the user's sources, not about
    ISF's; ``history`` ends with the cell that stored the value.
    """

    def __init__(self, storage: Storage, record: Mapping[str, Any]) -> None:
        self._storage = storage
        self._record = record

    def __getitem__(self, name: str) -> Any:
        written = self._written()
        if name in written and name != "hostname":  # which ISF wrote with a line feed at its end
            return written[name]
        if name == "module_list" and "conda_list" in written:  # as ISF's older databases call it
            return written["conda_list"]
        return _FIELDS[name](self)

    def __iter__(self) -> Iterator[str]:
        return iter({**_FIELDS, **self._written()})

    def __len__(self) -> int:
        return len({**_FIELDS, **self._written()})

    def _written(self) -> Mapping[str, Any]:
        """Return what ISF itself wrote, where it did; of a copied value too."""
        found = self._record.get("isf")
        return found if isinstance(found, Mapping) else {}

    def _dumper(self) -> str | None:
        return self._record.get("dumper")

    def _time(self) -> list[int]:
        created = datetime.datetime.fromisoformat(self._record["created"])
        return [*created.utctimetuple()[:8], -1]  # -1: nothing is said about daylight saving, as in utcnow().timetuple()

    def _history(self) -> str | None:
        activity = self._record.get("activity") or {}
        line = activity.get("line")
        try:
            session = read_session(self._storage, str(activity.get("session")))
        except FileNotFoundError:  # a sub-database moved out by hand leaves its sessions behind
            return None
        return "\n".join([cell.source for cell in session.cells if cell.source is not None and line is not None and cell.line <= line])

    def _hostname(self) -> str | None:
        host = (self._record.get("by") or {}).get("host")
        return str(host).strip() if host else None

    def _module_versions(self) -> dict[str, str] | None:
        copied = self._copied_lists().get("module_versions")
        if isinstance(copied, dict):
            return dict(copied)
        imported = self._snapshot().get("imported")
        return dict(imported) if isinstance(imported, dict) else None

    def _module_list(self) -> str | None:
        copied = self._copied_lists()
        if copied:
            text = copied.get("module_list", copied.get("conda_list"))
            return text if isinstance(text, str) else None
        environment = self._load(ENVIRONMENTS_FOLDER, self._record.get("environment"))
        packages = {**(environment.get("packages") or {}), **(environment.get("conda") or {})}
        return "\n".join([f"{name}=={version}" for name, version in sorted(packages.items())]) or None

    def _metadata_creation_time(self) -> str:
        return "together_with_new_key"

    def _version(self) -> str | None:
        repositories: list[dict[str, Any]] = self._snapshot().get("repositories") or [{}]
        first = repositories[0]
        found = first.get("describe") or first.get("branch") or first.get("commit")
        return str(found) if found else None

    def _revision(self) -> str | None:
        return self._code.get("commit")

    def _dirty(self) -> bool | None:
        return self._code.get("dirty")

    def _error(self) -> str | None:
        return (self._record.get("unknown") or {}).get("code")

    def _copied_lists(self) -> Mapping[str, Any]:
        """Return what ISF knew about packages, of a value that was copied from it."""
        if "isf" not in self._record:
            return {}
        found = self._load(ENVIRONMENTS_FOLDER, self._record.get("environment")).get("isf")
        return found if isinstance(found, Mapping) else {}

    @property
    def _code(self) -> Mapping[str, Any]:
        return self._record.get("code") or {}

    def _snapshot(self) -> dict[str, Any]:
        return self._load(CODE_FOLDER, self._code.get("snapshot"))

    def _load(self, folder: str, digest: Any) -> dict[str, Any]:
        if not isinstance(digest, str) or "/" in digest:
            return {}
        try:
            found = loads(self._storage.read(f"{folder}/{digest}.json"))
        except (OSError, ValueError):  # verify names what is missing or damaged
            return {}
        return found if isinstance(found, dict) else {}


_FIELDS: dict[str, Callable[[IsfFields], Any]] = {
    "dirty": IsfFields._dirty,
    "dumper": IsfFields._dumper,
    "error": IsfFields._error,
    "full-revisionid": IsfFields._revision,
    "history": IsfFields._history,
    "hostname": IsfFields._hostname,
    "metadata_creation_time": IsfFields._metadata_creation_time,
    "module_list": IsfFields._module_list,
    "module_versions": IsfFields._module_versions,
    "time": IsfFields._time,
    "version": IsfFields._version,
}
