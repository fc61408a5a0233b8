"""Is every version whole and unchanged? Returns findings as data; prints nothing, changes nothing, loads no value."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from isfdb.blocks import checked_earlier
from isfdb.database import Database
from isfdb.display.words import count_text
from isfdb.errors import IsfdbError, KeyKindError, OptionError, StorageError
from isfdb.exact_json import loads
from isfdb.findings import Finding, Findings
from isfdb.keys import folder_name, key_of_folder, name_of_folder, split_key
from isfdb.layout.current import (
    ATTRIBUTES_FILE,
    ATTRIBUTES_FOLDER,
    CODE_FILE,
    DATABASE_FILE,
    DELETED_SUFFIX,
    JOURNAL_PREFIX,
    KEY_SUFFIX,
    LOADER_FILE,
    METADATA_FILE,
    PRIVATE_FOLDER,
    README_FILE,
    RECLAIMED_FILE,
    STAGE_PREFIX,
    TOMBSTONE_FILE,
    join,
    version_name,
    version_number,
)
from isfdb.loader_spec import LoaderSpec
from isfdb.manifest import Files, checked_file, checked_files, digest_of_files, is_sealed, read_record
from isfdb.provenance.records import slice_of
from isfdb.sealing.against import Sealed
from isfdb.sealing.signatures import read_public_key
from isfdb.storage.base import Storage
from isfdb.storage.isf import IsfStorage
from isfdb.storage.local import LocalStorage
from isfdb.verifying_again import settled
from isfdb.verifying_attributes import check_attributes
from isfdb.verifying_identity import check_identity
from isfdb.verifying_isf import verify_isf
from isfdb.verifying_logs import Logs, Seen
from isfdb.verifying_shared import SharedRecords, stage_is_in_use, surplus


def verify(
    db: Database,
    *,
    key: str | tuple[str, ...] | None = None,
    progress: bool = False,
    against: str | os.PathLike[str] | None = None,
    public_key: str | os.PathLike[str] | None = None,
) -> Findings:
    """Check every file against its digest, every record against its seal, every chain, and look for what is missing or left over.

    Versions and the logs of sessions are compared: what was taken away, put in or moved by hand is found. So is what the newest seal
    (:func:`isfdb.seal`) covers and is not as it was.

    What others do meanwhile is no finding: where something was found and the logs have grown, all is looked at again, up to three times,
    and what counts is what every look found.

    Parameters
    ----------
    db : Database
    key : str or tuple of str, optional
        Only this key, or this sub-database; default: the whole database with its sub-databases.
    progress : bool
        Show a bar.
    against : str or path, optional
        The head of a seal, as written in a lab book, or the file of a seal that was kept elsewhere: is all that it covered still there
        and unchanged? What was added since is told in the remarks. Not with `key`.
    public_key : path, optional
        A public Ed25519 key (PEM), with which that seal, or the newest, must be signed. Not with `key`.

    Returns
    -------
    Findings
        Empty where everything is sound.

    Raises
    ------
    OptionError
        What is asked does not fit together, or `against` is neither a head nor a seal.
    """
    if not isinstance(db, Database):
        raise OptionError(f"verify takes an open database, not {db!r}: isfdb.verify(isfdb.open(path, mode='r')).", database=db)
    storage = db.root._storage
    asks_for_seal = against is not None or public_key is not None
    if asks_for_seal and (key is not None or db._folder or isinstance(storage, IsfStorage)):
        raise OptionError("a seal is of a whole database that isfdb wrote: open the topmost one, and name no key.", key=key)
    if isinstance(storage, IsfStorage):
        return verify_isf(db, storage, key, progress=progress)
    sealed = (against, read_public_key(public_key) if public_key is not None else None)
    return settled(storage, lambda: _look(db, key, progress, sealed))


def _look(
    db: Database, key: str | tuple[str, ...] | None, progress: bool, sealed: tuple[str | os.PathLike[str] | None, str | None]
) -> Findings:
    verification = _Verification(db, progress)
    verification.run(key)
    if key is None and not db._folder:
        verification.check_seals(*sealed)
    return verification.findings()


class _Verification:
    """One run: walks the folders and gathers findings and counts."""

    def __init__(self, db: Database, progress: bool) -> None:
        self.db = db
        self.storage: Storage = db.root._storage
        self.progress = progress
        self.found: list[Finding] = []
        self.remarks: list[str] = []
        self.counts = dict.fromkeys(("keys", "versions", "files", "bytes"), 0)
        self.unvouched: list[str] = []
        self.shared = SharedRecords(self.storage, self._find, self._surviving)
        self.logs: Logs
        # Of the key that is being looked at, by version: its manifest, what it names of earlier ones, and whose data was reclaimed.
        self.manifests: dict[int, Files] = {}
        self.earlier: dict[int, Files] = {}
        self.reclaimed: set[int] = set()

    def run(self, key: str | tuple[str, ...] | None) -> None:
        """Look at one key, or at all."""
        # Logs before versions: what a log says is done was there before it was read.
        self.logs = Logs(self.storage, self._find, self._surviving, is_whole=key is None and not self.db._folder)
        if key is not None:
            self._asked(key)
        else:
            self._database(self.db._folder, "")
            if not self.db._folder:
                self.shared.check_private()
        self.shared.check_references()
        self.logs.check()

    def _asked(self, key: str | tuple[str, ...]) -> None:
        """Look at one key, or at all of a sub-database."""
        try:
            entry = self.db.entry(key)
        except KeyKindError:  # a sub-database; of a name that is neither, the error says so
            names = split_key(key)
            self._database(self.db._folder_of(names), "/".join(names) + "/")
        else:
            self._key(entry._key_folder, entry.key)

    def check_seals(self, against: str | os.PathLike[str] | None, public_key: str | None) -> None:
        """Hold all against a seal: the newest, or the one that is asked about."""
        asked = against is not None or public_key is not None
        if asked or (isinstance(self.storage, LocalStorage) and not self.logs.is_part):
            sealed = Sealed(self.storage, self.db.id, self._find)
            sealed.check(against, public_key)
            self.remarks += sealed.remarks

    def findings(self) -> Findings:
        """Return what was found."""
        return Findings(self.found, self.counts, self.unvouched, remarks=[*self.remarks, *self._remarks()])

    def _remarks(self) -> list[str]:
        remarks = []
        if self.logs.n_untold:
            remarks.append(
                f"{count_text(self.logs.n_untold, 'version')} of which no log tells, for none could be written: see their 'unknown'"
            )
        if self.logs.n_reclaimed_untold:
            data = count_text(self.logs.n_reclaimed_untold, "version")
            remarks.append(f"{data} whose data was reclaimed without a line in a log, as on a full disk or with the option 'capture' off")
        if self.logs.is_part:
            remarks.append("it is a part of a database, exported: what else its logs tell of was not looked for")
        return remarks

    def _find(self, kind: str, key: str, version: int | None, file: str, message: str) -> None:
        self.found.append(Finding(kind, key, version, file, message))

    # Folders of keys -------------------------------------------------------------------------------------------------------------

    def _database(self, folder: str, prefix: str) -> None:
        waiting = [(folder, prefix)]
        while waiting:  # no recursion: folders may lie deeper than Python's stack
            waiting += reversed(self._one_folder(*waiting.pop()))

    def _one_folder(self, folder: str, prefix: str) -> list[tuple[str, str]]:
        """Look at what lies in a folder; return the sub-databases in it, each with what its keys begin with."""
        names: list[str] = []
        below: list[tuple[str, str]] = []
        with self._surviving(prefix.rstrip("/"), None, folder):
            names = sorted(self.storage.list(folder))
        if DATABASE_FILE not in names and folder:
            self._find(
                "stray", prefix.rstrip("/"), None, folder, f"the folder {folder} has no {DATABASE_FILE}: made by hand, or left by a crash"
            )
        for name in self._with_progress(names, folder):
            path = join(folder, name)
            if name.endswith(KEY_SUFFIX):
                self._named_key(path, name.removesuffix(KEY_SUFFIX), prefix)
            elif name.startswith(STAGE_PREFIX):
                if not stage_is_in_use(self.storage, path):
                    self._find("leftover", "", None, path, f"{path} was left by a writer that did not finish; db.collect() removes it")
            elif name == DATABASE_FILE:
                with self._surviving("", None, path):
                    check_identity(self.storage, folder, self._find)
            elif name in (README_FILE, PRIVATE_FOLDER):
                continue
            elif name.endswith(DELETED_SUFFIX) and not self.storage.is_folder(path):
                self._hint(path, folder, name.removesuffix(DELETED_SUFFIX), names)
            elif self.storage.is_folder(path) and (text := name_of_folder(name)) is not None:
                below.append((path, f"{prefix}{text}/"))
            else:
                self._find("stray", "", None, path, f"{path} is none of isfdb's files")
        return below

    def _with_progress(self, names: list[str], folder: str) -> Iterator[str]:
        if not self.progress:
            return iter(names)
        from tqdm.auto import tqdm

        return iter(tqdm(names, desc=f"verify {folder or 'database'}", unit="key"))

    def _named_key(self, path: str, stem: str, prefix: str) -> None:
        text = name_of_folder(stem)
        if text is None or folder_name(text) != stem:
            self._find("stray", "", None, path, f"{path} has a name that isfdb would never give, so no key reaches it")
        else:
            self._key(path, prefix + text)

    def _hint(self, path: str, folder: str, stem: str, names: list[str]) -> None:
        if stem + KEY_SUFFIX not in names:
            self._find("leftover", "", None, path, f"{path} speaks of a key that is not there")

    @contextmanager
    def _surviving(self, key: str, number: int | None, file: str) -> Iterator[None]:
        """Turn whatever rubbish on the disk makes fail into a finding: what lies beside it must still be checked."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a stranger's folder can hold anything, and verify is what is asked about it
            self._find("unreadable", key, number, file, f"{file} cannot be checked: {type(error).__name__}: {error}")

    def _key(self, key_folder: str, key: str) -> None:
        with self._surviving(key, None, key_folder):
            self._versions(key_folder, key)

    def _versions(self, key_folder: str, key: str) -> None:
        self.counts["keys"] += 1
        names = self.storage.list(key_folder)
        numbers = sorted([number for name in names if (number := version_number(name))])
        known = {version_name(number) for number in numbers} | {ATTRIBUTES_FILE, ATTRIBUTES_FOLDER}
        known |= {name for name in names if self._is_journal(key_folder, key, name)}
        for name in sorted(set(names) - known):
            if name.startswith(STAGE_PREFIX) and stage_is_in_use(self.storage, join(key_folder, name)):
                continue
            kind = "leftover" if name.startswith(STAGE_PREFIX) else "stray"
            self._find(kind, key, None, name, f"{name} in the key's folder is no version")
        if not numbers:
            self._find("missing version", key, None, key_folder, "the key's folder holds no version")
        with self._surviving(key, None, ATTRIBUTES_FOLDER):
            check_attributes(self.storage, key_folder, key, self._find)
        self.manifests.clear()
        self.earlier.clear()
        self.reclaimed.clear()
        previous: tuple[int, str | None] | None = None
        for number in numbers:
            if previous and number != previous[0] + 1:
                self._find("missing version", key, number, "", f"version {number} follows version {previous[0]}: what was between is gone")
            record = None
            with self._surviving(key, number, version_name(number)):
                record = self._version(key_folder, key, number, previous)
            previous = (number, record)
        with self._surviving(key, None, key_folder):
            self._earlier_files(key_folder, key)

    def _is_journal(self, key_folder: str, key: str, name: str) -> bool:
        """Say whether a name is that of a journal; whose writer lives, that is as it should be, and what a dead one left is told."""
        if not name.startswith(JOURNAL_PREFIX):
            return False
        if not stage_is_in_use(self.storage, join(key_folder, name)):
            message = (
                f"{name} holds rows that a dead process appended and never published; db.collect() or the next db.append publishes them"
            )
            self._find("leftover", key, None, name, message)
        return True

    def _earlier_files(self, key_folder: str, key: str) -> None:
        """Check that what values that grew are made of is what the versions that brought it say it is, and still there."""
        needed: dict[int, Files] = {number: {} for number in self.reclaimed}
        for number, earlier in self.earlier.items():
            for name, facts in earlier.items():
                folder, _, inner = name.partition("/")
                brought_by = version_number(folder) or 0
                if brought_by >= number or self.manifests.get(brought_by, {}).get(inner) != facts:
                    self._find("missing file", key, number, f"../{name}", f"it is made of {name}, which no version {brought_by} brought")
                elif brought_by in self.reclaimed:
                    needed[brought_by][inner] = facts
        for number, files in needed.items():
            folder = join(key_folder, version_name(number))
            for name, facts in files.items():
                self._file(folder, key, number, name, facts)

    # One version -----------------------------------------------------------------------------------------------------------------

    def _version(self, key_folder: str, key: str, number: int, previous: tuple[int, str | None] | None) -> str | None:
        """Check one version; return its seal, for the next one to be compared with."""
        self.counts["versions"] += 1
        folder = join(key_folder, version_name(number))
        names = self.storage.list(folder)
        name = TOMBSTONE_FILE if TOMBSTONE_FILE in names else METADATA_FILE
        try:
            data = self.storage.read(f"{folder}/{name}")
            record = read_record(data, folder)
        except (OSError, IsfdbError) as error:
            self._find("missing file" if name not in names else "unreadable", key, number, name, str(error))
            return None
        if not is_sealed(data, record):
            self._find("changed record", key, number, name, f"{name} is not as it was written: its seal does not fit its bytes")
        self._chain(key, number, name, record, previous)
        self.shared.note(record)
        seen = Seen(key_of_folder(key_folder), key, number, str(record.get("record")), record)
        self.logs.note(seen)
        if RECLAIMED_FILE in names and not {name.partition("/")[0] for name in record.get("files") or ()} <= {*names}:
            self.logs.note_reclaimed(seen, self._mark(folder))
        if name == TOMBSTONE_FILE:
            self._surplus(folder, key, number, {TOMBSTONE_FILE})
        else:
            self._files(folder, key, number, record, is_reclaimed=RECLAIMED_FILE in names)
        return str(record.get("record"))

    def _chain(self, key: str, number: int, name: str, record: dict[str, Any], previous: tuple[int, str | None] | None) -> None:
        expected = record.get("previous")
        if previous is None:
            if expected is not None and "renamed_to" not in record and number == 1:
                self._find("broken chain", key, number, name, "the first version names one before it")
        elif previous[0] == number - 1 and previous[1] is not None and expected != previous[1]:
            self._find("broken chain", key, number, name, f"it was written after another version {number - 1} than the one that is there")

    def _mark(self, folder: str) -> Any:
        """Return what the mark of a reclaimed version says; None where it is empty, as on a full disk."""
        try:
            return loads(self.storage.read(f"{folder}/{RECLAIMED_FILE}"))
        except (OSError, ValueError, RecursionError):
            return None

    def _files(self, folder: str, key: str, number: int, record: dict[str, Any], *, is_reclaimed: bool) -> None:
        try:
            files, earlier = checked_files(record, folder), checked_earlier(record, folder)
        except IsfdbError as error:
            self._find("unreadable", key, number, METADATA_FILE, str(error))
            return
        self.manifests[number] = files
        if is_reclaimed:
            self.reclaimed.add(number)
        elif earlier:
            self.earlier[number] = earlier
        if digest_of_files({**files, **earlier}) != record.get("digest"):
            self._find("changed record", key, number, METADATA_FILE, "the digest of the whole does not fit the manifest")
        is_mutable = record.get("mutable") is True
        if is_mutable:
            self.unvouched.append(f"{key} v{number}")
        expected = {LOADER_FILE: files[LOADER_FILE]} if (is_mutable or is_reclaimed) and LOADER_FILE in files else files
        for name, facts in expected.items():
            self._file(folder, key, number, name, facts)
        self._spec(folder, key, number)
        code = self._code(folder, key, number, record)
        if not is_mutable:
            self._surplus(folder, key, number, {*files, METADATA_FILE, *code, *({RECLAIMED_FILE} if is_reclaimed else ())})

    def _code(self, folder: str, key: str, number: int, record: dict[str, Any]) -> set[str]:
        """Check the script that makes the value, and return its name where there is one."""
        facts = slice_of(record)
        if facts is None:
            return set()
        self._file(folder, key, number, CODE_FILE, [facts.size, facts.digest])
        return {CODE_FILE}

    def _file(self, folder: str, key: str, number: int, name: str, facts: list[Any]) -> None:
        try:
            size, fault = checked_file(self.storage.fetch(join(folder, name)), name, facts)
        except FileNotFoundError:
            self._find("missing file", key, number, name, f"{name} is missing")
            return
        except StorageError as error:  # a link, or behind one
            self._find("changed file", key, number, name, str(error))
            return
        except OSError as error:
            self._find("unreadable", key, number, name, f"{name} cannot be read: {error.strerror}")
            return
        self.counts["files"] += 1
        self.counts["bytes"] += size
        if fault:
            self._find("changed file", key, number, name, fault)

    def _spec(self, folder: str, key: str, number: int) -> None:
        try:
            LoaderSpec.from_json(self.storage.read(f"{folder}/{LOADER_FILE}"), folder)
        except FileNotFoundError:
            return  # reported as a missing file
        except (OSError, IsfdbError) as error:
            self._find("unreadable", key, number, LOADER_FILE, str(error))

    def _surplus(self, folder: str, key: str, number: int, expected: set[str]) -> None:
        for name, told in surplus(self.storage.fetch(folder), expected):
            self._find("surplus file", key, number, name, told)
