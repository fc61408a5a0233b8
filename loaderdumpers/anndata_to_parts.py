"""Keeps an AnnData object part by part: arrays as npy or npz, frames as Parquet, ``uns`` as what it holds. Nothing is converted.

anndata's own files turn text into categories and lose types on the way, so they are not used. A view is stored as what it shows, a
backed object as what its file holds; both come back in memory.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from isfdb import parts, plugins
from isfdb.errors import PickleWarning
from isfdb.identical import assert_identical
from loaderdumpers._labels import NotExactError, pack_label, unpack_label
from loaderdumpers._places import Names, Place, inside

priority: Final = 32
has_parts: Final = True
extra: Final = "anndata"
requires: Final = {"anndata": "0.10"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_anndata"
about: Final = {
    "types": ("anndata.AnnData",),
    "keeps": "annotated matrices with all their layers and annotations",
    "format": "npy, npz, Parquet, JSON",
    "files": "folders `X`, `obs`, `var`, `layers`, `obsm`, `uns` ...",
    "exact": True,
    "lazy": "memory map",
    "append": False,
}

#: Mappings of arrays along the observations or the variables.
_ALIGNED: Final = ("layers", "obsm", "varm", "obsp", "varp")
#: Loaderdumpers whose arrays can be mapped.
_MAPPED: Final = ("numpy_to_npy", "scipy_sparse_to_npz")
_OPTIONAL: Final = ("X", *_ALIGNED, "uns", "raw")


def check(obj: Any) -> bool:
    """Say whether every part of `obj` is kept by a loaderdumper that runs no code. Of a view, its whole is looked at."""
    if not _is_anndata(obj):
        return False
    try:
        for _ in _leaves(_members(obj._adata_ref if obj.is_view else obj, read=False)):
            pass
    except Exception:  # noqa: BLE001  a half-made object, or one whose file is gone, fails in many ways
        return False
    return True


def _is_anndata(obj: Any) -> bool:
    anndata = sys.modules.get("anndata")
    return anndata is not None and type(obj) is getattr(anndata, "AnnData", None)


def describe(obj: Any) -> dict[str, Any]:
    """Return type, shape, what X is, and the names of columns and annotations."""
    facts: dict[str, Any] = {"type": "AnnData", "shape": list(obj.shape), "backed": bool(obj.isbacked)}
    if obj.X is not None:
        facts |= {"X": type(obj.X).__name__, "dtype": str(obj.X.dtype)}
    names = {"obs": obj.obs.columns, "var": obj.var.columns, "uns": obj.uns} | {name: getattr(obj, name) for name in _ALIGNED}
    shown = {name: [str(one)[:60] for one in list(found)[:20]] for name, found in names.items() if len(found)}
    return {**facts, **shown, "raw": obj.raw is not None}


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Write each part of `obj` into a folder of its own.

    Parameters
    ----------
    obj : anndata.AnnData
        The value. Of a view, what it shows; of a backed object, what its file holds: X is then read as a whole.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        A part would not come back as it is, or only by running code; the message names it.
    """
    if not _is_anndata(obj):
        raise TypeError(f"anndata_to_parts keeps AnnData itself, not {type(obj).__qualname__}; convert it first")
    members = _members(_own(obj) if obj.is_view else obj, read=True)
    leaves = list(_leaves(members))
    _compare(members)
    names, specs = Names(), {}
    for way, value, dumper in leaves:
        folder = names.name(_place(way))
        with warnings.catch_warnings(category=PickleWarning, action="ignore"):  # it is refused below, where that lies inside a list
            spec = parts.dump_part(value, os.path.join(savedir, folder), dumper=dumper)
        if parts.needs_of(parts.name_in(spec), spec).runs_code:
            raise TypeError(_refusal(way, value))
        specs[way] = {"in": folder, "spec": spec}
    return {"members": _packed(members, (), specs)}


def _own(view: Any) -> Any:
    """Return what a view shows, in arrays and frames of its own."""
    return (view.to_memory() if view.isbacked else view).copy()


def _place(way: tuple[Any, ...]) -> Place:
    place: Place = None
    for step in way:
        place = (place, step)
    return place


def _members(obj: Any, *, read: bool) -> dict[str, Any]:
    """Take the object apart into dicts, arrays and frames; leave out what is absent."""
    found: dict[str, Any] = {"obs": obj.obs, "var": obj.var}
    if obj.X is not None:
        found["X"] = _in_memory(obj.X, read)
    found |= {name: dict(getattr(obj, name)) for name in _ALIGNED if len(getattr(obj, name))}
    if len(obj.uns):
        found["uns"] = dict(obj.uns)  # anndata shows it as one mapping or another
    if obj.raw is not None:
        raw = {"var": obj.raw.var, "varm": dict(obj.raw.varm)}
        found["raw"] = raw if obj.raw.X is None else {"X": _in_memory(obj.raw.X, read), **raw}
    return found


def _in_memory(values: Any, read: bool) -> Any:
    """Read what a backed object leaves in its file; or give a piece of it, of the same kind."""
    if hasattr(values, "to_memory"):
        return values.to_memory() if read else values[:1]
    if type(values).__module__.startswith("h5py."):
        return values[...] if read else values[:1]
    return values


def _leaves(members: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any, str]]:
    """Give each part with the way to it and the loaderdumper that keeps it.

    Raises
    ------
    NotExactError
    """
    if type(members) is dict:
        if len(way) > 32:
            raise NotExactError("uns is nested deeper than 32 levels, or contains itself")
        for name, member in members.items():
            pack_label(name)
            yield from _leaves(member, (*way, name))
        return
    name, module = plugins.choose(members)
    if getattr(module, "runs_code", False) or getattr(module, "mutable", False):
        raise NotExactError(_refusal(way, members))
    yield way, members, name


def _refusal(way: tuple[Any, ...], value: Any) -> str:
    where = f"{way[0]}{''.join(f'[{step!r}]' for step in way[1:])}"
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return f"{where} is a {kind} that no open format keeps exactly; convert it, remove it, or store the object with to_cloudpickle"


def _packed(members: Any, way: tuple[Any, ...], specs: Mapping[Any, Any]) -> Any:
    """Return the tree of specs, with names in their order."""
    if way in specs:
        return specs[way]
    return {
        "names": [pack_label(name) for name in members],
        "members": [_packed(one, (*way, name), specs) for name, one in members.items()],
    }


def _compare(members: dict[str, Any]) -> None:
    """Put the object together from its own parts, and see that these are the same: anndata converts what it does not like."""
    try:
        again = _members(_together(members), read=True)
        _same(again, members, "the object")
    except (AssertionError, ValueError, TypeError, KeyError) as error:
        raise TypeError(f"anndata_to_parts cannot keep this AnnData exactly: {error}. Store it with to_cloudpickle.") from error


def _same(found: Any, expected: Any, where: str) -> None:
    if type(found) is dict and type(expected) is dict:
        if list(found) != list(expected):
            raise AssertionError(f"{where} has {list(found)}, not {list(expected)}")
        for name, member in expected.items():
            _same(found[name], member, f"{where}[{name!r}]")
    elif found is not expected:
        assert_identical(found, expected, where)


@contextmanager
def _without_advice() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*names are not unique", category=UserWarning)
        yield


def _together(members: dict[str, Any]) -> Any:
    import anndata

    with _without_advice():
        # The shape follows from obs and var, whether or not there is an X.
        return anndata.AnnData(**members)


class Loader:
    """Puts an AnnData object together.

    Parameters
    ----------
    members : dict
        Names and specs of the parts, nested as the object is.
    """

    def __init__(self, *, members: dict[str, Any]) -> None:
        self._members = members

    def get(self, savedir: str, *, members: Sequence[str] | None = None, select: Any = None, mmap: str | None = None) -> Any:
        """Return the object.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        members : list of str, optional
            Read only these besides obs and var: ``'X'``, ``'layers'``, ``'obsm'``, ``'varm'``, ``'obsp'``, ``'varp'``, ``'uns'``,
            ``'raw'``.
        select : slice, or tuple of two, optional
            Only these observations, or observations and variables, by position. Of arrays only these are read.
        mmap : {'r', 'c', None}
            Map arrays, dense and sparse, in place of reading them: read-only, or with changes that stay in memory.

        Raises
        ------
        ValueError
            There is no such member, or the files contradict each other.
        """
        wanted = set(_OPTIONAL if members is None else members)
        if isinstance(members, str) or wanted - set(_OPTIONAL):
            raise ValueError(f"members={members!r} was asked for; it takes a list of {', '.join(_OPTIONAL)}")
        mode = mmap or ("r" if select is not None else None)
        found = {
            name: _loaded(node, savedir, mode)
            for name, node in zip(self._members["names"], self._members["members"], strict=True)
            if name in wanted or name in ("obs", "var")
        }
        value = _together(found)
        if select is None:
            return value
        with _without_advice():
            return value[select].copy()


def _loaded(node: dict[str, Any], savedir: str, mmap: str | None) -> Any:
    if "spec" not in node:
        return {unpack_label(name): _loaded(one, savedir, mmap) for name, one in zip(node["names"], node["members"], strict=True)}
    options = {"mmap": mmap} if mmap and parts.name_in(node["spec"]) in _MAPPED else {}
    return parts.load_part(node["spec"], inside(savedir, node["in"]), **options)
