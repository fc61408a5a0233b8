"""Stores the parts of a container: in folders of their own, small arrays in one file, what only pickle keeps in one pickle."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from isfdb import plugins
from isfdb.errors import PickleWarning
from isfdb.parts import dump_part
from loaderdumpers import numpy_to_npy
from loaderdumpers._places import Names, Place, shown, steps_to
from loaderdumpers._python_scalars import Node

ARRAYS: Final = "numpy_to_npz"
PICKLE: Final = "to_cloudpickle"
_OURS: Final = frozenset({"containers_to_parts", "python_to_json", "to_json"})

#: So many arrays and long bytes have folders of their own, however small they are.
_FEW: Final = 16


@dataclass(slots=True)
class _Leaf:
    place: Place
    value: Any
    node: dict[str, Any]
    dumper: str | None = None
    options: Mapping[str, Any] | None = None


class Leaves:
    """Collects what the skeleton cannot hold, then stores it.

    Parameters
    ----------
    dumpers : Mapping
        Place to the loaderdumper that was chosen for it, with or without options.
    """

    def __init__(self, dumpers: Mapping[Any, Any]) -> None:
        self._leaves: list[_Leaf] = []
        self._by_id: dict[int, _Leaf] = {}
        self._chosen = {key if type(key) is tuple else (key,): choice for key, choice in dumpers.items()}
        self._met: set[Any] = set()

    def is_chosen(self, place: Place) -> bool:
        """Say whether a loaderdumper was chosen for what lies at `place`."""
        return tuple(steps_to(place)) in self._chosen

    def add(self, value: Any, place: Place) -> Node:
        """Remember a leaf and return its node, to be filled in when it is stored; the same leaf again gives the same node."""
        steps = tuple(steps_to(place)) if self._chosen else ()
        if steps in self._chosen:
            self._met.add(steps)
            choice = self._chosen[steps]
            options = dict(choice) if isinstance(choice, Mapping) else {"dumper": choice}
            return self._append(_Leaf(place, value, {"$part": None}, options.pop("dumper", None), options)).node
        known = self._by_id.get(id(value))
        if known is None:
            known = self._by_id[id(value)] = self._append(_Leaf(place, value, {"$part": None}))
        return known.node

    def _append(self, leaf: _Leaf) -> _Leaf:
        self._leaves.append(leaf)
        return leaf

    def store(self, savedir: str, *, pool_below: int, most_parts: int) -> dict[str, Any]:
        """Write all leaves, and return their specs by the names of their parts.

        Raises
        ------
        TypeError
            One of them cannot be kept, or there are too many; nothing is published then.
        """
        self._complain_of_choices()
        small = [leaf for leaf in self._leaves if _is_poolable(leaf, pool_below)]
        pooled = small if len(small) > _FEW and ARRAYS in plugins.names() else []
        apart = set(map(id, pooled))
        pickled: list[_Leaf] = []
        whole: list[_Leaf] = []
        for leaf in self._leaves:
            if id(leaf) not in apart:
                (pickled if _needs_pickle(leaf) else whole).append(leaf)
        if len(whole) > most_parts:
            raise TypeError(
                f"it has {len(whole)} parts that need a folder each, as at {shown(whole[-1].place)}; {most_parts} are the limit. Join them "
                "(pandas.concat, numpy.stack), store them under keys of a sub-database, or pass most_parts= or dumper='to_cloudpickle'"
            )
        names = Names()
        specs = {}
        for leaf in whole:
            leaf.node["$part"] = name = names.name(leaf.place)
            specs[name] = _store(leaf, os.path.join(savedir, name))
        if pooled:
            specs |= _store_arrays(pooled, savedir, names.free("arrays"))
        if pickled:
            specs |= _store_pickled(pickled, savedir, names.free("pickled"))
        return specs

    def _complain_of_choices(self) -> None:
        missing = set(self._chosen) - self._met
        if missing:
            places = ", ".join(sorted(repr(list(steps) if len(steps) > 1 else steps[0]) for steps in missing))
            raise TypeError(f"dumpers= names {places}, and there is nothing at that place")


def _is_poolable(leaf: _Leaf, pool_below: int) -> bool:
    if leaf.dumper is not None or leaf.options:
        return False
    if type(leaf.value) in (bytes, bytearray):
        return len(leaf.value) < pool_below
    numpy = sys.modules.get("numpy")
    if numpy is None or type(leaf.value) is not getattr(numpy, "ndarray", None):
        return False
    return bool(leaf.value.nbytes < pool_below) and numpy_to_npy.check(leaf.value)


def _needs_pickle(leaf: _Leaf) -> bool:
    """Choose a loaderdumper for a leaf, and say whether that is pickle."""
    if leaf.dumper is None:
        with _naming(leaf):
            name, module = plugins.choose(leaf.value)
        if name in _OURS or getattr(module, "runs_code", False):  # what we could not write into the skeleton is nothing for us
            leaf.dumper = PICKLE
            return True
        leaf.dumper = name
    return False


class _naming:
    """Names the place of the leaf whose storing fails."""

    def __init__(self, leaf: _Leaf) -> None:
        self._leaf = leaf

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not isinstance(error, Exception) or (isinstance(error, OSError) and error.errno is not None):
            return  # the disk's refusal is about no part in particular
        if isinstance(error, ImportError):
            raise plugins.missing_dependency(str(self._leaf.dumper), error) from error
        where = f"its part at {shown(self._leaf.place)}" if self._leaf.place else "it"
        value = self._leaf.value
        what = f"a {type(value).__module__}.{type(value).__qualname__}"
        raise TypeError(f"{where}, {what}, cannot be stored with {self._leaf.dumper}: {type(error).__name__}: {error}") from error


def _store(leaf: _Leaf, folder: str) -> dict[str, Any]:
    with _naming(leaf):
        return dump_part(leaf.value, folder, dumper=leaf.dumper, **(leaf.options or {}))


def _store_arrays(leaves: list[_Leaf], savedir: str, part: str) -> dict[str, Any]:
    names, arrays = Names(), {}
    for leaf in leaves:
        name = names.name(leaf.place)
        leaf.node.update({"$part": part, "item": name})
        arrays[name] = leaf.value
        if type(leaf.value) in (bytes, bytearray):
            leaf.node["as"] = type(leaf.value).__name__
            arrays[name] = _as_array(leaf.value)
    whole = _Leaf(None, arrays, {}, ARRAYS)
    return {part: _store(whole, os.path.join(savedir, part))}


def _as_array(data: bytes) -> Any:
    import numpy

    return numpy.frombuffer(data, "u1")


def _store_pickled(leaves: list[_Leaf], savedir: str, part: str) -> dict[str, Any]:
    for item, leaf in enumerate(leaves):
        leaf.node.update({"$part": part, "item": item})
    folder = os.path.join(savedir, part)
    try:
        spec = dump_part([leaf.value for leaf in leaves], folder, dumper=PICKLE)
    except OSError:
        raise
    except Exception:
        _find_culprit(leaves)
        raise
    places = ", ".join([shown(leaf.place) for leaf in leaves[:5]]) + (f" and {len(leaves) - 5} more" if len(leaves) > 5 else "")
    kinds = ", ".join(sorted({f"{type(leaf.value).__module__}.{type(leaf.value).__qualname__}" for leaf in leaves})[:5])
    warnings.warn(
        f"no open format keeps what lies at {places} exactly ({kinds}), so these parts are stored as a pickle, and the whole loads only "
        "for you and for those who trust the database.",
        PickleWarning,
        stacklevel=_first_frame_of_the_user(),
    )
    return {part: spec}


def _find_culprit(leaves: list[_Leaf]) -> None:
    """Raise for the first leaf that cannot be pickled alone."""
    import cloudpickle

    for leaf in leaves:
        with _naming(leaf):
            cloudpickle.dumps(leaf.value)


def _first_frame_of_the_user() -> int:
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("isfdb", "loaderdumpers"):
        level, frame = level + 1, frame.f_back
    return level
