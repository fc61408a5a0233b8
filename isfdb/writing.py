"""How a value becomes a folder: ``db["rates"] = df``, from top to bottom.

choose a loaderdumper → stage a folder → dump → checksums → provenance → publish. Any failure before publish discards the stage and
leaves the old value as it was. The writer never deletes what it replaces; `collecting.py` does, later.
"""

from __future__ import annotations

import datetime
import logging
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from isfdb import plugins
from isfdb.errors import (
    DumpError,
    IsfdbError,
    KeyNotFoundError,
    OptionError,
    PickleWarning,
)
from isfdb.exact_json import compact
from isfdb.failures import storage_failure
from isfdb.hashing import digest_of
from isfdb.layout.current import (
    CODE_FILE,
    FORMAT,
    LOADER_FILE,
)
from isfdb.loader_spec import NAMESPACE, LoaderSpec
from isfdb.manifest import Files, digest_of_files, files_of, walk
from isfdb.name_clashes import check_new_key
from isfdb.near_keys import near_keys
from isfdb.options import option
from isfdb.parts import needs_of
from isfdb.provenance.capture import capture, explanation, log_digest
from isfdb.publishing import Pending, Target, check_expectations, first_number
from isfdb.storage.base import Stage, Storage
from isfdb.trust import payload, sign, sign_script
from isfdb.versions import is_alive, numbers_of

_log = logging.getLogger(__name__)


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
    if target.storage.gives_copies and getattr(module, "mutable", False):
        message = f"cannot store {target.key!r}: {name} gives a folder that is yours to fill, and {target.storage.location} has none."
        raise OptionError(f"{message} Attach it when it is full: db.attach(key, path).", key=target.key)
    numbers = numbers_of(target.storage, target.key_folder) if numbers is None else numbers
    check_expectations(target, numbers)
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
        message = f"cannot delete {target.key!r} from {target.storage.location}: there is no such key. See db.keys()."
        raise KeyNotFoundError(message, key=target.key, near=lambda: near_keys(target.storage, target.key_folder, target.key))
    check_expectations(target, numbers)
    target = replace(target, must_exist=True)  # of two that delete one value, the second finds none
    stage = _stage(target, is_new=False)
    record = {"created": now(), "format": FORMAT, "key": target.key, "nonce": stage.nonce, **capture(target.storage, carried), **facts}
    return Pending(target, stage, record, numbers, is_tombstone=True)


def _stage(target: Target, *, is_new: bool) -> Stage:
    try:
        return target.storage.stage(target.key_folder, is_new=is_new, first=first_number(target) if is_new else 1)
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
