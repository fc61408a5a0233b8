"""Which imported modules are the user's own source, and what they say about their version. It reads sys.modules and imports nothing.

A module is local when it lies neither in the standard library nor in an environment's site-packages, unless its package there is a
checkout of its own. No attribute of a module is asked for that is not in its dictionary: lazy modules would import on being asked.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from isfdb.provenance.collectors.git_repository import Repository, find_repository, modified
from isfdb.provenance.collectors.sources import Budget, SourceReader, home_hint, is_source, readable

_ENVIRONMENT_FOLDERS = ("site-packages", "dist-packages")
_FACTS_OF_VERSIONEER = ("version", "full-revisionid", "dirty", "error", "date")


@dataclass(frozen=True)
class LocalModule:
    """One imported module with a file of the user's."""

    name: str
    path: str
    repository: Repository | None
    state: tuple[int, int, int]  # of the file when the module was first seen


class ModuleScanner:
    """Keeps what was found out about each imported module, so that looking again costs little."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}
        self._local: dict[str, LocalModule] = {}
        self._repositories: dict[str, Repository | None] = {}
        self._checkouts: dict[str, bool] = {}
        self._sources = SourceReader()
        self._outside = _environment_folders()

    def has_news(self) -> bool:
        """Say whether a local module was imported since the last :meth:`local_modules`."""
        seen = self._seen
        return any(self._is_local(path) for name, path in _files() if seen.get(name) != path)

    def local_modules(self) -> list[LocalModule]:
        """Return the imported local modules, sorted by name."""
        for name, path in _files():
            if self._seen.get(name) != path:
                self._seen[name] = path
                self._local.pop(name, None)
                if self._is_local(path):
                    self._local[name] = LocalModule(name, path, self._repository_of(path), modified(path))
        return [self._local[name] for name in sorted(self._local) if name in sys.modules]

    def texts(self, modules: list[LocalModule]) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
        """Return facts and texts of those local modules that lie in no work tree."""
        records, blobs, budget = [], {}, Budget()
        for module in modules:
            if module.repository is not None:
                continue
            kept = self._sources.read(module.path, budget) if is_source(module.path) else "is no source file"
            facts = {"name": module.name, "path": home_hint(module.path)}
            if isinstance(kept, str):
                records.append(facts | {"left_out": kept})
            else:
                blobs[kept.blob] = kept.content
                records.append(facts | kept.facts())
        return records, blobs

    def _is_local(self, path: str) -> bool:
        for folder in _ENVIRONMENT_FOLDERS:
            before, found, rest = path.rpartition(f"/{folder}/")
            if found:
                return self._is_checkout(f"{before}/{folder}/{rest.partition('/')[0]}")
        return not path.startswith(self._outside)

    def _is_checkout(self, package: str) -> bool:
        if package not in self._checkouts:
            self._checkouts[package] = os.path.lexists(os.path.join(package, ".git"))
        return self._checkouts[package]

    def _repository_of(self, path: str) -> Repository | None:
        folder = os.path.dirname(path)
        if folder not in self._repositories:
            self._repositories[folder] = find_repository(folder)
        return self._repositories[folder]


def changed_after_import(modules: list[LocalModule]) -> list[str]:
    """Return the names of modules whose file was written after the module was first seen: what runs is not what the file says."""
    return [module.name for module in modules if modified(module.path) != module.state]


def version_facts() -> dict[str, dict[str, Any]]:
    """Return Versioneer's facts for imported packages that carry them as data.

    The other form of ``_version.py`` starts git when asked; for those the work tree itself was looked at.
    """
    found = {}
    for name, module in list(sys.modules.items()):
        if not name.endswith("._version"):
            continue
        members = _members(module)
        facts = _versioneer(members) or _setuptools_scm(members)
        if facts:
            found[name.removesuffix("._version")] = facts
    return dict(sorted(found.items()))


def _versioneer(members: dict[str, Any]) -> dict[str, Any] | None:
    text = members.get("version_json")
    if not isinstance(text, str) or "get_versions" not in members:
        return None
    try:
        facts = json.loads(text)
        return {name: facts.get(name) for name in _FACTS_OF_VERSIONEER}
    except (ValueError, AttributeError):  # somebody else's `version_json`
        return None


def _setuptools_scm(members: dict[str, Any]) -> dict[str, Any] | None:
    version, commit = members.get("__version__"), members.get("__commit_id__")
    if not isinstance(version, str) or not isinstance(commit, str):
        return None
    return {"version": readable(version), "full-revisionid": readable(commit.removeprefix("g"))}


def _files() -> list[tuple[str, str]]:
    files = []
    for name, module in list(sys.modules.items()):
        path = _members(module).get("__file__")
        if type(path) is str and os.path.isabs(path):
            files.append((name, path))
    return files


def _members(module: Any) -> dict[str, Any]:
    # Some libraries put objects into sys.modules that import half of themselves when an attribute is asked for.
    try:
        members = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return {}
    return members if isinstance(members, dict) else {}


def _environment_folders() -> tuple[str, ...]:
    """Return the folders of the standard library and of installed commands."""
    folders = {os.path.dirname(os.__file__), os.path.dirname(os.path.realpath(os.__file__))}
    for prefix in {sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix)}:
        folders |= {os.path.join(prefix, "bin"), os.path.join(prefix, "Scripts")}
    return tuple(folder + os.sep for folder in sorted(folders))
