"""Which source code runs: the repositories of the working directory and of imported modules, and local modules outside any.

The look happens in a background thread, begun when a cell starts; a put takes the answer that is there, or waits as long as it is told
to and no longer. What git says is asked in git_state.py, which modules are the user's own in modules.py; this file puts it together.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

from isfdb.exact_json import compact
from isfdb.provenance.collectors.git_repository import Repository, find_repository, fingerprint
from isfdb.provenance.collectors.git_state import WorkTree, WorkTreeWatch
from isfdb.provenance.collectors.modules import LocalModule, ModuleScanner, changed_after_import, version_facts
from isfdb.provenance.collectors.packages import loaded
from isfdb.provenance.collectors.sources import home_hint, readable

#: All of git's answers together may take so long; what is missing then is named.
LOOK_TIMEOUT_S = 2.0
_MOST_REPOSITORIES = 50
_OURS = frozenset({"isfdb", "loaderdumpers", "initializers"})
_STATS_EVERY_S = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CodeSnapshot:
    """The source code as it was when it was looked at.

    Parameters
    ----------
    record : dict
        JSON-ready: ``repositories`` (the working directory's first), ``local_modules``, ``versions``, ``working_directory``,
        ``imported`` (distributions, name to version), ``changed_after_import``.
    blobs : dict
        File name (``<digest32>.patch``, ``<digest32>.py``) to content: patches and sources, without secrets.
    late : bool
        The look that was asked for is not finished; this is the one before.
    unknown : str or None
        Why something important is not known.
    digest : str
        First 32 hex digits of the BLAKE3 digest of `record`.
    """

    record: dict[str, Any]
    blobs: dict[str, bytes]
    late: bool
    unknown: str | None
    digest: str

    @property
    def summary(self) -> dict[str, Any]:
        """Commit, branch and dirty of the main repository: the working directory's, else the script's, else an imported one.

        Unknown where there is none but isfdb's own checkout, whose commit says nothing about the user's code.
        """
        main: dict[str, Any] = next(iter(self.record.get("repositories") or ()), {})
        if "working_directory" not in main and set(main.get("modules", ())) <= _OURS:
            main = {}
        return {name: main.get(name) for name in ("commit", "branch", "dirty")}


class CodeWatcher:
    """Looks at the code in the background and answers from what is there.

    Any thread may call; a forked child starts anew with the last answer. Nothing has to be closed.
    """

    def __init__(self) -> None:
        self._watches: dict[str, WorkTreeWatch] = {}
        self._scanner = ModuleScanner()
        self._newest: CodeSnapshot | None = None
        self._wanted = self._done = 0
        self._folder: str | None = None
        self._looked_at: tuple[str | None, int] = (None, 0)  # folder and number of modules of the newest look
        self._fingerprints: dict[str, tuple[int, ...]] = {}
        self._next_stats_s = 0.0
        self._start_anew()

    def _start_anew(self) -> None:
        # After a fork the thread is gone and the lock may be held for ever by nobody.
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def has_answer(self) -> bool:
        """Say whether an earlier look has ended, so that there is something to answer without waiting."""
        return self._newest is not None

    def ask(self) -> None:
        """Start looking in the background; called when a cell starts. Returns at once."""
        if self._pid != os.getpid():
            self._start_anew()
        with self._changed:
            self._want_new()

    def answer(self, wait_s: float = LOOK_TIMEOUT_S) -> CodeSnapshot:
        """Return the newest snapshot, waiting at most `wait_s` for the look that was asked for.

        A commit or checkout, another working directory, or a local module imported since start another look.
        """
        if self._pid != os.getpid():
            self._start_anew()
        with self._changed:
            if self._wanted == 0 or (self._done == self._wanted and self._has_moved()):
                self._want_new()
            elif self._done < self._wanted and self._thread is None:  # forked while it was looking
                self._start_thread()
            if self._done == self._wanted and self._newest is not None:
                return self._newest
            goal = self._wanted
            self._changed.wait_for(lambda: self._done >= goal, wait_s)
            newest = self._newest
            if self._done >= goal and newest is not None:
                return newest
        reason = f"git did not answer within {wait_s:g} s" if wait_s else "git had not answered yet"
        return replace(newest, late=True, unknown=reason) if newest is not None else _unknown(reason, late=True)

    def _want_new(self) -> None:
        self._wanted += 1
        self._folder = _current_folder()
        if self._thread is None:
            self._start_thread()

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._work, name="isfdb-code", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # the interpreter is ending, or no thread is left
            self._thread = None
            self._newest = _unknown(f"no thread to look at the code: {error}", late=False)
            self._done = self._wanted

    def _has_moved(self) -> bool:
        """Say whether something changed since the newest look that can be seen without git: four stats for each repository."""
        folder, modules = _current_folder(), len(sys.modules)
        if folder != self._looked_at[0]:
            return True
        if modules != self._looked_at[1]:
            if self._scanner.has_news():
                return True
            self._looked_at = (folder, modules)
        now = time.monotonic()
        if now < self._next_stats_s:
            return False
        self._next_stats_s = now + _STATS_EVERY_S
        return any(fingerprint(self._watches[root].repository) != state for root, state in list(self._fingerprints.items()))

    def _work(self) -> None:
        while True:
            with self._changed:
                goal, folder = self._wanted, self._folder
                if self._done >= goal:
                    self._thread = None
                    return
            looked_at = (folder, len(sys.modules))
            try:
                found = self._look(folder, time.monotonic() + LOOK_TIMEOUT_S)
            except Exception as error:  # noqa: BLE001 - a thread that dies would leave every later put waiting; the reason is recorded
                _log.debug("looking at the code failed", exc_info=True)
                found = _unknown(readable(f"looking at the code failed: {type(error).__name__}: {error}"), late=False)
            with self._changed:
                # The same content is the same object, so that whoever wrote it already sees that at once.
                same = self._newest is not None and (self._newest.digest, self._newest.unknown) == (found.digest, found.unknown)
                self._newest = self._newest if same else found
                self._done, self._looked_at = goal, looked_at
                self._next_stats_s = time.monotonic() + _STATS_EVERY_S
                self._changed.notify_all()

    def _look(self, folder: str | None, deadline: float) -> CodeSnapshot:
        modules = self._scanner.local_modules()
        uses = _uses_of_repositories(folder, modules)
        trees: dict[str, tuple[WorkTree, dict[str, Any]]] = {}
        fingerprints = {}
        while uses and len(trees) < _MOST_REPOSITORIES:
            root = next(iter(uses))
            repository, use = uses.pop(root)
            watch = self._watches.setdefault(root, WorkTreeWatch(repository))
            fingerprints[root] = fingerprint(repository)
            trees[root] = (watch.look(deadline), use)
            for child in _submodules(repository, trees[root][0]):
                if child.root not in trees:
                    uses.setdefault(child.root, (child, {"submodule_of": trees[root][0].record["name"]}))
        self._fingerprints = fingerprints
        record, blobs = self._put_together(folder, modules, trees)
        if uses:
            record["not_looked_at"] = [home_hint(root) for root in uses]
        return _snapshot(record, blobs)

    def _put_together(
        self, folder: str | None, modules: list[LocalModule], trees: dict[str, tuple[WorkTree, dict[str, Any]]]
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        local_modules, blobs = self._scanner.texts(modules)
        record: dict[str, Any] = {"working_directory": home_hint(folder) if folder is not None else None}
        if folder is None:
            record["unknown"] = {"working_directory": "it was deleted, or may not be read"}
        _tell_parents(trees)
        record["repositories"] = [tree.record | use for tree, use in trees.values()]
        for tree, _ in trees.values():
            blobs |= tree.blobs
        if local_modules:
            record["local_modules"] = local_modules
        if versions := version_facts():
            record["versions"] = versions
        record["imported"] = loaded()
        if changed := changed_after_import(modules):
            record["changed_after_import"] = changed
        return record, blobs


def _uses_of_repositories(folder: str | None, modules: list[LocalModule]) -> dict[str, tuple[Repository, dict[str, Any]]]:
    """Return the repositories to look at, most important first, each with what it is used for."""
    uses: dict[str, tuple[Repository, dict[str, Any]]] = {}
    if folder is not None and (repository := find_repository(folder)) is not None:
        within = os.path.relpath(folder, repository.root)
        uses[repository.root] = (repository, {"working_directory": readable(within)})
    # The script first, isfdb's own checkout last.
    for module in sorted(modules, key=lambda module: (module.name != "__main__", module.name.partition(".")[0] == "isfdb")):
        if module.repository is not None:
            _, use = uses.setdefault(module.repository.root, (module.repository, {}))
            names = use.setdefault("modules", [])
            if (name := module.name.partition(".")[0]) not in names:
                names.append(name)
    return uses


def _submodules(repository: Repository, tree: WorkTree) -> list[Repository]:
    paths = [os.path.join(repository.root, module["path"]) for module in tree.record.get("submodules", []) if module["checked_out"]]
    return [found for path in paths if (found := find_repository(path)) is not None and found.root == path]


def _tell_parents(trees: dict[str, tuple[WorkTree, dict[str, Any]]]) -> None:
    """Note in each repository which of its submodules are dirty; one with a dirty submodule is dirty. Innermost first."""
    for root, (tree, _) in reversed(list(trees.items())):
        for module in tree.record.get("submodules", []):
            child = trees.get(os.path.join(root, module["path"]))
            if child is not None:
                module["dirty"] = child[0].record["dirty"]
                if module["dirty"]:
                    tree.record["dirty"] = True


def _snapshot(record: dict[str, Any], blobs: dict[str, bytes]) -> CodeSnapshot:
    from blake3 import blake3

    repositories = record.get("repositories") or [{}]
    unknown = (record.get("unknown") or {}).get("working_directory") or repositories[0].get("unknown", {}).get("dirty")
    return CodeSnapshot(record, blobs, late=False, unknown=unknown, digest=blake3(compact(record).encode()).hexdigest()[:32])


def _unknown(reason: str, *, late: bool) -> CodeSnapshot:
    return replace(_snapshot({"unknown": {"code": reason}}, {}), late=late, unknown=reason)


def _current_folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # deleted while this process stands in it
        return None
