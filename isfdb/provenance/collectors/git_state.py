"""How a work tree differs from its commit: status, patch, untracked sources, submodules. One git process where nothing changed.

The patch runs only when status says dirty and the content moved; describe only when commit or tags did; the configuration is read only
when its file changed. Every answer that is missing is named under ``unknown``, and the others stay.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isfdb.provenance.collectors import git_repository
from isfdb.provenance.collectors.git_process import GitUnavailableError, ask_git
from isfdb.provenance.collectors.sources import Budget, SourceReader, home_hint, is_source, named_blob, readable, redact_bytes
from isfdb.provenance.redaction import redact

if TYPE_CHECKING:
    from isfdb.provenance.collectors.git_repository import Repository

_EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_MOST_BYTES_OF_A_CHANGED_FILE = 2 << 20
_MOST_BYTES_OF_A_PATCH = 8 << 20
_MOST_NAMES = 100
_UNTRACKED_TIMEOUT_S = 1.2  # listing a million untracked data files takes longer; then they are left out
_UNTRACKED_PAUSE_S = 300.0
_DIFF = (
    "--binary", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/",
    "--submodule=short", "--ignore-submodules=dirty", "-O/dev/null",
)  # fmt: skip


@dataclass(frozen=True)
class WorkTree:
    """What was found out about one repository."""

    record: dict[str, Any]
    blobs: dict[str, bytes]


@dataclass(frozen=True)
class _Status:
    """What ``git status`` said; paths relative to the root of the work tree."""

    text: bytes
    commit: str | None
    branch: str | None
    changed: tuple[str, ...]
    untracked: tuple[str, ...]


class WorkTreeWatch:
    """Looks at one repository again and again, and keeps what is still true.

    Parameters
    ----------
    repository : Repository
        Where it lies.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._sources = SourceReader()
        self._databases: set[str] = set()
        self._settings: tuple[Any, list[tuple[str, str]]] = (None, [])
        self._programs: list[str] = []
        self._description: tuple[Any, str | None] = (None, None)
        self._patch: tuple[Any, dict[str, Any], dict[str, bytes]] = (None, {}, {})
        self._skip_untracked_until = 0.0
        self._not_before = 0.0

    def look(self, deadline: float) -> WorkTree:
        """Find out what can be found out until `deadline` (``time.monotonic()``)."""
        record, unknown = self._facts_from_files(), {}
        blobs: dict[str, bytes] = {}
        if self.repository.is_bare:
            unknown["dirty"] = "a bare repository has no work tree"
        else:
            started = time.monotonic()
            try:
                record, blobs = self._facts_from_git(record, unknown, deadline)
            except GitUnavailableError as error:
                unknown["dirty"] = str(error)
                if "in time" in str(error):  # a file server that sleeps: not every cell shall start another process that hangs
                    self._not_before = time.monotonic() + 10 * (time.monotonic() - started)
        if unknown:
            record["unknown"] = unknown
        return WorkTree(record, blobs)

    def difference_from(self, commit: str, deadline: float) -> bytes:
        """Return how the files differ now from what a commit holds, as a patch without secrets and without notebooks.

        Raises
        ------
        GitUnavailableError
            Git does not answer, or does not know that commit.
        """
        if not git_repository.is_commit(commit):
            raise GitUnavailableError("that is no commit")  # a record may be forged, and this goes to a command line
        self._refuse_strange_settings(deadline)
        paths = [".", ":(top,exclude,glob)**/*.ipynb", *self._excluded_databases()]
        return redact_bytes(self._ask(["diff", *_DIFF, commit, "--", *paths], deadline, _MOST_BYTES_OF_A_PATCH))[0]

    def _facts_from_files(self) -> dict[str, Any]:
        repository = self.repository
        commit, branch = git_repository.head(repository)
        record: dict[str, Any] = {
            "name": readable(os.path.basename(repository.root)),
            "root": home_hint(repository.root),
            "commit": commit,
            "branch": readable(branch) if branch else None,
            "describe": None,
            "dirty": None,
            "remotes": git_repository.remotes(self._read_settings()),
        }
        if repository.is_bare:
            record["bare"] = True
        if (worktrees := git_repository.worktrees(repository)) is not None:
            record["worktrees"] = worktrees
        if paths := git_repository.submodule_paths(repository):
            record["submodules"] = [self._submodule(path) for path in paths]
        return record

    def _submodule(self, path: str) -> dict[str, Any]:
        folder = os.path.join(self.repository.root, path)
        found = git_repository.find_repository(folder)
        if found is None or found.root != os.path.abspath(folder):
            return {"path": readable(path), "commit": None, "checked_out": False}
        return {"path": readable(path), "commit": git_repository.head(found)[0], "checked_out": True}

    def _read_settings(self) -> list[tuple[str, str]]:
        paths = git_repository.config_paths(self.repository)
        state = [git_repository.modified(path) for path in paths]
        if self._settings[0] != state:
            text = "\n".join([git_repository.read_text(path) for path in paths])
            self._settings = (state, git_repository.read_config(text))
            self._programs = git_repository.own_programs(self._settings[1])
        return self._settings[1]

    def _facts_from_git(self, record: dict[str, Any], unknown: dict[str, str], deadline: float) -> tuple[dict[str, Any], dict[str, bytes]]:
        if time.monotonic() < self._not_before:
            raise GitUnavailableError("git did not answer in time a moment ago and was not asked again")
        self._refuse_strange_settings(deadline)
        for attempt in (1, 2):
            status = self._status(unknown, deadline)
            before = self._state_of_files(status)
            record |= {"commit": status.commit, "branch": readable(status.branch) if status.branch else None}
            record["dirty"] = bool(status.changed)
            found, blobs = self._content(status, unknown, deadline)
            if self._state_of_files(status) == before:
                break
            if attempt == 2:
                unknown["snapshot"] = "files changed while they were read"
        record["describe"] = self._describe(status.commit, unknown, deadline)
        return record | found, blobs

    def _refuse_strange_settings(self, deadline: float) -> None:
        settings = self._read_settings()
        elsewhere = next((value for name, value in settings if name == "core.worktree"), None)
        if elsewhere is not None:
            folder = os.path.realpath(os.path.join(self.repository.git_dir, elsewhere))
            if folder != os.path.realpath(self.repository.root):
                raise GitUnavailableError("its configuration says that its work tree lies elsewhere (core.worktree)")
        if any(name.startswith(("include.", "includeif.")) for name, _ in settings):
            answer = self._ask(["config", "--local", "--includes", "--null", "--list"], deadline)
            pairs = [item.partition(b"\n")[::2] for item in answer.split(b"\0")]
            self._programs = git_repository.own_programs([(os.fsdecode(name), os.fsdecode(value)) for name, value in pairs])

    def _ask(self, arguments: list[str], deadline: float, most_bytes: int = 32 << 20) -> bytes:
        answer = ask_git(arguments, folder=self.repository.root, deadline=deadline, most_bytes=most_bytes, programs=self._programs)
        if answer.status == 0:
            return answer.output
        if "dubious ownership" in answer.errors or "unsafe repository" in answer.errors:
            raise GitUnavailableError("git refuses this repository because it belongs to somebody else (git's setting safe.directory)")
        first_line = next((line for line in answer.errors.splitlines() if line.strip()), f"exit status {answer.status}")
        raise GitUnavailableError(f"git {arguments[0]} failed: {redact(first_line)[0][:200]}")

    def _status(self, unknown: dict[str, str], deadline: float) -> _Status:
        arguments = ["status", "--porcelain=v2", "--branch", "-z", "--ignore-submodules=dirty", "--no-renames", "--no-ahead-behind"]
        paths = ["--", ".", *self._excluded_databases()]
        now = time.monotonic()
        if now >= self._skip_untracked_until:
            try:
                within = min(deadline, now + _UNTRACKED_TIMEOUT_S)
                return self._without_databases(_parse_status(self._ask([*arguments, "--untracked-files=all", *paths], within)))
            except GitUnavailableError as error:
                if "in time" not in str(error) and "more than" not in str(error):
                    raise
                self._skip_untracked_until = time.monotonic() + _UNTRACKED_PAUSE_S
        status = _parse_status(self._ask([*arguments, "--untracked-files=no", *paths], deadline))
        unknown["untracked"] = "listing untracked files took too long"
        return self._without_databases(status)

    def _excluded_databases(self) -> list[str]:
        # What isfdb itself stores is no code, and a thousand keys would be listed with every cell.
        excluded = []
        for folder in sorted(self._databases):
            if folder:
                excluded.append(f":(top,exclude,literal){folder}")
            else:
                excluded += [":(top,exclude,glob)*.key/**", ":(top,exclude,literal).isfdb"]
        return excluded

    def _without_databases(self, status: _Status) -> _Status:
        for path in (*status.untracked, *status.changed):
            folder = _folder_of_database(path)
            if folder is None or folder in self._databases:
                continue
            if os.path.exists(os.path.join(self.repository.root, folder, "isfdb.json")):
                self._databases.add(folder)
        if not self._databases:
            return status
        changed = tuple([path for path in status.changed if not self._is_in_database(path)])
        untracked = tuple([path for path in status.untracked if not self._is_in_database(path)])
        return _Status(status.text, status.commit, status.branch, changed, untracked)

    def _is_in_database(self, path: str) -> bool:
        if "" in self._databases and (path.startswith(".isfdb/") or ".key/" in path or path in ("isfdb.json", "README.txt")):
            return True
        return any(folder and path.startswith(folder + "/") for folder in self._databases)

    def _state_of_files(self, status: _Status) -> tuple[Any, ...]:
        root = self.repository.root
        paths = (*status.changed, *[path for path in status.untracked if is_source(path)])
        return (git_repository.fingerprint(self.repository), [git_repository.modified(os.path.join(root, path)) for path in paths])

    def _content(self, status: _Status, unknown: dict[str, str], deadline: float) -> tuple[dict[str, Any], dict[str, bytes]]:
        notebooks = [path for path in status.changed if path.endswith(".ipynb")]
        found, blobs = self._keep_sources(notebooks, [path for path in status.untracked if is_source(path)])
        if status.changed:
            found["changed"] = [readable(path) for path in status.changed[:_MOST_NAMES]]
            facts, patch = self._patch_of(status, notebooks, unknown, deadline)
            found |= facts
            blobs |= patch
        return found, blobs

    def _keep_sources(self, changed: list[str], untracked: list[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
        budget, files, left_out, blobs = Budget(), [], [], {}
        for state, path in [("changed", path) for path in changed] + [("untracked", path) for path in sorted(untracked)]:
            full = os.path.join(self.repository.root, path)
            kept = self._sources.read(full, budget)
            if isinstance(kept, str):
                if os.path.lexists(full):  # a notebook that was removed is a change without a content
                    left_out.append({"path": readable(path), "why": kept})
                continue
            blobs[kept.blob] = kept.content
            files.append({"path": readable(path), "state": state} | kept.facts() | ({"executable": True} if _is_executable(full) else {}))
        found: dict[str, Any] = {}
        if files:
            found["files"] = files
        if left_out:
            found["left_out"] = left_out[:_MOST_NAMES]
        return found, blobs

    def _patch_of(
        self, status: _Status, notebooks: list[str], unknown: dict[str, str], deadline: float
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        root = self.repository.root
        states = [git_repository.modified(os.path.join(root, path)) for path in status.changed]
        large = [path for path, state in zip(status.changed, states, strict=True) if state[1] > _MOST_BYTES_OF_A_CHANGED_FILE]
        key = (status.text, states, tuple(sorted(self._databases)))
        if self._patch[0] != key:
            excluded = [f":(top,exclude,literal){path}" for path in {*large, *notebooks}]
            try:
                patch = self._diff(status, [*excluded, *self._excluded_databases()], deadline)
            except GitUnavailableError as error:
                unknown["patch"] = str(error)
                return {"patch": None}, {}
            self._patch = (key, *_kept_patch(patch, large))
        return dict(self._patch[1]), dict(self._patch[2])

    def _diff(self, status: _Status, excluded: list[str], deadline: float) -> bytes:
        hash_name = dict(self._read_settings()).get("extensions.objectformat", "sha1")
        base = "HEAD" if status.commit else _EMPTY_TREE.get(hash_name, _EMPTY_TREE["sha1"])
        return self._ask(["diff", *_DIFF, base, "--", ".", *excluded], deadline, _MOST_BYTES_OF_A_PATCH)

    def _describe(self, commit: str | None, unknown: dict[str, str], deadline: float) -> str | None:
        if commit is None:
            return None
        state = (commit, git_repository.tags_fingerprint(self.repository))
        if self._description[0] != state:
            if not git_repository.has_tags(self.repository):
                self._description = (state, commit[:12])
            else:
                try:
                    answer = self._ask(["describe", "--tags", "--long", "--always", "--abbrev=12"], deadline)
                except GitUnavailableError as error:
                    unknown["describe"] = str(error)
                    return None
                self._description = (state, readable(os.fsdecode(answer).strip()))
        return self._description[1]


def _is_executable(path: str) -> bool:
    try:
        return bool(os.lstat(path).st_mode & stat.S_IXUSR)
    except OSError:  # removed this moment
        return False


def _parse_status(text: bytes) -> _Status:
    commit = branch = None
    changed, untracked = [], []
    items = iter(text.split(b"\0"))
    for item in items:
        kind = item[:1]
        if item.startswith(b"# branch.oid "):
            commit = None if item.endswith(b"(initial)") else item[13:].decode("ascii", "replace")
        elif item.startswith(b"# branch.head "):
            branch = None if item.endswith(b" (detached)") else os.fsdecode(item[14:])
        elif kind in (b"1", b"2", b"u"):
            changed.append(os.fsdecode(item.split(b" ", {b"1": 8, b"2": 9, b"u": 10}[kind])[-1]))
            if kind == b"2":  # a rename names its origin in the next item
                changed.append(os.fsdecode(next(items)))
        elif kind == b"?":
            untracked.append(os.fsdecode(item[2:]))
    return _Status(text, commit, branch, tuple(changed), tuple(untracked))


def _folder_of_database(path: str) -> str | None:
    """Return the folder of the database that a file of this name would lie in, or None."""
    if path == "isfdb.json" or path.endswith("/isfdb.json"):
        return path[: -len("/isfdb.json")] if "/" in path else ""
    parts = path.split("/")
    for position, part in enumerate(parts[:-1]):
        if part.endswith(".key") or part == ".isfdb":
            return "/".join(parts[:position])
    return None


def _kept_patch(patch: bytes, large: list[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    facts: dict[str, Any] = {"patch": None}
    blobs = {}
    if patch:
        content, redacted = redact_bytes(patch)
        facts["patch"] = named_blob(content, ".patch")
        blobs[facts["patch"]] = content
        if redacted:
            facts["patch_redacted"] = redacted  # it may no longer apply
    if large:
        facts["not_in_patch"] = [{"path": readable(path), "why": "larger than 2 MB"} for path in large[:_MOST_NAMES]]
    return facts, blobs
