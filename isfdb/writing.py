"""How a value becomes a folder: ``db["rates"] = df``, from top to bottom.

choose a loaderdumper → stage a folder → dump → checksums → provenance → publish. Any failure before publish discards the stage and
leaves the old value as it was. The writer never deletes what it replaces; `collecting.py` does, later.
"""

from __future__ import annotations

import datetime
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isfdb import plugins
from isfdb.errors import (
    ConflictError,
    CorruptVersionError,
    DumpError,
    FormatVersionError,
    IsfdbError,
    KeyExistsError,
    KeyNotFoundError,
    PickleWarning,
)
from isfdb.exact_json import compact
from isfdb.failures import storage_failure
from isfdb.hashing import digest_of
from isfdb.layout.current import (
    CODE_FILE,
    DELETED_SUFFIX,
    FORMAT,
    KEY_SUFFIX,
    LOADER_FILE,
    METADATA_FILE,
    TOMBSTONE_FILE,
    version_name,
    version_number,
)
from isfdb.loader_spec import NAMESPACE, LoaderSpec
from isfdb.manifest import Files, digest_of_files, files_of, seal, walk
from isfdb.name_clashes import check_new_key
from isfdb.options import option
from isfdb.parts import needs_of
from isfdb.provenance.capture import capture, explanation, log_digest
from isfdb.storage.base import Stage, Storage, TakenError
from isfdb.trust import payload, sign, sign_script
from isfdb.versions import VersionState, is_alive, numbers_of, state_of

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


def stage_value(
    target: Target,
    value: Any,
    dumper: Any,
    options: Mapping[str, Any],
    carried: Any,
    *,
    statistics: bool | None = None,
    earlier: Files | None = None,
    numbers: list[int] | None = None,
) -> Pending:
    """Write `value` into a stage, with its checksums and provenance; nothing is visible yet.

    Parameters
    ----------
    statistics : bool, optional
        Note minimum, mean and the like, where the loaderdumper can tell; default: the setting ``statistics``.
    earlier : dict, optional
        Manifest of files in earlier versions of the key that belong to the value.
    numbers : list of int, optional
        The versions of the key, where they were listed already.

    Raises
    ------
    NoDumperError, DumpError, OptionError, KeyExistsError, ConflictError, StorageError
    """
    name, module = _choose(value, dumper)
    numbers = numbers_of(target.storage, target.key_folder) if numbers is None else numbers
    _check_expectations(target, numbers)
    if not numbers:
        check_new_key(target.storage, target.folder, target.name, target.key)
    stage = _stage(target, is_new=not numbers)
    try:
        spec = _dump(name, module, value, stage, options, target.key)
        record = _record(target, stage, name, module, value)
        if option("statistics", statistics):
            record["describe"]["statistics"] = _facts(module, "summarise", value)
        record |= checksums(target.storage, stage, spec, earlier)
        record |= capture(target.storage, carried)
        _explain(target, stage, record, carried)
        record["created"] = now()  # later than what the script sees, or running it again would find this very version
        if any(needs_of(name, spec.arguments)):
            record |= signature_of(record)
        return Pending(target, stage, record, numbers)
    except OSError as error:
        target.storage.discard(stage)
        raise storage_failure(error, f"write {target.key!r}", target.storage.location) from error
    except BaseException:
        target.storage.discard(stage)
        raise


def stage_tombstone(target: Target, carried: Any, **facts: Any) -> Pending:
    """Stage the deletion of a key: a commit like any other.

    Raises
    ------
    KeyNotFoundError, ConflictError, StorageError
    """
    numbers = numbers_of(target.storage, target.key_folder)
    if not is_alive(target.storage, target.key_folder, numbers):
        raise KeyNotFoundError(
            f"cannot delete {target.key!r} from {target.storage.location}: there is no such key. See db.keys().", key=target.key
        )
    _check_expectations(target, numbers)
    stage = _stage(target, is_new=False)
    record = {"created": now(), "format": FORMAT, "key": target.key, "nonce": stage.nonce, **capture(target.storage, carried), **facts}
    return Pending(target, stage, record, numbers, is_tombstone=True)


def publish(storage: Storage, pending: Sequence[Pending], *, durable: bool) -> None:
    """Make staged versions visible: one wait for the disk before the renames, one after, however many there are.

    Raises
    ------
    ConflictError, KeyExistsError
        Another writer came first and the caller had asked to be told.
    StorageError
        The disk refused. What was published before the failure stays, each key whole.
    """
    waiting = list(pending)
    try:
        for one in waiting:
            _seal(one)
        _lay_hints(storage, waiting)
        if durable:
            storage.prepare([one.stage for one in waiting])
        renamed: set[str] = set()
        while waiting:
            key_folder = waiting[0].target.key_folder
            if durable and key_folder in renamed:  # a power cut must not keep a key's later version and lose the one before
                storage.settle([one.stage for one in pending[: len(pending) - len(waiting)]])
                renamed.clear()
            _rename(storage, waiting[0], durable=durable)
            renamed.add(key_folder)
            waiting.pop(0)
        if durable:
            storage.settle([one.stage for one in pending])
    except OSError as error:
        n_published = len(pending) - len(waiting)
        what = f"publish {', '.join(repr(one.target.key) for one in (waiting or pending)[:3])}"
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


def _stage(target: Target, *, is_new: bool) -> Stage:
    try:
        return target.storage.stage(target.key_folder, is_new=is_new)
    except OSError as error:
        raise storage_failure(error, f"write {target.key!r}", target.storage.location) from error


def _choose(value: Any, dumper: Any) -> tuple[str, Any]:
    """Return name and module: the one asked for, by name or as a module, else the first that accepts the value."""
    if dumper is None:
        name, module = plugins.choose(value)
        if getattr(module, "runs_code", False):
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            message = (
                f"no open format keeps this {kind} exactly, so {name} stores it as a pickle, which loads only for you and for those who "
                "trust the database. Open formats keep values of Python's own types, containers of them, arrays, tables and figures."
            )
            warnings.warn(message, PickleWarning, stacklevel=5)
        return name, module
    name = dumper if isinstance(dumper, str) else str(getattr(dumper, "__name__", dumper))
    name = name.rpartition(".")[2]
    return name, plugins.loaderdumper(name)


def _check_expectations(target: Target, numbers: list[int]) -> None:
    if target.expected_version is None and target.overwrite:
        return
    newest = numbers[-1] if numbers else 0
    alive = is_alive(target.storage, target.key_folder, numbers)
    if alive and not target.overwrite:
        raise KeyExistsError(
            f"{target.key!r} holds version {newest} already, and is not to be overwritten. Choose another key.", key=target.key
        )
    expected = target.expected_version
    if expected is not None and expected != newest and not (expected == 0 and not alive):
        raise ConflictError(
            f"{target.key!r} was expected at version {expected} and is at {newest}: somebody else published. Read it again, then decide.",
            key=target.key,
            expected=expected,
            found=newest,
        )


def _dump(name: str, module: Any, value: Any, stage: Stage, options: Mapping[str, Any], key: str) -> LoaderSpec:
    """Let the loaderdumper write its files, and note what it wrote."""
    if options:
        plugins.check_options(module.dump, options, f"the loaderdumper {name!r}")
    try:
        arguments = module.dump(value, stage.path, **options)
    except IsfdbError:
        raise
    except ImportError as error:
        raise plugins.missing_dependency(name, error) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's refusal; one without a number is the module's own
            raise storage_failure(error, f"dump {key!r}", stage.path) from error
        older = plugins.too_old(name)
        if older:
            raise older from error
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        reason = str(error).rstrip(".")
        raise DumpError(
            f"cannot store {key!r}: {name} failed on a {kind} with {type(error).__name__}: {reason}. Nothing was changed.", key=key
        ) from error
    stage.files, stage.folders = walk(stage.path)
    if LOADER_FILE in stage.files:  # written by the module itself, as ISF's did
        with open(f"{stage.path}/{LOADER_FILE}", "rb") as file:
            written = LoaderSpec.from_json(file.read(), key)
        arguments = {**written.arguments, **(arguments or {})}
    return LoaderSpec(f"{NAMESPACE}.{name}", arguments or {})


def _record(target: Target, stage: Stage, name: str, module: Any, value: Any) -> dict[str, Any]:
    record = {
        "created": now(),
        "describe": {"type": type(value).__qualname__, **_facts(module, "describe", value)},
        "dumper": name,
        "format": FORMAT,
        "key": target.key,
        "nonce": stage.nonce,
    }
    if getattr(module, "mutable", False):
        record["mutable"] = True
    return record


def _facts(module: Any, question: str, value: Any) -> dict[str, Any]:
    """Return what a loaderdumper answers about a value; the reason where it fails, for that never costs a save."""
    try:
        facts = dict(getattr(module, question)(value)) if hasattr(module, question) else {}
        compact(facts).encode()  # refuses here what is no JSON, and half surrogate pairs, not when the record is written
        return facts
    except Exception as error:  # noqa: BLE001 - a stranger's module may fail in any way
        return {"unknown": f"{question} failed with {type(error).__name__}: {error}"[:200]}


def checksums(storage: Storage, stage: Stage, spec: LoaderSpec, earlier: Files | None = None) -> dict[str, Any]:
    """Write the spec of a stage, and return its manifest and digest; `earlier` is that of files which lie in earlier versions."""
    files = files_of(stage.path, [name for name in stage.files if name != LOADER_FILE])
    text = spec.to_json().encode()
    storage.write(stage, LOADER_FILE, text)
    files[LOADER_FILE] = [len(text), digest_of(text)]
    named = {"earlier": earlier} if earlier else {}
    return {"digest": digest_of_files({**files, **(earlier or {})}), "files": files, **named}


def _explain(target: Target, stage: Stage, record: dict[str, Any], carried: Any) -> None:
    """Write the script that makes the value, and note what it is made from."""
    explained = explanation(target.storage, carried, target.key_folder)
    if explained.code is not None:
        target.storage.write(stage, CODE_FILE, explained.code)
    unknown = {**record.get("unknown", {}), **explained.members.get("unknown", {})}
    record |= explained.members | ({"unknown": unknown} if unknown else {})
    if (
        explained.code is not None
        and record.get("slice")
        and (signature := sign_script(digest_of(explained.code), log_digest(target.storage)))
    ):
        record["slice"] = {**record["slice"], "signature": signature}


def signature_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Sign a record as this user; empty where the key cannot be used."""
    signature = sign(payload(record["digest"], record["nonce"]))
    return {"signature": signature} if signature else {}


def now() -> str:
    """Return the time as it stands in records: ISO-8601, UTC, microseconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def _seal(pending: Pending) -> None:
    """Write the record, which names the version before it; again whenever another writer's version came between."""
    target = pending.target
    pending.number = _next_number(target, pending.numbers)
    if not pending.is_chained:
        before = _before(target, pending.numbers[-1]) if pending.numbers else None
        pending.record["previous"] = before.record.get("record") if before else None
        pending.revives = before is not None and before.is_tombstone
    name = TOMBSTONE_FILE if pending.is_tombstone else METADATA_FILE
    target.storage.write(pending.stage, name, seal(pending.record).encode())


def _next_number(target: Target, numbers: list[int]) -> int:
    number = numbers[-1] + 1 if numbers else 1
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
    except (OSError, CorruptVersionError, FormatVersionError):
        return None  # the version before is damaged: verify reports it, and this save must not fail for it


def _rename(storage: Storage, pending: Pending, *, durable: bool) -> None:
    """Publish under the next free number."""
    while True:
        try:
            storage.publish(pending.stage, pending.number)
        except TakenError:
            pending.numbers = numbers_of(storage, pending.target.key_folder)
            pending.is_chained = False
            _check_expectations(pending.target, pending.numbers)
            _seal(pending)
            if durable:
                storage.prepare([pending.stage])
        else:
            return


def _hint(target: Target) -> str:
    return target.key_folder.removesuffix(KEY_SUFFIX) + DELETED_SUFFIX


def _lay_hints(storage: Storage, pending: Sequence[Pending]) -> None:
    """Lay the hint before the tombstone, so that one listing of the database suffices to know who is alive."""
    for one in pending:
        if one.is_tombstone:
            storage.put(_hint(one.target), b"")


def _tidy_hints(storage: Storage, pending: Sequence[Pending]) -> None:
    """Bring hints in line with what is newest now: a rival may have deleted, or written, since."""
    for one in pending:
        hint = _hint(one.target)
        if one.is_tombstone:
            storage.put(hint, b"")
        elif one.revives:
            storage.remove(hint)
            if not is_alive(storage, one.target.key_folder, numbers_of(storage, one.target.key_folder)):
                storage.put(hint, b"")
