"""How a folder becomes a value: ``db["rates"]``, from top to bottom.

resolve key and version → read the spec → find the loader → check sizes → check trust → load → note the use. No lock is taken and nothing is
written; if a file vanishes on the way the versions are listed once more, and only then is it an error.
"""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isfdb import plugins
from isfdb.blocks import checked_earlier
from isfdb.errors import (
    ChecksumMismatchError,
    CorruptVersionError,
    FormatVersionError,
    IncompleteVersionError,
    IsfdbError,
    KeyNotFoundError,
    LoadError,
    MissingDependencyError,
    TooLargeError,
    UntrustedDataError,
    VersionGoneError,
)
from isfdb.failures import is_refusal, reading_failure
from isfdb.hashing import digest_of, digest_of_file
from isfdb.layout.current import LOADER_FILE, METADATA_FILE, RECLAIMED_FILE, TOMBSTONE_FILE, version_name
from isfdb.loader_spec import LoaderSpec
from isfdb.manifest import Files, checked_files, copy_checked, digest_of_files, read_record, sizes_differ
from isfdb.near_keys import near_keys
from isfdb.parts import allowing_code, code_is_refused, needs_of
from isfdb.provenance.usage import note_value
from isfdb.storage.base import Storage
from isfdb.trust import is_signed_by_me, is_trusted, payload, reason_not_to_run
from isfdb.versions import numbers_of, original_of, pick


@dataclass(slots=True)
class Found:
    """A version that is there: its number, folder, spec and record."""

    number: int
    folder: str
    spec: LoaderSpec
    record: dict[str, Any]
    files: Files
    earlier: Files  # of earlier versions, named from the key's folder: what a value that grew is made of besides

    def fetch(self, storage: Storage) -> str:
        """Return a local folder with its files, beside which the earlier versions lie where it needs them."""
        if not (storage.gives_copies and self.earlier):
            return storage.fetch(self.folder)
        key_folder, _, name = self.folder.rpartition("/")
        return f"{storage.fetch(key_folder)}/{name}"


def read(
    storage: Storage,
    key_folder: str,
    key: str,
    *,
    version: int | str | datetime.date | None = None,
    database_id: str = "",
    trusted: bool = False,
    options: Mapping[str, Any] | None = None,
    noted_as: str = "",
    carried: Any = None,
) -> Any:
    """Return the value of a key, and note that it was read.

    Parameters
    ----------
    version : int, str or date, optional
        Which version; see :func:`isfdb.versions.pick`. Default: the newest.
    database_id : str
        Under which the database may stand on the user's trust list.
    trusted : bool
        The caller vouches for the database, as a handle sent to a worker does.
    options : Mapping
        For the Loader.
    noted_as : str
        The key, counted from the topmost database, whose id `database_id` is; default: `key`.
    carried : Activity, optional
        What a pickled handle brought along.

    Raises
    ------
    KeyNotFoundError, VersionNotFoundError, VersionGoneError
        There is no such key or version, or no longer.
    IncompleteVersionError, ChecksumMismatchError, CorruptVersionError
        What lies there is not what was stored.
    UntrustedDataError
        Loading would run code that is not known to be yours.
    LoadError, UnknownLoaderdumperError, MissingDependencyError, OptionError
    """
    found, value = _read(storage, key_folder, key, version, database_id, trusted, options or {})
    published = found.record.get("created") if version is None else None
    note_value(storage.location, database_id, noted_as or key, found.number, found.record.get("digest"), carried, published)
    return value


def _read(
    storage: Storage, key_folder: str, key: str, version: Any, database_id: str, trusted: bool, options: Mapping[str, Any]
) -> tuple[Found, Any]:
    found = find(storage, key_folder, key, version)
    while True:
        try:
            return found, load(storage, found, key, database_id=database_id, trusted=trusted, options=options)
        except (OSError, LoadError, IncompleteVersionError, VersionGoneError) as error:
            again = find(storage, key_folder, key, version)  # collected or renamed under our feet? then this says so
            if again.record.get("nonce") == found.record.get("nonce"):
                if isinstance(error, IsfdbError):
                    raise
                raise _unloadable(storage, found, key, error) from error
            found = again


def _unloadable(storage: Storage, found: Found, key: str, error: OSError) -> IsfdbError:
    """Return the error to raise where a file of a version that still is the newest could not be read."""
    if isinstance(error, FileNotFoundError) and os.path.isfile(f"{storage.fetch(found.folder)}/{LOADER_FILE}"):
        missing = os.path.basename(error.filename or "") or str(error)
        what = f"{found.spec.name!r} looks for {missing}, which was not stored"
        return CorruptVersionError(_damaged(key, found.number, what), key=key, version=found.number)
    return reading_failure(error, repr(key), storage.location)


def read_to_show(storage: Storage, key_folder: str, key: str, number: int, dumper: str, options: Mapping[str, Any]) -> Any:
    """Return a value, or a part of it, only to show it: nothing is noted as used, no code runs and no class is imported, not even yours.

    Parameters
    ----------
    dumper : str
        The loaderdumper that the record names: what shows the value was chosen by it.

    Raises
    ------
    UntrustedDataError
        Loading would run code.
    CorruptVersionError
        ``Loader.json`` names another loaderdumper.
    KeyNotFoundError, VersionNotFoundError, VersionGoneError, IncompleteVersionError, ChecksumMismatchError
    LoadError, UnknownLoaderdumperError, MissingDependencyError, OptionError
    """
    found = find(storage, key_folder, key, number)
    if found.spec.name != dumper:
        what = f"its record says it was stored by {dumper}, its {LOADER_FILE} names {found.spec.name}"
        raise CorruptVersionError(_damaged(key, number, what), key=key, version=number)
    if needs_of(found.spec.name, found.spec.arguments).runs_code:
        raise UntrustedDataError(f"cannot show {key!r}: {dumper!r} runs code from the file", key=key, loaderdumper=dumper)
    module = plugins.loaderdumper(dumper)
    plugins.check_options(module.Loader.get, options, f"loading with {dumper!r}")
    savedir = found.fetch(storage)
    check_sizes(storage, found, savedir, key)
    return _get(module, found, savedir, key, options)


def find(
    storage: Storage, key_folder: str, key: str, version: int | str | datetime.date | None = None, *, numbers: list[int] | None = None
) -> Found:
    """Find the newest version of a key, or the one asked for.

    Parameters
    ----------
    numbers : list of int, optional
        Its versions, where they were listed already.

    Raises
    ------
    KeyNotFoundError, VersionNotFoundError, VersionGoneError, CorruptVersionError
    """
    if numbers is not None:
        return _find(storage, key_folder, key, version, numbers)
    numbers = numbers_of(storage, key_folder)
    while True:
        try:
            return _find(storage, key_folder, key, version, numbers)
        except (VersionGoneError, ChecksumMismatchError):
            listed, numbers = numbers, numbers_of(storage, key_folder)
            if version is not None or numbers == listed:  # else the key was renamed, and perhaps stored anew, under our feet
                raise


def _find(storage: Storage, key_folder: str, key: str, version: Any, numbers: list[int]) -> Found:
    if not numbers:
        message = f"there is no key {key!r} in {storage.location}. See db.keys()."
        raise KeyNotFoundError(message, key=key, database=storage.location, near=lambda: near_keys(storage, key_folder, key))
    number = numbers[-1] if version is None else pick(storage, key_folder, numbers, version, key)
    folder = f"{key_folder}/{version_name(number)}"
    try:
        spec = storage.read(f"{folder}/{LOADER_FILE}")
        metadata = storage.read(f"{folder}/{METADATA_FILE}")
    except FileNotFoundError as error:
        raise _absence(storage, folder, key, number, asked=version is not None) from error
    except OSError as error:
        raise reading_failure(error, repr(key), storage.location) from error
    record = read_record(metadata, folder)
    if version is None and (original := original_of(record, numbers)) is not None:
        return find(storage, key_folder, key, original)
    files = checked_files(record, folder)
    if files.get(LOADER_FILE) != [len(spec), digest_of(spec)]:
        raise ChecksumMismatchError(
            _damaged(key, number, f"{LOADER_FILE} is not what was stored"), key=key, version=number, file=LOADER_FILE
        )
    return Found(number, folder, LoaderSpec.from_json(spec, folder), record, files, checked_earlier(record, folder))


def _fate(storage: Storage, folder: str, key: str, number: int) -> str:
    """Say what became of a key whose newest version is a tombstone."""
    try:
        renamed_to = read_record(storage.read(f"{folder}/{TOMBSTONE_FILE}"), folder).get("renamed_to")
    except (OSError, CorruptVersionError, FormatVersionError):
        renamed_to = None  # the refusal is about the key; verify tells of the record
    if renamed_to:
        return f"it was renamed to {renamed_to!r}"
    return f"it was deleted; db.get({key!r}, version={number - 1}) may still read what it held" if number > 1 else "it was deleted"


def _absence(storage: Storage, folder: str, key: str, number: int, *, asked: bool) -> IsfdbError:
    """Say why a version folder holds no spec: deleted, gone, or broken."""
    names = storage.list(folder)
    if TOMBSTONE_FILE in names:
        if asked:
            return VersionGoneError(
                f"version {number} of {key!r} is its deletion and holds no value. See db.versions({key!r}).", key=key, version=number
            )
        return KeyNotFoundError(
            f"there is no key {key!r} in {storage.location}: {_fate(storage, folder, key, number)}.", key=key, database=storage.location
        )
    if not names:
        return VersionGoneError(
            f"version {number} of {key!r} was moved or deleted while it was read. Read the key again.", key=key, version=number
        )
    return CorruptVersionError(_damaged(key, number, f"{LOADER_FILE} or {METADATA_FILE} is missing"), key=key, version=number)


def _damaged(key: str, number: int, what: str) -> str:
    return f"cannot load version {number} of {key!r}: {what}. Run isfdb.verify(db); an earlier version may be whole: db.versions({key!r})."


def load(storage: Storage, found: Found, key: str, *, database_id: str, trusted: bool, options: Mapping[str, Any]) -> Any:
    """Return the value of a version that was found."""
    module = plugins.loaderdumper(found.spec.name)
    if options:
        plugins.check_options(module.Loader.get, options, f"loading with {found.spec.name!r}")
    savedir = found.fetch(storage)
    check_sizes(storage, found, savedir, key)
    needs = needs_of(found.spec.name, found.spec.arguments)
    if not any(needs):
        return _get(module, found, savedir, key, options)
    if code_is_refused():
        message = f"{key!r} was not loaded: {found.spec.name!r} can run code, and here no value does, whoever wrote it. Load it in Python."
        raise UntrustedDataError(message, key=key, database=storage.location, loaderdumper=found.spec.name)
    if trusted or is_trusted(database_id, storage.location, _places(found)):
        with allowing_code():
            return _get(module, found, savedir, key, options)
    if not needs.runs_code and not is_signed_by_me(_signed(found), found.record.get("signature")):
        return _get(module, found, savedir, key, options)
    _check_signature(storage, found, key, database_id)
    if not getattr(module, "runs_code", False):
        with allowing_code(savedir, found.files):
            return _get(module, found, savedir, key, options)
    # Read once: what is checked is what is loaded, though somebody else may be able to write the folder.
    with tempfile.TemporaryDirectory(prefix="isfdb-") as private, allowing_code():
        changed = copy_checked(found.files, savedir, private)
        if changed:
            raise ChecksumMismatchError(
                _damaged(key, found.number, f"{changed} is not what was stored"), key=key, version=found.number, file=changed
            )
        return _get(module, found, private, key, options)


def _places(found: Found) -> list[str]:
    """Return the files that a version consists of, relative to the database."""
    key_folder = found.folder.rpartition("/")[0]
    return [*[f"{found.folder}/{name}" for name in found.files], *[f"{key_folder}/{name}" for name in found.earlier]]


def _signed(found: Found) -> bytes:
    return payload(str(found.record.get("digest")), str(found.record.get("nonce")))


def check_sizes(storage: Storage, found: Found, savedir: str, key: str) -> None:
    """Refuse a version that lacks a file, or has one of another size, or a link in its place.

    Raises
    ------
    VersionGoneError, IncompleteVersionError
    """
    if (len(found.files) < 2 and not found.earlier) or found.record.get("mutable"):
        return  # the spec itself was checked already; a folder that belongs to the user may change
    try:
        difference = sizes_differ(savedir, found.files, storage.links_into)
        difference = difference or sizes_differ(os.path.dirname(savedir), found.earlier, storage.links_into)
    except OSError as error:
        raise reading_failure(error, repr(key), storage.location) from error
    if difference is None:
        return
    if RECLAIMED_FILE in storage.list(found.folder):
        message = (
            f"the data of version {found.number} of {key!r} was reclaimed by collect; its metadata is still there: db.versions({key!r})."
        )
        raise VersionGoneError(message, key=key, version=found.number)
    raise IncompleteVersionError(_damaged(key, found.number, difference), key=key, version=found.number)


def _get(module: Any, found: Found, savedir: str, key: str, options: Mapping[str, Any]) -> Any:
    try:
        return module.Loader(**found.spec.arguments).get(savedir, **options)
    except MissingDependencyError as error:  # of a part
        raise _needing(error, found, key) from error
    except (IsfdbError, FileNotFoundError):
        raise
    except MemoryError as error:
        raise _too_large(found, key, error) from error
    except ImportError as error:
        raise _needing(plugins.missing_dependency(found.spec.name, error), found, key) from error
    except Exception as error:
        _blame_the_disk(found, savedir, key, error)
        if isinstance(error, OSError) and is_refusal(error):
            raise reading_failure(error, repr(key), savedir) from error
        older = plugins.too_old(found.spec.name)
        if older:
            raise _needing(older, found, key) from error
        raise LoadError(
            f"cannot load version {found.number} of {key!r} with {found.spec.name!r}: {type(error).__name__}: {error}. "
            "Its files are as they were stored: an option, or a library older or newer than the writer's, may be the reason; "
            "the record's environment names the versions.",
            key=key,
            version=found.number,
        ) from error


def _needing(error: MissingDependencyError, found: Found, key: str) -> MissingDependencyError:
    """Say as well which version needs the library."""
    return MissingDependencyError(f"cannot load version {found.number} of {key!r}: {error}", key=key, version=found.number, name=error.name)


def _too_large(found: Found, key: str, error: MemoryError) -> TooLargeError:
    said = str(error)[:200] or "there is no memory left"
    return TooLargeError(
        f"cannot load version {found.number} of {key!r} with {found.spec.name!r}: {said}. Read a part of it, map it, or use a larger "
        "computer; if it is said to be small, run isfdb.verify(db).",
        key=key,
        version=found.number,
    )


def _blame_the_disk(found: Found, savedir: str, key: str, error: Exception) -> None:
    """Raise the better error where a file has changed since it was stored."""
    if found.record.get("mutable"):
        return
    for name, facts in [*found.files.items(), *[(f"../{name}", facts) for name, facts in found.earlier.items()]]:
        if os.path.isfile(f"{savedir}/{name}") and list(digest_of_file(f"{savedir}/{name}")) != facts:
            raise ChecksumMismatchError(
                _damaged(key, found.number, f"{name} is not what was stored"), key=key, version=found.number, file=name
            ) from error


def _check_signature(storage: Storage, found: Found, key: str, database_id: str) -> None:
    signed = _signed(found)
    signature = found.record.get("signature")
    if not is_signed_by_me(signed, signature):
        reason = reason_not_to_run(database_id, storage.location, signed, signature, _places(found))
        raise UntrustedDataError(
            f"cannot load {key!r}: {found.spec.name!r} runs code from the file, and {reason}",
            key=key,
            database=storage.location,
            loaderdumper=found.spec.name,
        )
    if digest_of_files({**found.files, **found.earlier}) != found.record.get("digest"):
        raise ChecksumMismatchError(_damaged(key, found.number, "the manifest is not what was signed"), key=key, version=found.number)
