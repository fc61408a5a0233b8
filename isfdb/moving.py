"""Renames, copies and removes keys and whole databases. A renamed key leaves a tombstone, so that no number is used twice."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from isfdb import plugins
from isfdb.attributes import Attributes
from isfdb.blocks import OWN, Block
from isfdb.errors import ConflictError, IncompleteVersionError, KeyExistsError, KeyNotFoundError, StorageError, VersionGoneError
from isfdb.failures import storage_failure
from isfdb.hashing import digest_of
from isfdb.keys import key_of_folder, name_of_folder
from isfdb.layout.current import FORMAT, KEY_SUFFIX, LOADER_FILE, RECLAIMED_FILE, RESERVED_FILES, join
from isfdb.loader_spec import LoaderSpec
from isfdb.manifest import digest_of_files, sizes_differ
from isfdb.name_clashes import check_new_key, check_new_sub_database
from isfdb.provenance.capture import capture
from isfdb.provenance.events import Announcements
from isfdb.publishing import Pending, Target, check_expectations, first_number, hint_of, publish
from isfdb.reading import Found, find
from isfdb.storage.base import Stage, Storage, TakenError
from isfdb.trust import is_signed_by_me, payload
from isfdb.versions import is_alive, numbers_of, state_of
from isfdb.writing import now, signature_of, stage_tombstone

_log = logging.getLogger(__name__)


def move_key(source: Target, target: Target, carried: Any, *, durable: bool) -> None:
    """Rename a key: its folder first, in one step, then a tombstone under the old name.

    Killed in between, the key is whole under its new name and the old name holds nothing.

    Raises
    ------
    KeyNotFoundError, KeyExistsError, KeyKindError, KeyCollisionError, StorageError
    """
    storage = source.storage
    numbers = numbers_of(storage, source.key_folder)
    if not is_alive(storage, source.key_folder, numbers):
        raise KeyNotFoundError(f"cannot rename {source.key!r}: there is no such key in {storage.location}. See db.keys().", key=source.key)
    try:
        if numbers_of(storage, target.key_folder):  # the name was used and deleted: its numbers go on
            _move_onto_used_name(source, target, carried, durable=durable)
        else:
            check_new_key(storage, target.folder, target.name, target.key)
            _move_to_new_name(source, target, carried, numbers[-1], durable=durable)
    except TakenError as error:
        raise KeyExistsError(f"cannot rename {source.key!r} to {target.key!r}: that key appeared meanwhile.", key=target.key) from error
    except OSError as error:
        if isinstance(error, FileNotFoundError) and storage.is_folder(source.folder):
            raise _vanished(source) from error
        raise storage_failure(error, f"rename {source.key!r}", storage.location) from error


def _vanished(source: Target) -> KeyNotFoundError:
    what = f"cannot rename {source.key!r}: somebody else renamed or deleted it just now. See db.keys()."
    return KeyNotFoundError(what, key=source.key, database=source.storage.location)


def _move_to_new_name(source: Target, target: Target, carried: Any, newest: int, *, durable: bool) -> None:
    storage = source.storage
    last = state_of(storage, source.key_folder, newest)
    storage.replace(hint_of(source), b"%d" % last.number, flushed=durable)  # whoever stores under the old name counts on from there
    _move(storage, source.key_folder, target.key_folder, durable=durable)
    with contextlib.suppress(FileNotFoundError):  # somebody has renamed it on already
        for number in numbers_of(storage, target.key_folder)[-1:]:  # others may have stored, or deleted, until the very move
            last = state_of(storage, target.key_folder, number)
    if last.is_tombstone and last.record.get("key") == source.key:
        _move_back(source, target, durable=durable)
        raise _vanished(source)
    stage = storage.stage(source.key_folder, is_new=True, first=last.number + 1)
    record = {"created": now(), "format": FORMAT, "key": source.key, "nonce": stage.nonce, "renamed_to": target.key}
    record |= capture(storage, carried)
    record["previous"] = last.record.get("record")
    tombstone = Pending(replace(source, overwrite=False), stage, record, [last.number], is_tombstone=True, is_chained=True)
    try:
        publish(storage, [tombstone], durable=durable)
    except KeyExistsError:
        _log.debug("%r was stored anew while it was renamed to %r: that value stays", source.key, target.key)


def _move_back(source: Target, target: Target, *, durable: bool) -> None:
    """Undo the move of what turned out to be a tombstone: somebody else deleted or renamed the key before its folder was moved."""
    source.storage.put(hint_of(target), b"")
    try:
        _move(source.storage, target.key_folder, source.key_folder, durable=durable)
    except TakenError:
        _log.debug("%r was stored anew: its earlier versions stay under %r, deleted", source.key, target.key)
    else:
        source.storage.remove(hint_of(target))


def _move(storage: Storage, old: str, new: str, *, durable: bool) -> None:
    """Move a folder, having told the session's log: or nobody could tell it from a swap by hand."""
    announcements = Announcements(storage, always=True)
    lines = announcements.tell([{"key": key_of_folder(old), "kind": "rename", "to": key_of_folder(new)}])
    if durable:
        storage.prepare([])
    storage.move(old, new)
    announcements.done(lines)


def _move_onto_used_name(source: Target, target: Target, carried: Any, *, durable: bool) -> None:
    """Copy the newest version and the notes, then delete the old name; again as often as somebody stores under that one meanwhile."""
    copy = replace(target, overwrite=False)
    while True:
        newest = numbers_of(source.storage, source.key_folder)[-1:]
        pending = _copy_for_rename(source, copy, carried, durable=durable)
        copy = replace(target, expected_version=pending.number)
        tombstone: Pending | None = None
        try:
            notes = _carry_notes(source, target, None, durable=durable)
            tombstone = stage_tombstone(replace(source, expected_version=max(newest, default=0)), carried, renamed_to=target.key)
            publish(source.storage, [tombstone], durable=durable)
            _carry_notes(source, target, notes, durable=durable)  # what was noted until the tombstone was there
        except ConflictError:
            continue
        except (KeyNotFoundError, FileNotFoundError, StorageError) as error:
            if is_alive(source.storage, source.key_folder, numbers_of(source.storage, source.key_folder)) or _is_newest(source, tombstone):
                raise  # by our own tombstone the key is gone from its old name: the copy is all there is
            _take_back(copy, carried, durable=durable)
            raise _vanished(source) from error
        return


def _is_newest(source: Target, tombstone: Pending | None) -> bool:
    if tombstone is None:
        return False
    newest = numbers_of(source.storage, source.key_folder)[-1:]
    found = [state_of(source.storage, source.key_folder, number).record.get("nonce") for number in newest]
    return found == [tombstone.stage.nonce]


def _copy_for_rename(source: Target, target: Target, carried: Any, *, durable: bool) -> Pending:
    try:
        pending = copy_key(source, target, carried, None)
        publish(source.storage, [pending], durable=durable)
    except (ConflictError, KeyExistsError) as error:
        raise KeyExistsError(f"cannot rename {source.key!r} to {target.key!r}: that key appeared meanwhile.", key=target.key) from error
    except StorageError as error:
        if is_alive(source.storage, source.key_folder, numbers_of(source.storage, source.key_folder)):
            raise
        raise _vanished(source) from error
    return pending


def _carry_notes(source: Target, target: Target, known: Mapping[str, Any] | None, *, durable: bool) -> Mapping[str, Any]:
    """Give the new name the notes of the old one, unless those are `known` already; return them."""
    notes = dict(Attributes(source.storage, source.key_folder, source.key, read_only=True, durable=durable).items())
    standing = Attributes(target.storage, target.key_folder, target.key, read_only=False, durable=durable)
    try:
        if notes != known and dict(standing.items()) != notes:
            standing.replace(notes)
    except KeyNotFoundError:
        _log.debug("%r was deleted while %r was renamed to it: its notes are not wanted", target.key, source.key)
    return notes


def _take_back(copy: Target, carried: Any, *, durable: bool) -> None:
    """Delete the copy again, unless somebody has stored something else meanwhile: the rename that it was made for failed."""
    try:
        publish(copy.storage, [stage_tombstone(copy, carried)], durable=durable)
    except (ConflictError, KeyNotFoundError):
        _log.debug("%r holds another value by now: that stays", copy.key)


def move_sub_database(storage: Storage, old: str, new: str, key: str, *, durable: bool) -> None:
    """Rename a sub-database, in one step.

    Raises
    ------
    KeyExistsError, KeyKindError, KeyCollisionError, StorageError
    """
    parent, _, name = new.rpartition("/")
    check_new_sub_database(storage, parent, name, key)
    try:
        _move(storage, old, new, durable=durable)
    except TakenError as error:
        raise KeyExistsError(f"cannot rename to {key!r}: that sub-database exists.", key=key) from error
    except OSError as error:
        raise storage_failure(error, f"rename to {key!r}", storage.location) from error


def copy_key(source: Target, target: Target, carried: Any, database_id: str | None, version: Any = None) -> Pending:
    """Stage a copy of a key's newest version, or of the one asked for: same files, same provenance, and a note where it was copied from.

    Raises
    ------
    KeyNotFoundError, KeyKindError, KeyCollisionError, StorageError
    """
    while True:
        numbers = numbers_of(source.storage, source.key_folder)
        try:
            return _copy_key(source, target, carried, database_id, version)
        except VersionGoneError:  # overwritten and collected while it was copied?
            if version is not None or numbers_of(source.storage, source.key_folder) == numbers:
                raise


def _copy_key(source: Target, target: Target, carried: Any, database_id: str | None, version: Any) -> Pending:
    storage = source.storage
    found = find(storage, source.key_folder, source.key, version)
    numbers = numbers_of(storage, target.key_folder)
    check_expectations(target, numbers)
    if not numbers:
        check_new_key(storage, target.folder, target.name, target.key)
    try:
        stage = storage.stage(target.key_folder, is_new=not numbers, first=1 if numbers else first_number(target))
    except OSError as error:
        raise storage_failure(error, f"copy {source.key!r}", storage.location) from error
    try:
        _copy_content(found, storage.fetch(found.folder), stage.path)
        difference = None if found.record.get("mutable") else sizes_differ(stage.path, found.files)
        if difference:
            _refuse_what_was_reclaimed(source, found)
            raise IncompleteVersionError(
                f"cannot copy {source.key!r}: of version {found.number}, {difference}. Run isfdb.verify(db).", key=source.key
            )
        stage.files, stage.folders = _contents(stage.path)
        record = {name: fact for name, fact in found.record.items() if name not in ("nonce", "previous", "record", "signature")}
        copied_from = {"database": database_id, "digest": found.record.get("digest"), "key": source.key, "version": found.number}
        record |= {"copied": {"activity": capture(storage, carried).get("activity"), "created": now()}, "copied_from": copied_from}
        record |= {"key": target.key, "nonce": stage.nonce}
        if found.earlier:
            record |= _bring_earlier_blocks(storage, source, found, stage)
            del record["earlier"]
        if is_signed_by_me(payload(str(record.get("digest")), str(found.record.get("nonce"))), found.record.get("signature")):
            record |= signature_of(record)  # only what I had signed: a copy must not make a stranger's pickle mine
        return Pending(target, stage, record, numbers)
    except OSError as error:
        storage.discard(stage)
        _refuse_what_was_reclaimed(source, found)
        raise storage_failure(error, f"copy {source.key!r}", storage.location) from error
    except BaseException:
        storage.discard(stage)
        raise


def _refuse_what_was_reclaimed(source: Target, found: Found) -> None:
    if RECLAIMED_FILE in source.storage.list(found.folder):
        message = (
            f"cannot copy {source.key!r}: the data of version {found.number} was reclaimed by collect. See db.versions({source.key!r})."
        )
        raise VersionGoneError(message, key=source.key, version=found.number)


def _bring_earlier_blocks(storage: Storage, source: Target, found: Found, stage: Stage) -> dict[str, Any]:
    """Copy, of a value that grew, the blocks that lie in earlier versions; return the manifest in which they are the copy's own."""
    blocks = [Block.from_json(block) for block in found.spec.arguments["blocks"]]
    key_folder, files = storage.fetch(source.key_folder), {name: facts for name, facts in found.files.items() if name != LOADER_FILE}
    for place, block in enumerate(blocks):
        if block.place == OWN:
            continue
        there, here = block.place.removeprefix("../"), f"blocks/{place:06d}"
        for name, facts in found.earlier.items():
            if name.startswith(f"{there}/"):
                path = f"{here}/{name.removeprefix(there + '/')}"
                os.makedirs(os.path.dirname(f"{stage.path}/{path}"), exist_ok=True)
                _copy_file(f"{key_folder}/{name}", f"{stage.path}/{path}", may_link=True)
                files[path] = facts
        blocks[place] = replace(block, place=here)
    spec = LoaderSpec(found.spec.loader, {**found.spec.arguments, "blocks": [block.to_json() for block in blocks]}).to_json().encode()
    os.remove(f"{stage.path}/{LOADER_FILE}")  # it may be a second name of the original's
    storage.write(stage, LOADER_FILE, spec)
    files[LOADER_FILE] = [len(spec), digest_of(spec)]
    difference = sizes_differ(stage.path, files)
    if difference:
        raise IncompleteVersionError(f"cannot copy {source.key!r}: {difference}. Run isfdb.verify(db).", key=source.key)
    stage.files, stage.folders = _contents(stage.path)
    return {"digest": digest_of_files(files), "files": files}


def _copy_content(found: Found, source: str, target: str) -> None:
    """Copy a version's files: by its loaderdumper where others may go on writing to them meanwhile."""
    module = plugins.loaderdumper(found.spec.name) if found.record.get("mutable") else None
    if module is None or not hasattr(module, "snapshot"):
        _copy_files(source, target, may_link=module is None)
        return
    module.snapshot(source, target)
    for name in ("Loader.json", "code.py"):
        if os.path.exists(f"{source}/{name}"):
            _copy_file(f"{source}/{name}", f"{target}/{name}", may_link=False)


def _copy_files(source: str, target: str, *, may_link: bool) -> None:
    """Copy a version's files; as second names of the same bytes where they never change and the disk can."""
    for entry in os.scandir(source):
        if entry.is_dir(follow_symlinks=False):
            os.mkdir(f"{target}/{entry.name}")
            _copy_files(entry.path, f"{target}/{entry.name}", may_link=may_link)
        elif entry.name not in RESERVED_FILES or entry.name in ("Loader.json", "code.py"):
            _copy_file(entry.path, f"{target}/{entry.name}", may_link=may_link)


def _copy_file(source: str, target: str, *, may_link: bool) -> None:
    if may_link:
        try:
            os.link(source, target, follow_symlinks=False)
            return
        except OSError:
            may_link = False  # no links on this file system, or too many to this file: the bytes are copied
    shutil.copyfile(source, target, follow_symlinks=False)


def _contents(path: str) -> tuple[list[str], list[str]]:
    files, folders = [], []
    for folder, names, file_names in os.walk(path, topdown=False):
        relative = "" if folder == path else os.path.relpath(folder, path).replace(os.sep, "/") + "/"
        # A link, which only a user's own folder may hold, has nothing to flush, and may lead nowhere.
        files += [relative + name for name in file_names if not os.path.islink(f"{folder}/{name}")]
        folders += [relative + name for name in names if not os.path.islink(f"{folder}/{name}")]
    return files, folders


def remove_database(storage: Storage, folder: str, *, durable: bool) -> None:
    """Delete a database for good, or move a sub-database to the trash of the one that holds it.

    Raises
    ------
    StorageError, ReadOnlyError
    """
    try:
        if folder:
            announcements = Announcements(storage, always=True)
            lines = announcements.tell([{"key": key_of_folder(folder), "keys": _newest_below(storage, folder), "kind": "remove"}])
            if durable:
                storage.prepare([])
            storage.to_trash(folder, durable=durable)
            announcements.done(lines)
        else:
            storage.erase()
    except OSError as error:
        raise storage_failure(error, "remove the database", join(storage.location, folder)) from error


def _newest_below(storage: Storage, folder: str) -> dict[str, int]:
    """Return each key below a folder, deleted ones included, with its newest version."""
    newest: dict[str, int] = {}
    waiting = [folder]
    while waiting:  # no recursion: folders may lie deeper than Python's stack
        folder = waiting.pop()
        for name in storage.list(folder):
            path = join(folder, name)
            if name.endswith(KEY_SUFFIX):
                newest |= {key_of_folder(path): number for number in numbers_of(storage, path)[-1:]}
            elif name_of_folder(name) is not None and storage.is_folder(path):
                waiting.append(path)
    return newest
