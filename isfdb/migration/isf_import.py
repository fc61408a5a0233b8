"""Copies a database that ISF wrote into format 1: values, compared with what was read, and all that ISF recorded about them.

One key after the other, each published whole with a note of what it was copied from. So an import that was killed goes on where it
stopped, one that is repeated copies what is new, and nothing that the user stored since is touched.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from isfdb import plugins
from isfdb.database import Database
from isfdb.errors import (
    CorruptDatabaseError,
    DumpError,
    IsfdbError,
    KeyCollisionError,
    NoDumperError,
    OptionError,
    PickleWarning,
    UntrustedDataError,
)
from isfdb.exact_json import loads
from isfdb.hashing import digest_of
from isfdb.keys import name_of_folder
from isfdb.layout.current import KEY_SUFFIX, METADATA_FILE, join, version_name
from isfdb.loader_spec import LoaderSpec
from isfdb.migration.imported import COPIED, KEPT, NOT_COPIED, THERE, Imported, ImportedKey
from isfdb.migration.isf_comparison import difference
from isfdb.migration.isf_files import stage_files
from isfdb.migration.isf_provenance import Histories, carried_over, without_own
from isfdb.parts import allowing_code
from isfdb.publishing import Pending, Target, publish
from isfdb.storage.isf import IsfStorage
from isfdb.storage.isf_folders import IsfKey
from isfdb.storage.isf_records import payload
from isfdb.versions import numbers_of, state_of
from isfdb.writing import now, stage_value

#: ISF's word -> the loaderdumper of ours that comes nearest, tried before the one that isfdb would choose.
_NEAREST: Final = {"numpy_to_zarr": "numpy_to_zarr"}

#: Keys that differ only in case are copied under numbered names, up to this many.
_MOST_CLASHES: Final = 10

#: Values that are places on the disk: their files are what counts.
_PLACES: Final = frozenset({"just_create_folder", "shared_numpy_store"})


@dataclass(frozen=True)
class _Source:
    """One key of the old database."""

    key: str
    folder: str  # of its version, as format 1 shows it
    isf: IsfKey
    record: dict[str, Any]
    name: str = ""  # the new key, where it cannot be the old one

    @property
    def looks(self) -> str:
        """What changes when ISF stores the key anew, and seldom else."""
        files = [(name, *_size_and_time(f"{self.isf.path}/{name}")) for name in payload(self.isf)]
        value = digest_of(self.isf.extract()) if self.isf.extract else ""
        return digest_of(repr([self.isf.word, self.record.get("isf"), files, value]).encode("utf-8", "replace"))[:32]


def import_isf(old: Database, new: Database, *, progress: bool = False) -> Imported:
    """Copy all keys of a database that ISF wrote into a database of format 1.

    Each value is read, stored in the format that isfdb chooses for it, read back and compared; only then it is published. What cannot
    be read, for want of trust or of a library, is kept as ISF's files, and copied by an import that can.

    Parameters
    ----------
    old : Database
        The database, or a sub-database, of ISF; opened with ``trust=True`` its pickles are read, too.
    new : Database
        Where to; what is there already stays.
    progress : bool
        Show a bar.

    Returns
    -------
    Imported
        What happened to each key.

    Raises
    ------
    OptionError
        `old` was not written by ISF.
    ReadOnlyError
        `new` cannot be written.

    Examples
    --------
    >>> import isfdb, isfdb.migration
    >>> old, new = isfdb.open("old", trust=True), isfdb.open("new")  # doctest: +SKIP
    >>> isfdb.migration.import_isf(old, new).is_complete  # doctest: +SKIP
    True
    """
    storage = old.root._storage
    if not isinstance(storage, IsfStorage):
        raise OptionError(f"{old.path} was not written by ISF. To copy keys of another database: new[key] = old[key].", database=old)
    new._refuse_if_read_only(f"import {old.path}")
    return _Import(old, new, storage, progress).run()


def _size_and_time(path: str) -> tuple[int, int]:
    try:
        found = os.lstat(path)
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


class _Import:
    """One run over all keys."""

    def __init__(self, old: Database, new: Database, storage: IsfStorage, progress: bool) -> None:
        self.old, self.new, self.storage, self.progress = old, new, storage, progress
        self.unreadable: list[ImportedKey] = []

    def run(self) -> Imported:
        sources = list(self._sources())
        self.histories = Histories([source.record for source in sources])
        self.histories.write(self.new.root._storage)
        done = [self._import(source) for source in self._with_progress(sources)]
        keys = sorted([*done, *self.unreadable], key=lambda one: one.key)
        return Imported(keys, old_id=self.old.id, old_path=self.old.path, new_path=self.new.path)

    def _sources(self) -> Iterator[_Source]:
        """Give every key; make the sub-databases on the way, empty ones too."""
        for folder, _ in self.storage.databases(self.old._folder):
            prefix = folder.removeprefix(self.old._folder).strip("/")
            names = tuple(name_of_folder(name) or name for name in prefix.split("/")) if prefix else ()
            if not self._has_place(names):
                continue
            for key_folder, key in self._keys_in(folder, "/".join(names)):
                text = "/".join([*names, key.name])
                version = f"{key_folder}/{version_name(1)}"
                yield _Source(text, version, key, loads(self.storage.read(f"{version}/{METADATA_FILE}")))

    def _has_place(self, names: tuple[str, ...]) -> bool:
        """Make a sub-database; False, with a note, where its name is taken by a value or by one that differs only in case."""
        try:
            if names:
                self.new.create_sub_db(names)
        except IsfdbError as error:
            self.unreadable.append(ImportedKey("/".join(names), NOT_COPIED, "sub-database", why=str(error)))
            return False
        return True

    def _keys_in(self, folder: str, key: str) -> Iterator[tuple[str, IsfKey]]:
        """Give each key of a database folder with the folder that format 1 would have for it."""
        try:
            names = sorted(self.storage.list(folder))
        except CorruptDatabaseError as error:
            self.unreadable.append(ImportedKey(key, NOT_COPIED, "sub-database", why=str(error)))
            return
        for name in names:
            found, _ = self.storage.find(join(folder, name)) if name.endswith(KEY_SUFFIX) else (None, "")
            if isinstance(found, IsfKey):
                yield join(folder, name), found

    def _with_progress(self, sources: list[_Source]) -> Iterator[_Source]:
        if not self.progress:
            return iter(sources)
        from tqdm.auto import tqdm

        return iter(tqdm(sources, desc="import", unit="key"))

    # One key ---------------------------------------------------------------------------------------------------------------------

    def _import(self, source: _Source) -> ImportedKey:
        """Copy one key; under another name where format 1 takes its name and that of a key before it for one."""
        clash = ""
        for number in range(1, _MOST_CLASHES):
            name = f"{source.key} ({number})" if number > 1 else source.key
            try:
                done = self._import_as(replace(source, name=name))
            except KeyCollisionError as error:
                clash = str(error)
                continue
            return done if number == 1 else replace(done, why=f"its key is {name!r} now{', ' * bool(done.why)}{done.why}: {clash}")
        return ImportedKey(source.key, NOT_COPIED, source.isf.word, why=clash)

    def _import_as(self, source: _Source) -> ImportedKey:
        try:
            before = self._before(source)
            if before is not None and before.outcome != KEPT:
                return before
            return self._copy(source, before)
        except KeyCollisionError:
            raise
        except (IsfdbError, OSError) as error:
            return ImportedKey(source.key, NOT_COPIED, source.isf.word, why=str(error))

    def _target(self, source: _Source) -> Target:
        return self.new._target(tuple(source.name.split("/")))

    def _before(self, source: _Source) -> ImportedKey | None:
        """Return what an earlier import made of a key; None where none did, or where ISF has stored it anew since."""
        target = self._target(source)
        numbers = numbers_of(target.storage, target.key_folder)
        states = [state_of(target.storage, target.key_folder, number) for number in numbers]
        for state in reversed(states):
            if (state.record.get("copied_from") or {}).get("looks") == source.looks:
                return self._found(source, state.record, is_newest=state is states[-1])
        if states and "looks" not in (states[-1].record.get("copied_from") or {}):
            why = "the new database has a value of its own under this key, which stays"
            return ImportedKey(source.key, NOT_COPIED, source.isf.word, why=why)
        return None

    def _found(self, source: _Source, record: dict[str, Any], *, is_newest: bool) -> ImportedKey:
        as_files = record["copied_from"].get("as") == "files" and source.isf.word not in _PLACES
        outcome = KEPT if as_files and is_newest else THERE
        return ImportedKey(source.key, outcome, source.isf.word, str(record.get("dumper")), why=str(record["copied_from"].get("why", "")))

    def _copy(self, source: _Source, before: ImportedKey | None) -> ImportedKey:
        """Store the value; where that is not possible, its files, unless they were kept before."""
        why = ""
        if source.isf.word not in _PLACES:
            pending, why = self._staged_value(source)
            if pending is not None:
                return self._publish(source, pending, COPIED, why)
        if before is not None:
            return ImportedKey(source.key, KEPT, source.isf.word, before.stored_by, why=why)
        files, left_out = stage_files(self._target(source), source.isf, self.storage.fetch(source.folder))
        files.record.pop("signature", None)
        if left_out:
            why = f"{why}{'; ' if why else ''}left out, for no version can hold links: {', '.join(left_out[:5])}"
        return self._publish(source, files, COPIED if source.isf.word in _PLACES else KEPT, why)

    def _staged_value(self, source: _Source) -> tuple[Pending | None, str]:
        """Read a value and stage it, compared with what was read; None, and why, where that is not possible."""
        try:
            value = self.old[source.key.removeprefix("/")]
        except UntrustedDataError:
            return None, "it is a pickle, which is read only with trust: isfdb import --trust, or isfdb trust OLD"
        except IsfdbError as error:
            return None, str(error)
        why = ""
        for dumper in (_NEAREST.get(source.isf.word), None):
            if dumper is not None and not plugins.loaderdumper(dumper).check(value):
                continue
            try:
                return self._stage(source, value, dumper)
            except (DumpError, NoDumperError) as error:
                why = str(error)
        return None, why

    def _stage(self, source: _Source, value: Any, dumper: str | None) -> tuple[Pending, str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PickleWarning)  # the report says it
            pending = stage_value(self._target(source), value, dumper, {}, None)
        try:
            differs = difference(self._read_back(pending), value)
        except Exception as error:  # noqa: BLE001 - what cannot be read back must not be published
            differs = f"{type(error).__name__}: {error}"[:300]
        if differs is not None:
            self.new._storage.discard(pending.stage)
            raise DumpError(f"stored by {pending.record['dumper']} it came back changed ({differs})", key=source.key)
        pickled = "no open format keeps it exactly, so it is a pickle again, signed by you" if "signature" in pending.record else ""
        return pending, pickled

    def _read_back(self, pending: Pending) -> Any:
        """Load a value from its stage, as a reader will load it from the version."""
        with open(f"{pending.stage.path}/Loader.json", "rb") as file:
            spec = LoaderSpec.from_json(file.read(), pending.stage.path)
        with allowing_code():
            return plugins.loaderdumper(spec.name).Loader(**spec.arguments).get(pending.stage.path)

    def _publish(self, source: _Source, pending: Pending, outcome: str, why: str) -> ImportedKey:
        """Publish with the provenance of the original, and a note of what was copied from where."""
        if self._is_there(source, pending):
            self.new._storage.discard(pending.stage)
            return ImportedKey(source.key, THERE if outcome == COPIED else KEPT, source.isf.word, str(pending.record["dumper"]), why=why)
        form = "files" if outcome == KEPT or source.isf.word in _PLACES else "value"
        origin = {"as": form, "database": self.old.root.id, "digest": None, "key": source.key, "looks": source.looks, "version": 1}
        if why:
            origin["why"] = why
        copied = {"activity": pending.record.get("activity"), "created": now()}
        pending.record = {
            **without_own(pending.record),
            **carried_over(self.new.root._storage, source.record, self.histories),
            "copied": copied,
            "copied_from": origin,
        }
        publish(pending.target.storage, [pending], durable=self.new._durable)
        nbytes = sum(size for size, _ in pending.record["files"].values())
        return ImportedKey(source.key, outcome, source.isf.word, str(pending.record["dumper"]), nbytes, why)

    def _is_there(self, source: _Source, pending: Pending) -> bool:
        """Say whether the newest version is this very value with this very history: the old database was but copied or touched."""
        if not pending.numbers:
            return False
        newest = state_of(pending.target.storage, pending.target.key_folder, pending.numbers[-1]).record
        original = newest.get("copied_from") or {}
        is_same_value = newest.get("digest") == pending.record["digest"] and not newest.get("mutable")
        recorded = source.record.get("isf") or {}
        is_same_record = all(recorded.get(name) == fact for name, fact in (newest.get("isf") or {}).items() if name in ("time", "dumper"))
        return is_same_value and is_same_record and original.get("key") == source.key and original.get("database") == self.old.root.id
