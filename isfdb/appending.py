"""How a value grows: ``db.append``, from top to bottom.

find the newest version → see that the block fits → plan the blocks → stage → publish, if it still is the newest. A lost race is run
again on what won. What is there is neither copied nor touched, so a reader of an earlier version never sees a later block.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from isfdb import plugins
from isfdb.blocks import Block, Grown, files_of_blocks, grown, seen_from_next
from isfdb.errors import AppendError, ConflictError, IsfdbError, KeyNotFoundError, StorageError, VersionGoneError
from isfdb.failures import storage_failure
from isfdb.layout.current import version_name
from isfdb.loader_spec import NAMESPACE
from isfdb.manifest import Files
from isfdb.parts import load_part
from isfdb.publishing import Pending, Target, publish, was_renamed
from isfdb.reading import Found, find
from isfdb.versions import numbers_of
from isfdb.writing import stage_value

#: Name of the loaderdumper of values that grew.
APPENDED = "appended"


def append(
    target: Target,
    addition: Any,
    *,
    axis: int,
    options: Mapping[str, Any],
    carried: Any,
    durable: bool,
    may_create: bool = True,
    journal: str | None = None,
    last: int | None = None,
) -> Pending:
    """Publish the value of a key with `addition` at its end; where there is no such key, `addition` alone.

    Parameters
    ----------
    axis : int
        Along which it grows; negative ones count from the last.
    options : Mapping
        For the ``fits`` of the loaderdumper.
    may_create : bool
        False: refuse where there is no such key.
    journal : str, optional
        Nonce of the journal that `addition` lay in; noted, so that nobody publishes it again.
    last : int, optional
        The version believed to be the newest, because the caller published it: saves a listing, and where it is wrong costs a try.

    Raises
    ------
    AppendError
        The value cannot grow, or `addition` does not fit.
    KeyNotFoundError, DumpError, StorageError, CorruptVersionError, IncompleteVersionError
    """
    while True:
        numbers = [last] if last else numbers_of(target.storage, target.key_folder)
        try:
            found = newest(target, must_be=not may_create, numbers=numbers)
            pending = _stage(target, found, addition, axis, options, carried, numbers)
        except (IsfdbError, FileNotFoundError) as error:
            if last is None and not _was_renamed(error, target, numbers):
                raise _refusal(error, target) from error.__cause__
            last = None  # what was believed to be the newest was renamed, deleted or replaced meanwhile
            continue
        last = None
        if journal:
            pending.record["journal"] = journal
        try:
            publish(target.storage, [pending], durable=durable)
        except ConflictError:
            continue  # somebody else's block came first: ours goes behind it
        except StorageError as error:
            if not was_renamed(error, target, numbers):
                raise
        else:
            return pending


def _was_renamed(error: IsfdbError | FileNotFoundError, target: Target, numbers: list[int]) -> bool:
    if isinstance(error, (VersionGoneError, FileNotFoundError)):
        return not set(numbers) <= set(numbers_of(target.storage, target.key_folder))
    return isinstance(error, StorageError) and was_renamed(error, target, numbers)


def _refusal(error: IsfdbError | FileNotFoundError, target: Target) -> IsfdbError:
    return error if isinstance(error, IsfdbError) else storage_failure(error, f"append to {target.key!r}", target.storage.location)


def newest(target: Target, *, must_be: bool = False, numbers: list[int] | None = None) -> Found | None:
    """Return the newest version of a key; None where there is no such key.

    Raises
    ------
    KeyNotFoundError
        It must be there, and is not.
    """
    try:
        return find(target.storage, target.key_folder, target.key, numbers=numbers)
    except KeyNotFoundError:
        if must_be:
            raise
        return None


def _stage(
    target: Target, found: Found | None, addition: Any, axis: int, options: Mapping[str, Any], carried: Any, numbers: list[int]
) -> Pending:
    if found is None:
        _refuse_what_cannot_grow(target.key, plugins.choose(addition)[0], type(addition).__qualname__)
        return stage_value(replace(target, expected_version=0), addition, None, {}, carried, numbers=numbers)
    plan, earlier = _plan(target, found, addition, axis, options)
    target = replace(target, expected_version=found.number)
    return stage_value(target, plan, APPENDED, {}, carried, earlier=earlier, numbers=numbers)


def _plan(target: Target, found: Found, addition: Any, axis: int, options: Mapping[str, Any]) -> tuple[Grown, Files]:
    """Return what is to be stored, and the manifest of the earlier files that belong to it."""
    of, axis, blocks = _as_blocks(target.key, found, axis)
    addition = _fitted(target, found, addition, of, axis, blocks, options)
    plan = grown(of, axis, seen_from_next(blocks, found.number), addition, int(getattr(addition, "nbytes", 0) or 0))
    return plan, files_of_blocks(plan.kept, found.number, found.files, found.earlier)


def fit(target: Target, found: Found, addition: Any, axis: int, options: Mapping[str, Any]) -> tuple[Any, int]:
    """Return what is to be appended in its final form, and the axis counted from 0.

    Raises
    ------
    AppendError
        It does not fit.
    """
    of, axis, blocks = _as_blocks(target.key, found, axis)
    return _fitted(target, found, addition, of, axis, blocks, options), axis


def join_blocks(target: Target, blocks: list[Any], axis: int) -> Any:
    """Return blocks that wait for a key as one, as its loaderdumper joins them.

    Raises
    ------
    KeyNotFoundError
        The key is gone.
    """
    found = newest(target, must_be=True)
    assert found is not None
    of, axis, _ = _as_blocks(target.key, found, axis)
    return plugins.loaderdumper(of).join(blocks, axis)


def _fitted(target: Target, found: Found, addition: Any, of: str, axis: int, blocks: list[Block], options: Mapping[str, Any]) -> Any:
    module = plugins.loaderdumper(of)
    if options:
        plugins.check_options(module.fits, options, f"appending with {of!r}")
    extent = sum(block.extent for block in blocks)
    try:
        sample = _sample(found.fetch(target.storage), blocks[0], axis)
        return module.fits(sample, addition, axis=axis, extent=extent, **options)
    except FileNotFoundError:
        raise  # collected or renamed meanwhile: the caller looks again
    except OSError as error:
        raise storage_failure(error, f"append to {target.key!r}", target.storage.location) from error
    except (TypeError, ValueError) as error:
        raise AppendError(f"cannot append to {target.key!r}: {error}. Nothing was changed.", key=target.key) from error


def _as_blocks(key: str, found: Found, axis: int) -> tuple[str, int, list[Block]]:
    """Return the loaderdumper, the axis from 0 and the blocks of what is stored, which is a single block before the first append."""
    arguments = found.spec.arguments
    if found.spec.name == APPENDED:
        blocks = [Block.from_json(block) for block in arguments["blocks"]]
        of, grew_along = str(arguments["of"]), int(arguments["axis"])
    else:
        _refuse_what_cannot_grow(key, found.spec.name, str(found.record.get("describe", {}).get("type")))
        blocks, of, grew_along = [], found.spec.name, None
    n_axes = len((blocks[0].spec if blocks else arguments).get("shape", (0,)))  # tables, whose spec names no shape, have one
    axis = _from_zero(key, axis, n_axes)
    if grew_along is not None and axis != grew_along:
        raise AppendError(
            f"cannot append to {key!r} along axis {axis}: it has grown along axis {grew_along}. "
            "To change the axis store it anew: db[key] = db[key].",
            key=key,
        )
    if not blocks:
        size_bytes = sum(size for size, _ in found.files.values())
        spec = {**arguments, "Loader": f"{NAMESPACE}.{of}"}
        blocks = [Block(f"../{version_name(found.number)}", _extent(key, found, axis), 0, size_bytes, spec)]
    return of, axis, blocks


def _refuse_what_cannot_grow(key: str, name: str, kind: str) -> None:
    module = plugins.loaderdumper(name)
    if not all(hasattr(module, function) for function in ("fits", "extent", "join")):
        raise AppendError(
            f"cannot append to {key!r}: {name} keeps this {kind}, and its values do not grow. Arrays and tables do; "
            "docs/reference/loaderdumpers.md says which.",
            key=key,
        )


def _from_zero(key: str, axis: int, n_axes: int) -> int:
    try:
        number = operator.index(axis)
    except TypeError as error:
        raise AppendError(f"cannot append to {key!r}: axis={axis!r} is no whole number. Nothing was changed.", key=key) from error
    if not -n_axes <= number < n_axes:
        raise AppendError(f"cannot append to {key!r} along axis {axis}: it has {n_axes} axes. Nothing was changed.", key=key)
    return number % n_axes


def _extent(key: str, found: Found, axis: int) -> int:
    """Return how long a value is that has not grown yet, from its record."""
    shape = found.record.get("describe", {}).get("shape")
    if not isinstance(shape, list) or len(shape) <= axis or type(shape[axis]) is not int:
        raise AppendError(f"cannot append to {key!r}: its record does not say how long it is. Store it anew: db[key] = db[key].", key=key)
    return int(shape[axis])


def _sample(folder: str, block: Block, axis: int) -> Any:
    """Return the value without its rows: its type, dtypes and other axes."""
    rows: Any = (*[slice(None)] * axis, slice(0, 0))
    return load_part(block.spec, os.path.normpath(f"{folder}/{block.place}"), select=rows if axis else rows[0])
