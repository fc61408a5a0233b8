"""Keeps a sparse matrix or sparse array of scipy in ``data.npz``: layout, order, duplicates, explicit zeros, index types. No objects.

The members of the file are those that ``scipy.sparse.load_npz`` expects, so that it reads csr, csc, bsr, dia and coo by itself. Nothing
is sorted, summed or converted on the way.
"""

from __future__ import annotations

import math
import os
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from loaderdumpers import _numpy_facts, numpy_to_npz

if TYPE_CHECKING:
    import numpy as np

priority: Final = 28
extra: Final = "scipy"
requires: Final = {"scipy": "1.13"}
load_plainly: Final = "loaderdumpers.plainly.arrays:read_sparse"
about: Final = {
    "types": tuple(f"scipy.sparse.{layout}_{kind}" for layout in "bsr coo csc csr dia dok lil".split() for kind in ("array", "matrix")),
    "keeps": "sparse matrices and arrays of scipy",
    "format": "npz",
    "files": "`data.npz`",
    "exact": True,
    "lazy": "memory map",
    "append": False,
}

_FILE: Final = "data.npz"
_LAYOUTS: Final = ("csr", "csc", "bsr", "coo", "dia", "lil", "dok")
#: What objects of these classes consist of; anything beyond was put there by the user and is not kept.
_KNOWN: Final = frozenset(
    "_shape data indices indptr maxprint coords has_canonical_format offsets dtype rows _dict "
    "_has_canonical_format _has_sorted_indices _index_dtype row col".split()
)
_FLAGS: Final = ("_has_sorted_indices", "_has_canonical_format", "has_canonical_format")


def check(obj: Any) -> bool:
    """Say whether `obj` is a sparse matrix or array of numbers and nothing else."""
    layout = _layout(obj)
    try:
        return layout is not None and _complaint(obj, layout) is None
    except Exception:  # noqa: BLE001  a half-made or damaged object that scipy itself stumbles over
        return False


def _layout(obj: Any) -> str | None:
    sparse = sys.modules.get("scipy.sparse")
    if sparse is None:
        return None
    for layout in _LAYOUTS:
        if any(type(obj) is getattr(sparse, f"{layout}_{kind}", None) for kind in ("matrix", "array")):
            return layout
    return None


def _complaint(obj: Any, layout: str) -> str | None:
    """Say what of a sparse matrix would not come back; None if all does."""
    import numpy

    if obj.dtype.kind not in "biufc" or obj.dtype.metadata or not type(obj.dtype).__module__.startswith("numpy"):
        return f"its dtype {obj.dtype} is none of numbers; convert it with astype"
    unknown = set(vars(obj)) - _KNOWN
    if unknown:
        return f"it carries the attributes {', '.join(sorted(unknown))}, which are not kept; remove them"
    if layout in ("lil", "dok"):
        return None
    arrays = [obj.coords if name == "coords" else [getattr(obj, name)] for name in _members(layout)]
    for array in (one for group in arrays for one in group):
        if type(array) is not numpy.ndarray or array.dtype.kind not in "biufc" or array.dtype.metadata:
            return f"it consists of a {type(array).__qualname__} where a numpy array is usual; make a copy of it first"
    return None


def _members(layout: str) -> tuple[str, ...]:
    if layout in ("csr", "csc", "bsr"):
        return ("data", "indices", "indptr")
    return {"coo": ("data", "coords"), "dia": ("data", "offsets")}[layout]


def describe(obj: Any) -> dict[str, Any]:
    """Return class, shape, dtype, number of stored values and size."""
    facts: dict[str, Any] = {"type": type(obj).__name__, "shape": [int(side) for side in obj.shape], "dtype": str(obj.dtype)}
    layout = _layout(obj)
    if layout in ("lil", "dok"):
        return {**facts, "nnz": int(obj.nnz)}
    arrays = [obj.data, *(obj.coords if layout == "coo" else [getattr(obj, name) for name in _members(str(layout))[1:]])]
    return {**facts, "nnz": int(obj.nnz), "nbytes": sum(int(array.nbytes) for array in arrays)}


def summarise(obj: Any) -> dict[str, Any]:
    """Return minimum, maximum, mean and missing values of the values that are stored; zeros that are not stored do not count."""
    if _layout(obj) in ("lil", "dok"):
        return {}
    return _numpy_facts.summarise(obj.data)


def dump(obj: Any, savedir: str, *, compressed: bool = False) -> dict[str, Any]:
    """Write the arrays of which `obj` consists.

    Parameters
    ----------
    obj : sparse matrix or sparse array of scipy
        The value, of any layout.
    savedir : str
        Empty folder.
    compressed : bool
        Compress with zlib: a tenth of the speed, often a third of the size.

    Raises
    ------
    TypeError
        Something would not come back as it is.
    ValueError
        Another thread changed it meanwhile.
    """
    layout = _layout(obj)
    if layout is None:
        raise TypeError(f"scipy_sparse_to_npz keeps sparse matrices and arrays of scipy, not {type(obj).__qualname__}; convert it first")
    complaint = _complaint(obj, layout)
    if complaint:
        raise TypeError(f"scipy_sparse_to_npz cannot keep this {type(obj).__name__} exactly: {complaint}")
    arrays = {"lil": _lil_arrays, "dok": _dok_arrays}.get(layout, _plain_arrays)(obj)
    npz = numpy_to_npz.dump(_for_scipy(obj, layout) | arrays, savedir, compressed=compressed)
    kind = "array" if type(obj).__name__.endswith("_array") else "matrix"
    flags = {name: bool(vars(obj)[name]) for name in _FLAGS if name in vars(obj)}
    arguments = {"layout": layout, "kind": kind, "shape": [int(side) for side in obj.shape], "dtype": obj.dtype.str}
    arguments |= {"flags": flags, "npz": npz, **({"compressed": True} if compressed else {})}
    return arguments if obj.maxprint == _usual_maxprint() else {**arguments, "maxprint": int(obj.maxprint)}


def _usual_maxprint() -> int:
    import scipy.sparse

    return int(scipy.sparse.csr_matrix((1, 1)).maxprint)


def _for_scipy(obj: Any, layout: str) -> dict[str, np.ndarray]:
    """Return the members by which ``scipy.sparse.load_npz`` learns what it reads."""
    import numpy

    return {"format": numpy.array(layout.encode()), "shape": numpy.array(obj.shape, "int64")} | (
        {"_is_array": numpy.array(True)} if type(obj).__name__.endswith("_array") else {}
    )


def _plain_arrays(obj: Any) -> dict[str, np.ndarray]:
    if obj.format != "coo":
        return {name: getattr(obj, name) for name in _members(obj.format)}
    if len(obj.shape) == 2:
        return {"data": obj.data, "row": obj.coords[0], "col": obj.coords[1]}
    return {"data": obj.data, **{f"coords_{axis}": one for axis, one in enumerate(obj.coords)}}


def _lil_arrays(obj: Any) -> dict[str, np.ndarray]:
    """Lay the lists of columns and values end to end."""
    import numpy

    lengths = [len(row) for row in obj.rows]
    if lengths != [len(row) for row in obj.data]:
        raise TypeError("the lists of columns and of values of this lil matrix differ in length; it is damaged")
    columns, values = [column for row in obj.rows for column in row], [value for row in obj.data for value in row]
    made = numpy.array(values, obj.dtype) if values else numpy.empty(0, obj.dtype)
    if not all(one == other or (one != one and other != other) for one, other in zip(made.tolist(), values, strict=True)):
        raise TypeError(f"this lil matrix holds values that are none of {obj.dtype}; convert it with .tocsr().tolil()")
    return {"data": made, "indices": numpy.array(columns, "int64"), "indptr": numpy.cumsum([0, *lengths], dtype="int64")}


def _dok_arrays(obj: Any) -> dict[str, np.ndarray]:
    import numpy

    keys = [key if isinstance(key, tuple) else (key,) for key in obj.keys()]  # noqa: SIM118 - iterating it asks for rows
    made = numpy.array(list(obj.values()), obj.dtype) if keys else numpy.empty(0, obj.dtype)
    return {"data": made, "coords": numpy.array(keys, "int64").reshape(len(keys), len(obj.shape))}


class Loader:
    """Makes the sparse matrix again.

    Parameters
    ----------
    layout : {'csr', 'csc', 'bsr', 'coo', 'dia', 'lil', 'dok'}
        How it is laid out.
    kind : {'array', 'matrix'}
        scipy's newer or older class.
    shape : list of int
        Its shape.
    dtype : str
        numpy's short name of the type of its values.
    flags : dict
        What scipy knew of the order of the indices.
    npz : dict
        Arguments of numpy_to_npz for the arrays.
    compressed : bool, optional
        Whether the arrays are compressed, and cannot be mapped.
    maxprint : int, optional
        How many values it prints.
    """

    def __init__(
        self,
        *,
        layout: str,
        kind: str,
        shape: list[int],
        dtype: str,
        flags: dict[str, bool],
        npz: dict[str, Any],
        compressed: bool = False,
        maxprint: int | None = None,
    ) -> None:
        if layout not in _LAYOUTS or kind not in ("array", "matrix"):
            raise ValueError(f"a sparse matrix of the unknown class {layout}_{kind} is stored; a newer isfdb may have written it")
        self._layout, self._kind, self._shape, self._dtype, self._flags = layout, kind, tuple(shape), dtype, flags
        self._npz, self._compressed, self._maxprint = npz, compressed, maxprint

    def get(self, savedir: str, *, mmap: str | None = None, select: Any = None) -> Any:
        """Return the sparse matrix, or a part of it.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        mmap : {'r', 'c', None}
            Map the arrays in place of reading them: read-only, or with changes that stay in memory. Not of lil and dok.
        select : slice, int or tuple of them, optional
            Only this part, as the matrix itself would be indexed. Of csr only the rows, of csc only the columns asked for are read,
            apart from the indices, which are looked through.

        Raises
        ------
        ValueError
            The file is not what was stored; or scipy gives no parts of this layout.
        """
        value = self._whole(savedir, mmap or ("r" if select is not None and not self._compressed else None))
        if select is None:
            return value
        try:
            return value[select]
        except (TypeError, NotImplementedError) as error:
            raise ValueError(f"scipy gives no parts of a {self._layout} matrix; load it, and convert it with tocsr()") from error

    def _whole(self, savedir: str, mmap: str | None) -> Any:
        import numpy
        import scipy.sparse

        path = os.path.join(savedir, _FILE)
        members = numpy_to_npz.Loader(**self._npz).get(savedir, mmap=mmap)
        if "data" not in members:
            raise ValueError(f"{path} lacks 'data'; restore it from a copy")
        if numpy.dtype(self._dtype) != members["data"].dtype:
            raise ValueError(f"{path} has values of {members['data'].dtype} where {self._dtype} was stored; one of the files was changed")
        _check_rows(self._layout, self._shape, members)
        value = getattr(scipy.sparse, f"{self._layout}_{self._kind}")(self._shape, dtype=members["data"].dtype.newbyteorder("="))
        fill = {"coo": _fill_coo, "dia": _fill_dia, "lil": _fill_lil, "dok": _fill_dok}.get(self._layout, _fill_compressed)
        try:
            fill(value, members)
        except (KeyError, IndexError) as error:
            raise ValueError(f"{path} lacks {error}; restore it from a copy") from error
        if self._maxprint is not None:
            value.maxprint = self._maxprint
        for name, known in self._flags.items():
            if name in _FLAGS:
                setattr(value, name, known)
        return value


def _check_rows(layout: str, shape: tuple[int, ...], members: dict[str, np.ndarray]) -> None:
    """See that there are as many rows as the shape says, before scipy takes memory for each; of columns it takes none."""
    if layout not in ("csr", "csc", "bsr", "lil"):
        return
    n_major = shape[1] if layout == "csc" else shape[0] if len(shape) == 2 else 1
    rows_together = members["data"].shape[1] if layout == "bsr" and members["data"].ndim == 3 else 1
    n_found = (members["indptr"].size - 1) * rows_together
    _require(n_found == n_major, f"it has {n_found:,} rows or columns where {n_major:,} are asked for")


def _require(holds: Any, what: str) -> None:
    # scipy's compiled code believes its indices: a wrong one would read memory that is not the matrix's.
    if not holds:
        raise ValueError(f"{_FILE} does not fit the shape in Loader.json: {what}. One of the files was changed; restore it from a copy.")


def _inside(indices: np.ndarray, side: int) -> bool:
    return indices.dtype.kind in "iu" and (not indices.size or (int(indices.min()) >= 0 and int(indices.max()) < side))


def _fill_compressed(value: Any, members: dict[str, np.ndarray]) -> None:
    data, indices, indptr = (members[name] for name in ("data", "indices", "indptr"))
    block = data.shape[1:] if value.format == "bsr" else (1, 1)
    sides = value.shape if len(value.shape) == 2 else (1, *value.shape)
    major, minor = (sides[1], sides[0]) if value.format == "csc" else sides
    _require(data.ndim == (3 if value.format == "bsr" else 1) and indices.ndim == indptr.ndim == 1, "an array has other dimensions")
    _require(
        math.prod(block) and indptr.size == major // block[0] + 1 and major % block[0] == minor % block[1] == 0, "another number of rows"
    )
    _require(indptr.dtype.kind in "iu" and indptr[0] == 0 and (indptr[1:] >= indptr[:-1]).all(), "the rows do not follow each other")
    _require(indptr[-1] <= min(len(indices), len(data)) and _inside(indices[: indptr[-1]], minor // block[1]), "an index lies outside")
    value.data, value.indices, value.indptr = data, indices, indptr


def _fill_coo(value: Any, members: dict[str, np.ndarray]) -> None:
    names = ("row", "col") if len(value.shape) == 2 else tuple(f"coords_{axis}" for axis in range(len(value.shape)))
    coords = tuple(members[name] for name in names)
    for one, side in zip(coords, value.shape, strict=True):
        _require(one.shape == members["data"].shape and one.ndim == 1 and _inside(one, side), "an index lies outside")
    value.data, value.coords = members["data"], coords


def _fill_dia(value: Any, members: dict[str, np.ndarray]) -> None:
    data, offsets = members["data"], members["offsets"]
    _require(data.ndim == 2 and offsets.shape == data.shape[:1] and offsets.dtype.kind in "iu", "another number of diagonals")
    value.data, value.offsets = data, offsets


def _fill_lil(value: Any, members: dict[str, np.ndarray]) -> None:
    indices, indptr, values = members["indices"].tolist(), members["indptr"].tolist(), members["data"].tolist()
    _require(len(indptr) == value.shape[0] + 1 and indptr[-1] == len(indices) == len(values), "another number of rows")
    _require(_inside(members["indices"], value.shape[1]), "an index lies outside")
    for row, (start, stop) in enumerate(pairwise(indptr)):
        value.rows[row], value.data[row] = indices[start:stop], values[start:stop]


def _fill_dok(value: Any, members: dict[str, np.ndarray]) -> None:
    coords, data = members["coords"], members["data"]
    _require(coords.shape == (len(data), len(value.shape)), "another number of values")
    for axis, side in enumerate(value.shape):
        _require(_inside(coords[:, axis], side), "an index lies outside")
    for key, one in zip(coords.tolist(), data, strict=True):
        value.setdefault(tuple(key) if len(value.shape) == 2 else key[0], one)  # assigning would drop explicit zeros
