"""What a seal covers, and the head digest over it. ``docs/reference/format.md`` specifies it so that anybody can compute it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from isfdb.errors import CorruptVersionError
from isfdb.hashing import digest_of
from isfdb.keys import name_of_folder
from isfdb.layout.current import KEY_SUFFIX, METADATA_FILE, SESSIONS_FOLDER, TOMBSTONE_FILE, join, version_number
from isfdb.provenance.event_lines import sessions_in
from isfdb.storage.base import Storage

_FIRST_LINE = "isfdb seal 1"
_NO_SEAL_BEFORE = "-"


@dataclass
class Covered:
    """The state of a database: every version's record, and how far every session's log goes.

    Attributes
    ----------
    sessions : dict
        Id of a session -> how many lines its log has, digest of the last of them, which each line before it has a part in.
    versions : dict
        Folder of a version -> digest of its record.
    """

    sessions: dict[str, tuple[int, str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def n_keys(self) -> int:
        """Keys, deleted ones included."""
        return len({path.rpartition("/")[0] for path in self.versions})

    def head(self, database_id: str, previous: str | None) -> str:
        """Return the one digest over all of it."""
        lines = [_FIRST_LINE, f"database {database_id}", f"previous {previous or _NO_SEAL_BEFORE}"]
        lines += [f"session {session} {n} {digest}" for session, (n, digest) in sorted(self.sessions.items())]
        lines += [f"version {path} {digest}" for path, digest in sorted(self.versions.items())]
        return digest_of("".join([f"{line}\n" for line in lines]).encode())


def covered_now(storage: Storage) -> Covered:
    """Return what a seal made now would cover.

    Raises
    ------
    CorruptVersionError
        A version has no record.
    """
    # Logs first: what is added meanwhile is a version without its line, which the next seal covers whole.
    sessions = {session: last for session in sessions_in(storage) if (last := last_line(storage, session)) is not None}
    return Covered(sessions, {path: digest_of_record(storage, path) for path in version_folders(storage, "")})


def last_line(storage: Storage, session: str, n_lines: int | None = None) -> tuple[int, str] | None:
    """Return how many lines a log has, and the digest of the last; or, of its first `n_lines`; None where it has not as many."""
    lines = storage.read(f"{SESSIONS_FOLDER}/{session}.jsonl").split(b"\n")[:-1]
    n_lines = len(lines) if n_lines is None else n_lines
    return (n_lines, digest_of(lines[n_lines - 1])) if 0 < n_lines <= len(lines) else None


def version_folders(storage: Storage, folder: str) -> Iterator[str]:
    """Give the folder of every version at and below a database's folder."""
    waiting = [folder]
    while waiting:  # no recursion: folders may lie deeper than Python's stack
        folder = waiting.pop()
        for name in storage.list(folder):
            path = join(folder, name)
            if name.endswith(KEY_SUFFIX):
                yield from [f"{path}/{version}" for version in storage.list(path) if version_number(version) is not None]
            elif not name.startswith(".") and name_of_folder(name) is not None and storage.is_folder(path):
                waiting.append(path)


def digest_of_record(storage: Storage, folder: str) -> str:
    """Return the digest of a version's ``metadata.json`` or ``DELETED``, of its bytes as they are.

    Raises
    ------
    CorruptVersionError
        It has neither.
    """
    for name in (METADATA_FILE, TOMBSTONE_FILE):
        try:
            return digest_of(storage.read(f"{folder}/{name}"))
        except FileNotFoundError:
            continue
    raise CorruptVersionError(f"{folder} has no record, so it cannot be sealed. Run isfdb.verify(db).", path=folder)
