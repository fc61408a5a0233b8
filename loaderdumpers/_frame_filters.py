"""Finds the rows of a stored frame for which filters hold, reading only the columns that they compare.

Never guesses: what is stored in another form than it has in pandas is turned into values first, or refused.
"""

from __future__ import annotations

from typing import Any, Final

from loaderdumpers._frame_reading import Files, index_specs

_EQUALITIES: Final = ("=", "==", "!=", "in", "not in")


def matching_rows(plan: dict[str, Any], labels: Any, files: Files, filters: Any) -> Any:
    """Return the places of the rows for which the filters hold, in order.

    Parameters
    ----------
    plan : dict
        What the frame is.
    labels : pandas.Index
        Its column labels.
    files : Files
        Its columns.
    filters : list or pyarrow.compute.Expression
        In pyarrow's words; in a list, columns are named by their labels.

    Raises
    ------
    ValueError
        A filter names no column, or one that cannot be compared.
    """
    import numpy
    import pyarrow
    import pyarrow.parquet

    if isinstance(filters, list):
        specs: dict[str, dict[str, Any]] = {}
        named = _renamed(filters, lambda condition: _name(condition, plan, labels, specs))
        expression = pyarrow.parquet.filters_to_expression(named)
    elif isinstance(filters, pyarrow.compute.Expression):
        expression = filters
        specs = {spec["in"]: spec for spec in [*plan["values"], *index_specs(plan["index"])] if "in" in spec}
    else:
        raise ValueError(f"filters= takes a list as [('rate', '>', 5.0)], or an expression of pyarrow, not a {type(filters).__name__}")
    may_skip = isinstance(filters, list) and all(_is_direct(spec) for spec in specs.values())
    found = [numpy.empty(0, "int64")]
    try:
        windows = files.may_match(expression) if may_skip else None
        for start, stop in [(0, plan["rows"])] if windows is None else windows:
            found.append(_rows_in(start, stop, specs, files, expression))
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, pyarrow.ArrowTypeError) as error:
        raise ValueError(f"the filter {expression!s:.200} cannot be applied: {error}") from error
    return numpy.concatenate(found)


def _renamed(filters: list[Any], rename: Any) -> list[Any]:
    return [_renamed(one, rename) if isinstance(one, list) else rename(one) for one in filters]


def _name(condition: Any, plan: dict[str, Any], labels: Any, specs: dict[str, dict[str, Any]]) -> tuple[str, Any, Any]:
    """Return the condition with the name that its column has in the file, and note its spec."""
    if not (isinstance(condition, tuple) and len(condition) == 3):
        raise ValueError(f"a filter is (column, comparison, value), as ('rate', '>', 5.0); this is {condition!r:.80}")
    label, comparison, value = condition
    name, spec = _find(label, plan, labels)
    if "categories" in spec and comparison not in _EQUALITIES:
        raise ValueError(f"the categories of {label!r} are compared by '==', '!=', 'in' and 'not in'; for {comparison!r} load the column")
    if _kind(spec) == "none":
        raise ValueError(f"filters do not compare columns such as {label!r}, which holds no single values; load it and choose with pandas")
    specs[name] = spec
    return name, comparison, value


def _find(label: Any, plan: dict[str, Any], labels: Any) -> tuple[str, dict[str, Any]]:
    places = labels.get_indexer_for([label])
    if len(places) == 1 and places[0] >= 0:
        spec = plan["values"][places[0]]
        if "in" in spec:
            return spec["in"], spec
        raise ValueError(f"the column {label!r} is sparse, and filters do not look into it; load it and choose with pandas")
    if len(places) > 1:
        raise ValueError(f"{len(places)} columns are called {label!r}; load them and choose with pandas")
    found = _index_level(label, plan["index"])
    if found is None:
        shown = ", ".join(repr(one) for one in list(labels[:20]))
        raise ValueError(f"a filter names {label!r}; the columns are {shown}{' ...' if len(labels) > 20 else ''}, and 'index'")
    return found


def _index_level(label: Any, index: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    from loaderdumpers._labels import unpack_label

    names = [unpack_label(name) for name in index.get("names", [index.get("name")])]
    if "range" in index:
        return ("index", index) if label in ("index", names[0]) else None
    for name, spec in zip(names, index_specs(index), strict=True):
        if spec.get("in") == label or (name is not None and name == label):
            return spec["in"], spec
    return None


def _is_direct(spec: dict[str, Any]) -> bool:
    """Say whether the statistics of a file speak of the same values as the filter."""
    return not ("categories" in spec or "range" in spec or spec.get("file")) and _kind(spec) == "values"


def _rows_in(start: int, stop: int, specs: dict[str, dict[str, Any]], files: Files, expression: Any) -> Any:
    import numpy
    import pyarrow

    stored = {name: spec for name, spec in specs.items() if "range" not in spec}
    table = files.table(list(stored.values()), start, stop)
    columns = {name: _comparable(table.column(name), spec, files) for name, spec in stored.items()}
    for name in specs.keys() - stored.keys():
        first, last, step = specs[name]["range"]
        columns[name] = pyarrow.array(numpy.asarray(range(first, last, step)[start:stop], "int64"))
    columns["\0row"] = pyarrow.array(numpy.arange(start, stop))
    return pyarrow.table(columns).filter(expression).column("\0row").to_numpy()


def _kind(spec: dict[str, Any]) -> str:
    if spec.get("object") in ("json", "arrays") or "period" in spec or "interval" in spec:
        return "none"
    if "numpy" in spec and spec["numpy"][1:] in ("c8", "c16"):
        return "none"
    return "seconds" if spec.get("datetime") == "s" or spec.get("numpy") == "<M8[s]" else "values"


def _comparable(column: Any, spec: dict[str, Any], files: Files) -> Any:
    """Return an Arrow column that compares as the values do."""
    import pyarrow

    if "categories" in spec:
        return _decoded(column, spec["categories"], files)
    if _kind(spec) == "seconds" and column.type == pyarrow.int64():
        return column.cast(pyarrow.timestamp("s", tz="UTC" if "zone" in spec else None))
    return column


def _decoded(column: Any, categories: dict[str, Any], files: Files) -> Any:
    """Return the categories themselves for their places."""
    import pyarrow

    from loaderdumpers._arrow_columns import array_of, describe_column, to_arrow
    from loaderdumpers._arrow_frames import Reader

    if pyarrow.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    index = Reader(lambda spec: None, files.label).index(categories, label=True)
    values = array_of(index)
    return pyarrow.chunked_array([to_arrow(values, describe_column(values))]).take(column)
