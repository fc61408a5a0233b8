"""How staged versions become visible: ``db["rates"] = df`` ends here. Seal, tell the session's log, flush, rename, flush.

``docs/explanation/commit_protocol.md`` gives the reasons for the order. What is staged, and how, is `writing.py`'s affair.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.errors import ConflictError, CorruptVersionError, DumpError, FormatVersionError, KeyExistsError, KeyNotFoundError, StorageError
from isfdb.failures import is_refusal, storage_failure
from isfdb.keys import key_of_folder
from isfdb.layout.current import (
    DELETED_SUFFIX,
    KEY_SUFFIX,
    LOADER_FILE,
    MAX_RECORD_BYTES,
    METADATA_FILE,
    TOMBSTONE_FILE,
    version_name,
    version_number,
)
from isfdb.manifest import sealed
from isfdb.provenance.events import Announcements
from isfdb.storage.base import Stage, Storage, TakenError
from isfdb.versions import VersionState, is_alive, numbers_of, state_of

#: Longer than NFS believes an old listing by default: 60 s.
LISTING_TIMEOUT_S: Final = 90.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Target:
    """Where a version goes, and what must be true there for it to be published."""

    storage: Storage
    folder: str  # of the database or sub-database
    name: str  # folder name of the key, without suffix
    key: str  # the whole key, for messages and the record
    expected_version: int | None = None
    overwrite: bool = True
    must_exist: bool = False
    key_folder: str = field(init=False)

    def __post_init__(self) -> None:
        self.key_folder = f"{self.folder}/{self.name}{KEY_SUFFIX}" if self.folder else self.name + KEY_SUFFIX


@dataclass(slots=True)
class Pending:
    """A staged version that waits to be published."""

    target: Target
    stage: Stage
    record: dict[str, Any]
    numbers: list[int]
    is_tombstone: bool = False
    number: int = 0
    revives: bool = False  # the version before is a tombstone
    is_chained: bool = False  # the record names its predecessor already: that one lies under another name now
    seal: str = ""
    text: str = ""  # of the record, sealed
    line: int | None = None  # of the session's log, which tells of it


def publish(storage: Storage, pending: Sequence[Pending], *, durable: bool) -> None:
    """Make staged versions visible: one wait for the disk before the renames, one after, however many there are.

    Raises
    ------
    ConflictError, KeyExistsError, KeyNotFoundError
        Another writer came first and the caller had asked to be told.
    StorageError
        The disk refused. What was published before the failure stays, each key whole.
    """
    waiting = list(pending)
    try:
        announcements = Announcements(storage)
        _announce(announcements, waiting)
        _lay_hints(storage, waiting)
        if durable:
            storage.prepare([one.stage for one in waiting])
        renamed: set[str] = set()
        while waiting:
            key_folder = waiting[0].target.key_folder
            if durable and key_folder in renamed:  # a power cut must not keep a key's later version and lose the one before
                storage.settle([one.stage for one in pending[: len(pending) - len(waiting)]])
                renamed.clear()
            _rename(storage, waiting[0], announcements, durable=durable)
            renamed.add(key_folder)
            waiting.pop(0)
        if durable:
            storage.settle([one.stage for one in pending])
        announcements.done([one.line for one in pending if one.line is not None])
    except OSError as error:
        if not waiting:
            raise _unsettled(error, pending, storage.location) from error
        n_published = len(pending) - len(waiting)
        what = f"publish {', '.join(repr(one.target.key) for one in waiting[:3])}"
        raise storage_failure(
            error, what + (f", after {n_published} others of its batch" if n_published else ""), storage.location
        ) from error
    finally:
        for one in waiting:
            storage.discard(one.stage)
    try:
        _tidy_hints(storage, pending)
    except OSError:  # the values are published; a hint too many costs the next listing a look, and the next writer tries again
        _log.info("a .deleted hint in %s could not be brought up to date", storage.location, exc_info=True)


def _unsettled(error: OSError, pending: Sequence[Pending], location: str) -> StorageError:
    """Return the error to raise where all was published, and the disk refused the last wait: stored once more, it would be there twice."""
    keys = ", ".join(repr(one.target.key) for one in pending[:3])
    return StorageError(
        f"{keys} was published, but {location} refused to say that it survives a power cut ({error.strerror or error}). "
        "Everybody can read it; read it back before you store it again.",
        database=location,
    )


def check_expectations(target: Target, numbers: list[int]) -> None:
    """Refuse where the caller asked to be told of what is there.

    Raises
    ------
    ConflictError, KeyExistsError, KeyNotFoundError
    """
    if target.expected_version is None and target.overwrite and not target.must_exist:
        return
    newest = numbers[-1] if numbers else 0
    alive = is_alive(target.storage, target.key_folder, numbers)
    if alive and not target.overwrite:
        raise KeyExistsError(
            f"{target.key!r} holds version {newest} already, and is not to be overwritten. Choose another key.", key=target.key
        )
    if target.must_exist and not alive:
        message = f"there is no key {target.key!r} in {target.storage.location}: somebody else deleted it just now."
        raise KeyNotFoundError(message, key=target.key, database=target.storage.location)
    expected = target.expected_version
    if expected is not None and expected != newest and not (expected == 0 and not alive):
        raise ConflictError(
            f"{target.key!r} was expected at version {expected} and is at {newest}: somebody else published. Read it again, then decide.",
            key=target.key,
            expected=expected,
            found=newest,
        )


def _announce(announcements: Announcements, pending: Sequence[Pending]) -> None:
    """Write the records, and tell the session's log of them; where that cannot be, write into the records why."""
    for one in pending:
        _seal(one, announcements)
    is_told = announcements.session is not None
    lines: Sequence[int | None] = announcements.tell([_event(one) for one in pending])
    for one, line in zip(pending, lines or [None] * len(pending), strict=True):
        one.line = line
        if is_told and line is None:
            _seal(one, announcements)


def _event(pending: Pending) -> dict[str, Any]:
    kind = "delete" if pending.is_tombstone else "publish"
    key = key_of_folder(pending.target.key_folder)
    return {"key": key, "kind": kind, "seal": pending.seal, "version": pending.number}


def _seal(pending: Pending, announcements: Announcements) -> None:
    """Write the record, which names the version before it; again whenever another writer's version came between."""
    target = pending.target
    pending.number = _next_number(target, pending.numbers, pending.stage.first)
    if not pending.is_chained:
        before = _before(target, pending.numbers[-1]) if pending.numbers else None
        pending.record["previous"] = before.record.get("record") if before else None
        pending.revives = pending.stage.first > 1 if before is None else before.is_tombstone
    pending.record |= announcements.members(pending.record)
    name = TOMBSTONE_FILE if pending.is_tombstone else METADATA_FILE
    pending.text, pending.seal = sealed(pending.record)
    data = pending.text.encode()
    _refuse_what_none_would_read(pending, name, len(data))
    target.storage.write(pending.stage, name, data)


def _refuse_what_none_would_read(pending: Pending, name: str, size: int) -> None:
    spec_size = pending.record.get("files", {}).get(LOADER_FILE, (0,))[0]
    for file, n_bytes in ((name, size), (LOADER_FILE, spec_size)):
        if n_bytes > MAX_RECORD_BYTES:
            raise DumpError(
                f"cannot store {pending.target.key!r}: its {file} would have {n_bytes:,} bytes, and {MAX_RECORD_BYTES:,} are the limit. "
                f"It has {len(pending.record.get('files', ())):,} files: store it in fewer, larger ones.",
                key=pending.target.key,
            )


def _next_number(target: Target, numbers: list[int], first: int) -> int:
    number = numbers[-1] + 1 if numbers else first
    if version_number(version_name(number)) is None:
        raise CorruptVersionError(
            f"cannot store {target.key!r}: its folder holds a version {numbers[-1]}, after which no number is left. "
            "isfdb never gave that number: move that folder away.",
            key=target.key,
        )
    return number


def _before(target: Target, number: int) -> VersionState | None:
    try:
        return state_of(target.storage, target.key_folder, number)
    except (OSError, CorruptVersionError, FormatVersionError) as error:
        if is_refusal(error):
            raise  # it may be read a moment later, and the chain would stay broken for ever
        return None  # the version before is damaged: verify reports it, and this save must not fail for it


def _rename(storage: Storage, pending: Pending, announcements: Announcements, *, durable: bool) -> None:
    """Publish under the next free number."""
    while True:
        try:
            storage.publish(pending.stage, pending.number)
        except TakenError:
            pending.numbers = _numbers_with_the_one_in_the_way(storage, pending)
            pending.is_chained = False
            check_expectations(pending.target, pending.numbers)
            _announce(announcements, [pending])
            if durable:
                storage.prepare([pending.stage])
        else:
            return


def _numbers_with_the_one_in_the_way(storage: Storage, pending: Pending) -> list[int]:
    """List until the version that came first shows: on NFS a name may be taken before the folder's listing here tells of it.

    Raises
    ------
    OSError
        It never does, so another try under the same number would fail like this one, for ever.
    """
    given_up, pause_s = time.monotonic() + LISTING_TIMEOUT_S, 0.001
    while True:
        numbers = numbers_of(storage, pending.target.key_folder)
        if (numbers and numbers[-1] >= pending.number) or not storage.is_folder(pending.target.key_folder):
            return numbers  # or the key was renamed meanwhile
        if time.monotonic() >= given_up:
            what = f"the name {version_name(pending.number)} is taken, and the folder does not list it"
            raise OSError(errno.ESTALE, what, pending.target.key_folder)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 0.5)


def was_renamed(error: StorageError, target: Target, numbers: Sequence[int]) -> bool:
    """Say whether a write failed because its key's folder, which held the versions `numbers`, was moved away: once more, then.

    The stage went along, and is swept when this process has ended.
    """
    return isinstance(error.__cause__, FileNotFoundError) and not set(numbers) <= set(numbers_of(target.storage, target.key_folder))


def hint_of(target: Target) -> str:
    """Return the record beside a key's folder that says: look whether this key was deleted."""
    return target.key_folder.removesuffix(KEY_SUFFIX) + DELETED_SUFFIX


def first_number(target: Target) -> int:
    """Return the number of the first version of a key that has no folder: above 1 where it was renamed and its tombstone is yet to come."""
    try:
        newest = target.storage.read(hint_of(target))
    except (FileNotFoundError, NotADirectoryError):
        return 1
    return int(newest) + 1 if newest.isdigit() and len(newest) < 16 else 1


def _lay_hints(storage: Storage, pending: Sequence[Pending]) -> None:
    """Lay the hint before the tombstone, so that one listing of the database suffices to know who is alive."""
    for one in pending:
        if one.is_tombstone:
            storage.put(hint_of(one.target), b"")


def _tidy_hints(storage: Storage, pending: Sequence[Pending]) -> None:
    """Bring hints in line with what is newest now: a rival may have deleted, or written, since."""
    for one in pending:
        hint = hint_of(one.target)
        if one.is_tombstone:
            storage.put(hint, b"")
        elif one.revives:
            storage.remove(hint)
            if not is_alive(storage, one.target.key_folder, numbers_of(storage, one.target.key_folder)):
                storage.put(hint, b"")
