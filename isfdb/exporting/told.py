"""Words, times and names that several kinds of export say alike. It knows no format."""

from __future__ import annotations

import datetime
from typing import Any

from isfdb.display.words import what_text
from isfdb.exporting.subject import Subject, ToldVersion
from isfdb.hashing import digest_of
from isfdb.provenance.records import UsedFile
from isfdb.provenance.session import Cell

_KINDS = {"script": "script", "test": "test", "task": "task of a worker", "callback": "callback", "interactive": "Python prompt"}


def title_of(version: ToldVersion) -> str:
    """Return ``rates v2: ndarray 1000 float64``."""
    if not version.is_value:
        return f"{version.key} v{version.number}: deleted"
    return f"{version.key} v{version.number}: {what_text(version.describe, str(version.record.get('dumper') or ''))}"


def cell_title(cell: Cell | None) -> str:
    """Return ``cell [3]``, ``script analysis.py`` or the like."""
    if cell is None:
        return "what ran is not known"
    name = cell.facts.get("test") or str(cell.facts.get("file") or "").rpartition("/")[2]
    if cell.kind == "cell":
        return "cell" if cell.count is None else f"cell [{cell.count}]"
    return " ".join([word for word in (_KINDS.get(cell.kind, cell.kind), str(name)) if word])


def times_of(cell: Cell | None) -> tuple[str | None, str | None]:
    """Return when something began and ended, as ISO-8601; None where that is not known."""
    started = moment(cell.started) if cell else None
    if cell is None or started is None:
        return None, None
    if cell.duration_s is None or cell.outcome == "running":
        return started.isoformat(), None
    return started.isoformat(), (started + datetime.timedelta(seconds=cell.duration_s)).isoformat()


def moment(text: Any) -> datetime.datetime | None:
    """Return a time that a record gives, with its offset; None where it gives none that can be understood."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def name_of_file(used: UsedFile) -> str:
    """Return a name for a file that was read, the same wherever that file is told of."""
    return digest_of(f"{used.path}\n{used.size}\n{used.mtime}\n{used.digest}".encode())[:32]


def user_of(version: ToldVersion) -> str | None:
    """Return who stored a version."""
    return _by(version, "user")


def host_of(version: ToldVersion) -> str | None:
    """Return on which computer it was stored."""
    return _by(version, "host")


def _by(version: ToldVersion, name: str) -> str | None:
    by = version.record.get("by")
    found = by.get(name) if isinstance(by, dict) else None
    return found if isinstance(found, str) and found else None


def code_of(subject: Subject, version: ToldVersion) -> str | None:
    """Return the text of ``code.py``; None where there is none."""
    if not version.has_code:
        return None
    try:
        return subject.storage.read(f"{version.state.folder}/code.py").decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def packages_of(environment: dict[str, Any]) -> dict[str, str]:
    """Return name and version of every installed package."""
    packages = environment.get("packages")
    return {str(name): str(version) for name, version in packages.items()} if isinstance(packages, dict) else {}


def repositories_of(sources: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is known of the git work trees that code came from, the most important first."""
    found = sources.get("repositories")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
