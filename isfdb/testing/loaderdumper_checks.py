"""The contract of a loaderdumper as one call: ``check_loaderdumper(module, examples)``. Each failure says what to do.

It writes to a temporary folder only, and starts one more Python to see that what was written can be read there.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from isfdb import exact_json
from isfdb.identical import assert_identical
from isfdb.testing.hostile import hostile_values
from isfdb.testing.loaderdumper_facts import check_facts, check_told, name_of
from isfdb.testing.stored_files import complain_of_names, complain_of_pickles, snapshot

#: Libraries that neither importing a loaderdumper nor its ``check`` may load: the first put of every session would wait for them.
HEAVY: Final = ("dask", "matplotlib", "numpy", "pandas", "polars", "pyarrow", "scipy", "sklearn", "torch", "xarray", "zarr")
_RESERVED: Final = ("metadata.json", "DELETED", "RECLAIMED")

#: How a part lies in memory is nobody's promise.
_LAYOUT: Final = ("Fortran order", "the chunks of")

Equal = Callable[[Any, Any], Any]


def check_loaderdumper(module: Any, examples: Iterable[Any], *, equal: Equal | None = None, foreign: Sequence[Any] = ()) -> None:
    """Raise unless a loaderdumper keeps its word.

    Parameters
    ----------
    module : module
        Has ``check``, ``dump`` and ``Loader``; importable by its name.
    examples : iterable
        Values it keeps: ordinary, empty, large, odd, with non-English text.
    equal : callable, optional
        ``equal(loaded, example)`` returns False or raises if they differ. Default: :func:`assert_identical`. Needed where another
        thing comes back than was stored, as a path or a picture.
    foreign : sequence, optional
        Values it must refuse: nearly of its type, or of its type and not kept exactly.

    Raises
    ------
    AssertionError
        The first promise that is broken, and what to do.

    Examples
    --------
    >>> from loaderdumpers import to_bytes
    >>> check_loaderdumper(to_bytes, [b"", b"abc"], foreign=[memoryview(b"abc"), "abc"])
    """
    values = list(examples)
    if not values:
        raise AssertionError("no examples were given: pass a few values that the loaderdumper keeps")
    check_facts(module)
    _check_options(module)
    _check_totality(module, foreign)
    with tempfile.TemporaryDirectory(prefix="isfdb-check-") as folder:
        written = [_check_round_trip(module, value, os.path.join(folder, f"{place} Größe ✓"), equal) for place, value in enumerate(values)]
        _check_other_process(module, values, written, folder, equal)


def _check_options(module: Any) -> None:
    """See that options are keyword-only and documented where a user looks for them."""
    _check_signature(f"{name_of(module)}.dump", module.dump, 2)
    _check_signature(f"{name_of(module)}.Loader.get", module.Loader.get, 2)


def _check_signature(name: str, function: Any, positional: int) -> None:
    parameters = list(inspect.signature(function).parameters.values())
    for parameter in parameters[positional:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            raise AssertionError(f"{name} takes **{parameter.name}, so a misspelt option would pass unnoticed; name the options")
        if parameter.kind is not parameter.KEYWORD_ONLY:
            raise AssertionError(f"{name} takes {parameter.name!r} by position; put a * before the options")
        if f"{parameter.name} :" not in (inspect.getdoc(function) or ""):
            raise AssertionError(
                f"the docstring of {name} does not document the option {parameter.name!r}; add '{parameter.name} : type' to it"
            )


def _check_totality(module: Any, foreign: Sequence[Any]) -> None:
    """See that ``check`` answers True or False to anything, and refuses what it must."""
    accepts_all = bool(getattr(module, "runs_code", False))
    for value in (*hostile_values(), *foreign):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        try:
            answer = module.check(value)
        except BaseException as error:
            advice = "compare type(obj), not obj.__class__ or isinstance, and look into it only when that matches"
            raise AssertionError(f"check raised {type(error).__name__} for a value of type {kind} ({error}); {advice}") from error
        if type(answer) is not bool:
            raise AssertionError(f"check returned {answer!r} for a value of type {kind}; return True or False")
    for value in foreign:
        if not accepts_all and module.check(value):
            raise AssertionError(f"check accepted {_shown(value)} of type {type(value).__qualname__}, which must be refused")


def _check_round_trip(module: Any, value: Any, folder: str, equal: Equal | None) -> tuple[str, dict[str, Any]]:
    """Dump, rename the folder as publishing does, load twice; return folder and arguments."""
    what = f"the example of type {type(value).__qualname__}"
    if not getattr(module, "explicit_only", False) and module.check(value) is not True:
        raise AssertionError(f"check refused {what}: {_shown(value)}; accept it, or leave it out of the examples")
    check_told(module, value, what)
    savedir = os.path.join(folder, "v000001")
    arguments = _dump(module, value, folder, what)
    os.rename(os.path.join(folder, ".stage"), savedir)
    before = snapshot(savedir)
    for attempt in ("", " a second time"):
        loaded = _load(module, arguments, savedir, f"{what}{attempt}")
        _compare(loaded, value, equal, f"{what} loaded{attempt}")
    if equal is None:
        _check_selection(module, arguments, savedir, value, what)
    if snapshot(savedir) != before and not getattr(module, "mutable", False):
        raise AssertionError(f"loading {what} changed files in its folder; get must only read, folders may be read-only")
    return savedir, arguments


def _check_selection(module: Any, arguments: dict[str, Any], savedir: str, whole: Any, what: str) -> None:
    """See that what the option ``select`` reads is the same part of the whole; it may refuse what it cannot select."""
    if "select" not in inspect.signature(module.Loader.get).parameters:
        return
    for selection in (slice(0, 2), slice(1, None), slice(-1, None)):
        try:
            expected = _part(whole, selection)
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError, RuntimeError):
            return  # what has no rows in an order has no such part
        try:
            found = module.Loader(**arguments).get(savedir, select=selection)
        except ValueError:
            continue
        try:
            _compare(found, expected, None, f"{what}, read with select={selection},")
        except AssertionError as error:
            if not any(layout in str(error) for layout in _LAYOUT):
                raise


def _part(value: Any, selection: slice) -> Any:
    """Return some rows as the value's own library selects them."""
    if len(value) == 0 or isinstance(value, dict):
        raise ValueError("it has no rows")
    if hasattr(value, "iloc"):
        return value.iloc[selection]
    if hasattr(value, "slice"):
        start, stop, _ = selection.indices(len(value))
        return value.slice(start, stop - start)
    return value[selection]


def _dump(module: Any, value: Any, folder: str, what: str) -> dict[str, Any]:
    """Dump into ``.stage``, and see that the value, the files and the arguments are as they should be."""
    stage, elsewhere = os.path.join(folder, ".stage"), os.path.join(folder, "elsewhere")
    os.makedirs(stage)
    os.makedirs(elsewhere)
    copy = _copy(value)
    here = os.getcwd()
    os.chdir(elsewhere)
    try:
        returned = module.dump(value, stage)
    finally:
        os.chdir(here)
    if os.listdir(elsewhere) or sorted(os.listdir(folder)) != [".stage", "elsewhere"]:
        raise AssertionError(f"dump of {what} wrote outside its folder; join every path with savedir")
    if copy is not _NO_COPY:
        try:
            assert_identical(value, copy)
        except AssertionError as error:
            raise AssertionError(f"dump changed {what} that it was given ({error}); work on a copy, or restore it") from error
    _check_files(module, stage, what)
    arguments = _as_stored(returned, what)
    if not getattr(module, "runs_code", False):
        complain_of_pickles(stage, json.dumps(arguments), what, getattr(module, "pickles", ()))
    return arguments


_NO_COPY: Final = object()


def _copy(value: Any) -> Any:
    """Return an independent copy to compare with, if there is a way to get one."""
    try:
        import cloudpickle

        copied = cloudpickle.loads(cloudpickle.dumps(value))
        assert_identical(copied, value)
    except Exception:  # noqa: BLE001  what cannot be copied or compared by itself is not looked at for changes
        return _NO_COPY
    return copied


def _check_files(module: Any, stage: str, what: str) -> None:
    complain_of_names(stage, what)
    for name in _RESERVED:
        if os.path.lexists(os.path.join(stage, name)):
            raise AssertionError(f"dump of {what} wrote {name}, which belongs to isfdb; choose another name")
    spec = os.path.join(stage, "Loader.json")
    if os.path.exists(spec):
        with open(spec, encoding="utf-8") as file:
            if "Loader" not in json.load(file):
                raise AssertionError(f"dump of {what} wrote Loader.json, which belongs to isfdb; return the arguments instead")


def _as_stored(returned: Any, what: str) -> dict[str, Any]:
    """Return the arguments as they come back from ``Loader.json``."""
    if returned is None:
        return {}
    if not isinstance(returned, dict) or not all(type(name) is str and name.isidentifier() for name in returned):
        raise AssertionError(f"dump of {what} returned {str(returned)[:200]}; return a dict of the Loader's arguments, or None")
    taken = {"Loader", "format"} & set(returned)
    if taken:
        raise AssertionError(f"dump of {what} returned the argument {sorted(taken)}, which belongs to isfdb; choose another name")
    try:
        stored: dict[str, Any] = exact_json.loads(exact_json.dumps(returned))
    except (TypeError, ValueError) as error:
        raise AssertionError(
            f"dump of {what} returned something that is no JSON ({error}); convert it to text, numbers and lists"
        ) from error
    if stored != returned:
        advice = "use lists for tuples and text for names"
        raise AssertionError(f"the arguments that dump of {what} returned come back from JSON changed, as {str(stored)[:200]}; {advice}")
    return stored


def _load(module: Any, arguments: dict[str, Any], savedir: str, what: str) -> Any:
    try:
        return module.Loader(**arguments).get(savedir)
    except Exception as error:
        advice = "the folder was renamed after dump, as publishing does: store no absolute path"
        raise AssertionError(f"{what} could not be loaded: {type(error).__name__}: {error} ({advice})") from error


def _compare(loaded: Any, value: Any, equal: Equal | None, what: str) -> None:
    try:
        answer = (equal or assert_identical)(loaded, value)
    except AssertionError as error:
        raise AssertionError(f"{what} is not what was stored: {error}. Keep it exactly, or refuse it in check.") from error
    if answer is not None and not answer:
        raise AssertionError(
            f"{what} is not what was stored: {_shown(loaded)}, not {_shown(value)}. Keep it exactly, or refuse it in check."
        )


_OTHER_PROCESS: Final = """
import importlib, os, pickle, sys
name, order, heavy = sys.argv[1], sys.argv[2], sys.argv[3].split()
module = importlib.import_module(name)
assert not (set(heavy) & set(sys.modules)), f"importing {name} loads {sorted(set(heavy) & set(sys.modules))}; import inside functions"
for value in (None, 1, 1.5, "text", b"bytes", [1], {"a": 1}, object()):
    module.check(value)
assert not (set(heavy) & set(sys.modules)), f"check loads {sorted(set(heavy) & set(sys.modules))}; look into sys.modules instead"
with open(order, "rb") as file:
    folders, values = pickle.load(file)
import cloudpickle
values = [None if value is None else cloudpickle.loads(value) for value in values]  # the user's classes are there, as on a good day
with open(order + ".loaded", "wb") as file:
    cloudpickle.dump([module.Loader(**arguments).get(folder) for folder, arguments in folders], file)
again = []
for place, value in enumerate(values):
    folder = f"{order}.{place}"
    os.mkdir(folder)
    again.append(None if value is None else (module.dump(value, folder) or {}))
with open(order + ".again", "wb") as file:
    pickle.dump(again, file)
"""


def _check_other_process(
    module: Any, values: list[Any], written: list[tuple[str, dict[str, Any]]], folder: str, equal: Equal | None
) -> None:
    """Load in a Python that has dumped nothing, and dump there: the arguments must be the same."""
    import pickle

    import cloudpickle

    order = os.path.join(folder, "order")
    copies = [None if _copy(value) is _NO_COPY else cloudpickle.dumps(value) for value in values]
    with open(order, "wb") as file:
        pickle.dump((written, copies), file)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path), "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", _OTHER_PROCESS, name_of(module), order, " ".join(HEAVY)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise AssertionError(
            f"in another process: {last[0].removeprefix('AssertionError: ')}. The module must be importable as {name_of(module)!r}."
        )
    with open(order + ".loaded", "rb") as file:
        for loaded, value, copy in zip(cloudpickle.load(file), values, copies, strict=True):
            if copy is None and equal is None:  # pickle, which brings the loaded value here, would change it on its way
                continue
            _compare(loaded, value, equal, f"the example of type {type(value).__qualname__}, loaded in another process,")
    with open(order + ".again", "rb") as file:
        _compare_specs(pickle.load(file), [arguments for _, arguments in written], values)


def _compare_specs(again: list[Any], before: list[dict[str, Any]], values: list[Any]) -> None:
    for other, first, value in zip(again, before, values, strict=True):
        if other is not None and exact_json.compact(other) != exact_json.compact(first):
            advice = "they must depend on the value alone: no set order, id, path or time"
            raise AssertionError(
                f"dump of the example of type {type(value).__qualname__} returns other arguments in another process; {advice}"
            )


def _shown(value: Any) -> str:
    try:
        return repr(value)[:200]
    except Exception as error:  # noqa: BLE001  a message must not fail because a value cannot be shown
        return f"something that cannot be shown ({type(error).__name__})"
