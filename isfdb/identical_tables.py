"""Compares values of pyarrow, polars, scipy.sparse, xarray and AnnData for :func:`isfdb.testing.assert_identical`; not by itself.

Each comparison gets `same`, which is ``assert_identical``, for what lies inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Same = Callable[[Any, Any, str], None]
Comparison = Callable[[Any, Any, str, Same], None]


def comparison_of(library: str, name: str) -> Comparison | None:
    """Return how values of a type are compared, given the first part of its module's name and its own name; None if unknown."""
    if library == "polars":
        return {"DataFrame": _polars_frames, "Series": _polars_series, "LazyFrame": _polars_lazy}.get(name)
    if library == "pyarrow":
        named = {"Table": _arrow_tables, "RecordBatch": _arrow_tables, "ChunkedArray": _arrow_chunks}
        return named.get(name, _arrow_arrays if name.endswith("Array") else None)
    if library == "scipy" and name.partition("_")[2] in ("matrix", "array"):
        return _sparse
    if library == "anndata" and name == "AnnData":
        return _annotated
    if library == "xarray":
        return {"Dataset": _datasets, "DataArray": _data_arrays, "DataTree": _trees}.get(name)
    return None


def _arrow_tables(found: Any, expected: Any, where: str, same: Same) -> None:
    if not found.schema.equals(expected.schema, check_metadata=True):
        raise AssertionError(f"the schema of {where} is {found.schema}, not {expected.schema}")
    same(list((found.schema.metadata or {}).items()), list((expected.schema.metadata or {}).items()), f"the metadata of {where}")
    same(found.num_rows, expected.num_rows, f"the number of rows of {where}")
    for place, column in enumerate(expected.columns):
        same(found.column(place), column, f"column {place} of {where}")


def _arrow_chunks(found: Any, expected: Any, where: str, same: Same) -> None:
    same(str(found.type), str(expected.type), f"the type of {where}")
    same([len(chunk) for chunk in found.chunks], [len(chunk) for chunk in expected.chunks], f"the lengths of the chunks of {where}")
    for place, chunk in enumerate(expected.chunks):
        same(found.chunk(place), chunk, f"chunk {place} of {where}")


def _arrow_arrays(found: Any, expected: Any, where: str, same: Same) -> None:
    import pyarrow

    if found.type != expected.type or str(found.type) != str(expected.type):
        raise AssertionError(f"the type of {where} is {found.type}, not {expected.type}")
    if isinstance(expected, pyarrow.DictionaryArray):
        same(found.indices, expected.indices, f"the codes of {where}")
        same(found.dictionary, expected.dictionary, f"the dictionary of {where}")
        return
    bits = [pyarrow.record_batch([one], ["x"]).serialize().to_pybytes() for one in (found, expected)]
    if bits[0] != bits[1]:  # what lies under missing values may differ
        same(found.to_pylist(), expected.to_pylist(), where)


def _polars_frames(found: Any, expected: Any, where: str, same: Same) -> None:
    same(list(found.schema.items()), list(expected.schema.items()), f"the schema of {where}")
    same(found.shape, expected.shape, f"the shape of {where}")
    for name in expected.columns:
        same(found[name], expected[name], f"column {name!r} of {where}")


def _polars_series(found: Any, expected: Any, where: str, same: Same) -> None:
    same(found.name, expected.name, f"the name of {where}")
    same(found.dtype, expected.dtype, f"the dtype of {where}")
    for flag in ("SORTED_ASC", "SORTED_DESC"):
        same(found.flags[flag], expected.flags[flag], f"the flag {flag} of {where}")
    same(found.to_list(), expected.to_list(), where)


def _polars_lazy(found: Any, expected: Any, where: str, same: Same) -> None:
    same(list(found.collect_schema().items()), list(expected.collect_schema().items()), f"the schema of {where}")
    one, other = found.collect(), expected.collect()  # what polars knows of the order of the result is its own affair
    same(one.to_dict(as_series=False), other.to_dict(as_series=False), f"the collected {where}")


def _sparse(found: Any, expected: Any, where: str, same: Same) -> None:
    same(found.shape, expected.shape, f"the shape of {where}")
    same(found.dtype, expected.dtype, f"the dtype of {where}")
    for name, member in vars(expected).items():
        if name == "_dict":
            same(list(found.items()), [(_plain(key), one) for key, one in expected.items()], f"the items of {where}")
        elif name == "data" and member.dtype == object:  # a list may hold 1.0 or numpy.float64(1.0), as scipy happened to put it there
            for row, (one, other) in enumerate(zip(found.data, member, strict=True)):
                same(_typed(one, found.dtype), _typed(other, expected.dtype), f"row {row} of {where}")
        else:
            same(getattr(found, name), member, f"{name} of {where}")
    for flag in ("has_sorted_indices", "has_canonical_format"):
        if hasattr(expected, flag):
            same(bool(getattr(found, flag)), bool(getattr(expected, flag)), f"{flag} of {where}")


def _plain(key: Any) -> Any:
    return tuple(map(int, key)) if isinstance(key, tuple) else int(key)


def _typed(values: Any, dtype: Any) -> Any:
    import numpy

    return numpy.array(values, dtype)


def _datasets(found: Any, expected: Any, where: str, same: Same) -> None:
    same(list(found.variables), list(expected.variables), f"the order of variables in {where}")
    same(list(found.coords), list(expected.coords), f"the coordinates of {where}")
    same(dict(found.sizes), dict(expected.sizes), f"the sizes of {where}")
    same(found.attrs, expected.attrs, f"the attrs of {where}")
    _xindexes(found, expected, where, same)
    for name, variable in expected.variables.items():
        _variables(found.variables[name], variable, f"{where}[{name!r}]", same)


def _data_arrays(found: Any, expected: Any, where: str, same: Same) -> None:
    same(found.name, expected.name, f"the name of {where}")
    same(list(found.coords), list(expected.coords), f"the coordinates of {where}")
    _xindexes(found, expected, where, same)
    _variables(found.variable, expected.variable, where, same)
    for name, coord in expected.coords.items():
        _variables(found.coords[name].variable, coord.variable, f"the coordinate {name!r} of {where}", same)


def _trees(found: Any, expected: Any, where: str, same: Same) -> None:
    same(found.name, expected.name, f"the name of {where}")
    nodes = [dict(one.subtree_with_keys) for one in (found, expected)]
    same(list(nodes[0]), list(nodes[1]), f"the nodes of {where}")
    for path, node in nodes[1].items():
        inherits = path == "."
        _datasets(nodes[0][path].to_dataset(inherit=inherits), node.to_dataset(inherit=inherits), f"{where}/{path}", same)


def _xindexes(found: Any, expected: Any, where: str, same: Same) -> None:
    one, other = ([(list(names), index) for index, names in value.xindexes.group_by_index()] for value in (found, expected))
    same([names for names, _ in one], [names for names, _ in other], f"the indexes of {where}")
    for (names, index), (_, wanted) in zip(one, other, strict=True):
        same(type(index), type(wanted), f"the type of the index of {names}")
        same(index.dim, wanted.dim, f"the dimension of the index of {names}")
        same(index.index, wanted.index, f"the index of {names}")


def _variables(found: Any, expected: Any, where: str, same: Same) -> None:
    same(type(found), type(expected), f"the type of {where}")
    same(found.dims, expected.dims, f"the dimensions of {where}")
    same(found.shape, expected.shape, f"the shape of {where}")
    same(str(found.dtype), str(expected.dtype), f"the dtype of {where}")
    same(found.chunks, expected.chunks, f"the chunks of {where}")
    same(found.attrs, expected.attrs, f"the attrs of {where}")
    if type(expected).__name__ == "IndexVariable":
        return  # its index has been compared
    if _unwrapped(found._data) is _unwrapped(expected._data):
        return  # the same array, perhaps still in a file
    one, other = found.data, expected.data
    if one is other or getattr(one, "name", 0) == getattr(other, "name", 1):
        return  # the same lazy array
    if type(other).__module__.partition(".")[0] == "pandas":
        import pandas

        one, other = pandas.Series(one), pandas.Series(other)
    same(one, other, f"the values of {where}")


def _unwrapped(data: Any) -> Any:
    """Return what xarray copies anew for each variable that reads the same file."""
    while type(data).__name__ in ("MemoryCachedArray", "CopyOnWriteArray"):
        data = data.array
    return data


def _annotated(found: Any, expected: Any, where: str, same: Same) -> None:
    found, expected = (one.copy() if one.is_view else one for one in (found, expected))  # arrays of a view are of classes of their own
    same(found.shape, expected.shape, f"the shape of {where}")
    for name in ("X", "obs", "var"):
        same(getattr(found, name), getattr(expected, name), f"{where}.{name}")
    for name in ("layers", "obsm", "varm", "obsp", "varp", "uns"):
        same(dict(getattr(found, name)), dict(getattr(expected, name)), f"{where}.{name}")
    same(found.raw is None, expected.raw is None, f"the absence of {where}.raw")
    if expected.raw is not None:
        same(found.raw.X, expected.raw.X, f"{where}.raw.X")
        same(found.raw.var, expected.raw.var, f"{where}.raw.var")
        same(dict(found.raw.varm), dict(expected.raw.varm), f"{where}.raw.varm")
