"""Compares two values without mercy: types, dtypes, bits, order, labels. Not for "nearly equal"."""

from __future__ import annotations

import sys
from typing import Any

from isfdb.facets import facets
from isfdb.identical_tables import comparison_of
from isfdb.identical_values import comparison as comparison_of_value


def assert_identical(found: Any, expected: Any, where: str = "value") -> None:
    """Raise unless two values are the same in type and content.

    Containers are compared member by member, dicts in order as well, instances of dataclasses and attrs classes by their fields;
    floats and arrays bit by bit (nan equals the same nan, 0.0 differs from -0.0); pandas values in dtypes, index, names, categories,
    frequency, ``attrs`` and flags; dask values in chunks or divisions too.

    Parameters
    ----------
    found, expected : object
        The two values.
    where : str
        How the message names the place.

    Raises
    ------
    AssertionError
        They differ; the message says where and how.
    """
    kind = type(expected)
    if type(found) is not kind:
        raise AssertionError(f"{where} is a {_name(type(found))}, not a {_name(kind)}")
    compare = _comparison(kind)
    made_of = facets(expected) if compare is None else None
    if compare is not None:
        compare(found, expected, where)
    elif made_of is not None:
        for name, part in (facets(found) or {}).items():
            assert_identical(part, made_of[name], f"the {name} of {where}")
    elif not (found is expected or bool(found == expected)):
        raise AssertionError(f"{where} is {_short(found)}, not {_short(expected)}")


def _comparison(kind: type) -> Any:
    if kind in (list, tuple):
        return _sequences
    if kind is dict:
        return _dicts
    library, name = kind.__module__.partition(".")[0], kind.__name__
    if library == "numpy" and "numpy" in sys.modules:
        if name in ("MaskedArray", "MaskedConstant"):
            return _masked if name == "MaskedArray" else None
        return _arrays if issubclass(kind, (sys.modules["numpy"].ndarray, sys.modules["numpy"].generic)) else None
    if library == "pandas":
        return _frames if name in ("DataFrame", "Series") else _indexes if name.endswith("Index") else None
    if library in ("dask", "dask_expr") and name in ("DataFrame", "Series", "Index", "Array"):
        return _lazy
    if library == "dask" and name in ("Bag", "Delayed", "Item"):
        return _lazy_parts
    if library == "zarr":
        return None  # its arrays are dataclasses whose fields tell where they lie
    elsewhere = comparison_of(library, name) or comparison_of_value(kind)
    return None if elsewhere is None else lambda found, expected, where: elsewhere(found, expected, where, assert_identical)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:199] + "…"


def _same(found: Any, expected: Any, where: str) -> None:
    if found != expected:
        raise AssertionError(f"{where} is {_short(found)}, not {_short(expected)}")


def _sequences(found: Any, expected: Any, where: str) -> None:
    _same(len(found), len(expected), f"the length of {where}")
    for place, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert_identical(one, other, f"{where}[{place}]")


def _dicts(found: dict[Any, Any], expected: dict[Any, Any], where: str) -> None:
    assert_identical(list(found), list(expected), f"the order of names in {where}")
    for (name, member), one in zip(expected.items(), found.values(), strict=True):
        assert_identical(one, member, f"{where}[{name!r}]")


def _arrays(found: Any, expected: Any, where: str) -> None:
    _same(found.shape, expected.shape, f"the shape of {where}")
    _dtypes(found.dtype, expected.dtype, f"the dtype of {where}")
    if hasattr(expected, "flags") and expected.ndim > 1:
        order = expected.flags.f_contiguous and not expected.flags.c_contiguous
        _same(found.flags.f_contiguous and not found.flags.c_contiguous, order, f"the Fortran order of {where}")
    if found.dtype.hasobject:
        assert_identical(found.tolist(), expected.tolist(), where)
    elif found.dtype.names is not None:
        for name in found.dtype.names:  # bytes between the fields mean nothing
            _arrays(found[name], expected[name], f"{where}[{name!r}]")
    elif found.tobytes() != expected.tobytes():
        raise AssertionError(f"{where} has other values: {_short(found)}, not {_short(expected)}")


def _dtypes(found: Any, expected: Any, where: str) -> None:
    """Compare all of two dtypes: ``==`` looks past alignment, metadata, ``numpy.record`` and C names."""
    _same(found, expected, where)
    for fact in ("char", "type", "isalignedstruct", "names"):
        _same(getattr(found, fact), getattr(expected, fact), f"{fact} of {where}")
    _dicts(dict(found.metadata or {}), dict(expected.metadata or {}), f"metadata of {where}")
    if expected.subdtype:
        _dtypes(found.base, expected.base, f"the base of {where}")
    for name in expected.names or ():
        _dtypes(found[name], expected[name], f"field {name!r} of {where}")


def _masked(found: Any, expected: Any, where: str) -> None:
    import numpy

    for fact in ("hardmask", "baseclass"):
        _same(getattr(found, fact), getattr(expected, fact), f"{fact} of {where}")
    _arrays(found.data, expected.data, f"the data of {where}")
    for name in ("_mask", "_fill_value"):  # either may be absent, which .mask and .fill_value do not tell
        one, other = getattr(found, name), getattr(expected, name)
        is_there = other is not None and other is not numpy.ma.nomask
        _same(one is not None and one is not numpy.ma.nomask, is_there, f"whether there is a {name} in {where}")
        if is_there:
            _arrays(one, other, f"{name} of {where}")


def _frames(found: Any, expected: Any, where: str) -> None:
    _same(_column_dtypes(found), _column_dtypes(expected), f"the dtype of {where}")
    _same(found.flags.allows_duplicate_labels, expected.flags.allows_duplicate_labels, f"allows_duplicate_labels of {where}")
    _let_pandas_compare(found, expected, where)
    assert_identical(dict(found.attrs), dict(expected.attrs), f"the attrs of {where}")
    _indexes(found.index, expected.index, f"the index of {where}")
    if type(expected).__name__ == "DataFrame":
        _indexes(found.columns, expected.columns, f"the column labels of {where}")
        parts = [(found.iloc[:, place], expected.iloc[:, place], f"column {place} of {where}") for place in range(expected.shape[1])]
    else:
        assert_identical(found.name, expected.name, f"the name of {where}")
        parts = [(found, expected, where)]
    for one, other, place in parts:
        _values(one, other, place)


def _column_dtypes(value: Any) -> list[Any]:
    return list(value.dtypes) if type(value).__name__ == "DataFrame" else [value.dtype]


def _let_pandas_compare(found: Any, expected: Any, where: str) -> None:
    """Compare as pandas does all but columns of objects, in whose cells pandas stumbles over arrays."""
    import pandas.testing

    strict: dict[str, Any] = {"check_exact": True, "check_freq": True, "check_flags": True, "check_index_type": "exact"}
    try:
        if type(expected).__name__ == "DataFrame":
            plain = [place for place, dtype in enumerate(expected.dtypes) if str(dtype) != "object"]
            one, other = (found, expected) if len(plain) == expected.shape[1] else (found.iloc[:, plain], expected.iloc[:, plain])
            pandas.testing.assert_frame_equal(one, other, check_column_type="exact", **strict)
        elif expected.dtype != object:
            pandas.testing.assert_series_equal(found, expected, **strict)
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from error


def _values(found: Any, expected: Any, where: str) -> None:
    import numpy

    if isinstance(expected.dtype, numpy.dtype) and expected.dtype.kind != "O":
        _arrays(found.to_numpy(), expected.to_numpy(), where)  # pandas finds 0.0 and -0.0 equal
    elif type(expected.array).__name__ == "SparseArray":
        _same(found.array.sp_index.equals(expected.array.sp_index), True, f"that the stored positions of {where} are the same")
        _arrays(found.array.sp_values, expected.array.sp_values, f"the stored values of {where}")
    elif expected.dtype == object:
        _missing_and_objects(found.to_numpy(), expected.to_numpy(), where)
    elif str(expected.dtype) == "category":
        _indexes(_categories(found), _categories(expected), f"the categories of {where}")


def _categories(value: Any) -> Any:
    return value.cat.categories if hasattr(value, "cat") else value.categories


def _missing_and_objects(found: Any, expected: Any, where: str) -> None:
    for place, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one is not other:  # pandas.NA has no truth value
            assert_identical(one, other, f"{where}[{place}]")


def _indexes(found: Any, expected: Any, where: str) -> None:
    import pandas.testing

    try:
        pandas.testing.assert_index_equal(found, expected, exact=True, check_exact=True)
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from error
    assert_identical(type(found), type(expected), f"the type of {where}")
    assert_identical(list(found.names), list(expected.names), f"the names of {where}")
    _same(getattr(found, "freq", None), getattr(expected, "freq", None), f"the frequency of {where}")
    if type(expected).__name__ == "MultiIndex":
        for level in range(expected.nlevels):
            _indexes(found.levels[level], expected.levels[level], f"level {level} of {where}")
    elif type(expected).__name__ != "RangeIndex":
        _values(found, expected, where)


def _lazy(found: Any, expected: Any, where: str) -> None:
    if type(expected).__name__ == "Array":
        _same(found.chunks, expected.chunks, f"the chunks of {where}")
        _same(found.dtype, expected.dtype, f"the dtype of {where}")
    else:
        assert_identical(tuple(found.divisions), tuple(expected.divisions), f"the divisions of {where}")
        assert_identical(found._meta, expected._meta, f"the meta of {where}")
    one, other = found.compute(scheduler="synchronous"), expected.compute(scheduler="synchronous")
    if type(expected).__name__ == "Index":
        one, other = one.to_frame(name="index"), other.to_frame(name="index")
    if type(expected).__name__ != "Array":  # dask joins partitions; what becomes of their frequency is its own affair
        for part in (one, other):
            if getattr(part.index, "freq", None) is not None:
                part.index = part.index._with_freq(None)
    assert_identical(one, other, f"the computed {where}")


def _lazy_parts(found: Any, expected: Any, where: str) -> None:
    """Compare bags partition by partition, and what delayed values become."""
    if type(expected).__name__ != "Bag":
        _same(getattr(found, "_length", None), getattr(expected, "_length", None), f"the length of {where}")
        parts = [(found, expected)]
    else:
        _same(found.npartitions, expected.npartitions, f"the number of partitions of {where}")
        parts = list(zip(found.to_delayed(), expected.to_delayed(), strict=True))
    for place, pair in enumerate(parts):
        one, other = (part.compute(scheduler="synchronous") for part in pair)
        if type(expected).__name__ == "Bag":  # an iterator is as good as a list, and read only once
            one, other = list(one), list(other)
        assert_identical(one, other, f"the computed part {place} of {where}")
