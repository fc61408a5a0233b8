"""Turns a DataFrame, Series or Index into Arrow columns plus a JSON-ready plan, and back. Opens no files.

The plan says what Parquet cannot: labels that are not text or not unique, the kind of index, categories in their order, frequencies,
attributes. Labels and categories are few and short, or they go to a second, one-row Parquet table as lists.
"""

from __future__ import annotations

import json
from typing import Any, Final

from isfdb.exact_json import decode, encode
from loaderdumpers import to_json
from loaderdumpers._arrow_columns import _alias, _array, describe_column, from_arrow, to_arrow
from loaderdumpers._labels import NotExactError, pack_label, unpack_label

_INDEX_KINDS: Final = frozenset({"Index", "DatetimeIndex", "TimedeltaIndex", "PeriodIndex", "IntervalIndex", "CategoricalIndex"})
#: Label arrays of these Arrow types stand in JSON as long as they are short.
_INLINE_TYPES: Final = frozenset("bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 string large_string".split())
_INLINE_CHARACTERS: Final = 1000


class Writer:
    """Collects the Arrow columns of one value while its plan is made.

    Parameters
    ----------
    convert : bool
        False: only make the plan, to learn whether the value is kept exactly; pyarrow is not needed.
    """

    def __init__(self, *, convert: bool = True) -> None:
        self._convert = convert
        self.columns: dict[str, Any] = {}
        self.labels: dict[str, Any] = {}

    def plan(self, value: Any) -> dict[str, Any]:
        """Return the plan of a DataFrame, Series or Index.

        Raises
        ------
        NotExactError
            Something would not come back as it is.
        """
        import pandas

        if isinstance(value, pandas.Index):
            return {"kind": "Index", "rows": len(value), "index": self._index(value, "index")}
        facts: dict[str, Any] = {"kind": type(value).__name__, "rows": len(value)}
        if value.attrs:
            facts["attrs"] = _pack_attributes(value.attrs)
        if not value.flags.allows_duplicate_labels:
            facts["unique_labels"] = True
        if isinstance(value, pandas.Series):
            facts["name"] = pack_label(value.name)
            facts["values"] = self._column(_array(value), "values")
        else:
            facts["columns"], facts["values"] = self._frame_columns(value)
        facts["index"] = self._index(value.index, "index")
        return facts

    def _frame_columns(self, frame: Any) -> tuple[Any, list[Any]]:
        labels = self._index(frame.columns, "column labels", label=True)
        names = [f"c{place}" for place in range(len(frame.columns))]
        if frame.columns.nlevels == 1 and frame.columns.is_unique and all(_may_be_name(label) for label in frame.columns):
            names = list(frame.columns)
        return labels, [self._column(_array(frame.iloc[:, place]), name) for place, name in enumerate(names)]

    def _column(self, values: Any, name: str, *, label: bool = False) -> dict[str, Any]:
        if type(values).__name__ == "Categorical":
            return self._categories(values.codes, values.categories, name, label) | {"ordered": bool(values.ordered)}
        spec = describe_column(values)
        return {**spec, **self._put(name, label, lambda: to_arrow(values, spec))}

    def _categories(self, codes: Any, categories: Any, name: str, label: bool) -> dict[str, Any]:
        spec = {"categories": self._index(categories, f"categories of {name}", label=True)}
        return {**spec, **self._put(name, label, lambda: _codes_to_arrow(codes, categories, spec["categories"]))}

    def _put(self, name: str, label: bool, make: Any) -> dict[str, Any]:
        if not self._convert:
            return {}
        array = make()
        if not label:
            self.columns[name] = array
            return {"in": name}
        if str(array.type) in _INLINE_TYPES and len(array) <= _INLINE_CHARACTERS:
            texts = array.to_pylist()
            if len(json.dumps(texts)) <= _INLINE_CHARACTERS:
                return {"here": texts, "as": str(array.type)}
        place = f"l{len(self.labels)}"
        self.labels[place] = array
        return {"in": place}

    def _index(self, index: Any, name: str, *, label: bool = False) -> dict[str, Any]:
        import pandas

        if type(index) is pandas.RangeIndex:
            return {"range": [index.start, index.stop, index.step], "name": pack_label(index.name)}
        if type(index) is pandas.MultiIndex:
            levels = [
                self._categories(codes, level, f"{name} {place}", label)
                for place, (codes, level) in enumerate(zip(index.codes, index.levels, strict=True))
            ]
            return {"levels": levels, "names": [pack_label(part) for part in index.names]}
        if type(index).__name__ not in _INDEX_KINDS or type(index).__module__.partition(".")[0] != "pandas":
            raise NotExactError(f"an index of type {type(index).__qualname__} is not kept exactly; convert it, or use to_cloudpickle")
        return self._plain_index(index, name, label)

    def _plain_index(self, index: Any, name: str, label: bool) -> dict[str, Any]:
        facts: dict[str, Any] = {"name": pack_label(index.name)}
        freq = getattr(index, "freq", None) if type(index).__name__ in ("DatetimeIndex", "TimedeltaIndex") else None
        if freq is not None:
            facts["freq"] = _alias(freq)
        try:
            return {**facts, "values": self._column(_array(index), name, label=label)}
        except NotExactError:
            if index.dtype != object or not label:
                raise
        return {**facts, "labels": [pack_label(part) for part in index]}  # names of several types


def _may_be_name(label: Any) -> bool:
    return type(label) is str and 0 < len(label) <= 500 and "\0" not in label and not label.startswith("index")


def _pack_attributes(attrs: dict[Any, Any]) -> Any:
    if not to_json.check(dict(attrs)):
        raise NotExactError("attrs hold something that JSON would change (a tuple, an array ...); remove it, or use to_cloudpickle")
    return [[name, to_json.keep_order(encode(content))] for name, content in attrs.items()]


def _codes_to_arrow(codes: Any, categories: Any, spec: dict[str, Any]) -> Any:
    """Text categories are written as text, which any reader of Parquet shows; other categories as their place among them."""
    import pyarrow

    places = pyarrow.array(codes, mask=codes == -1)
    values = spec.get("values", {})
    if _is_text(values) and values.get("missing") != "None":
        words = to_arrow(_array(categories), values)
        if words.null_count == 0:
            return pyarrow.DictionaryArray.from_arrays(places, words)
    return places


def _is_text(spec: dict[str, Any]) -> bool:
    return "string" in spec or spec.get("object") == "text"


class Reader:
    """Makes values again from a plan and Arrow tables.

    Parameters
    ----------
    column : callable
        Given a name, return that column of the table of values.
    label : callable
        Given a name, return that array of labels.
    """

    def __init__(self, column: Any, label: Any) -> None:
        self._get_column, self._get_label = column, label

    def column(self, spec: dict[str, Any], *, label: bool = False) -> Any:
        """Return the values that `spec` describes."""
        stored = self._stored(spec, label)
        if "categories" not in spec:
            return from_arrow(stored, spec)
        import pandas

        categories = self.index(spec["categories"], label=True)
        dtype = pandas.CategoricalDtype(categories, ordered=spec["ordered"])
        return pandas.Categorical.from_codes(_codes_from_arrow(stored, categories), dtype=dtype)

    def _stored(self, spec: dict[str, Any], label: bool) -> Any:
        import pyarrow

        if "here" in spec:
            return pyarrow.chunked_array([pyarrow.array(spec["here"], pyarrow.type_for_alias(spec["as"]))])
        return self._get_label(spec["in"]) if label else self._get_column(spec["in"])

    def index(self, spec: dict[str, Any], *, label: bool = False) -> Any:
        """Return the index that `spec` describes."""
        import pandas

        if "range" in spec:
            return pandas.RangeIndex(*spec["range"], name=unpack_label(spec["name"]))
        if "levels" in spec:
            levels = [self.index(level["categories"], label=True) for level in spec["levels"]]
            stored = [self._stored(level, label) for level in spec["levels"]]
            codes = [_codes_from_arrow(one, level) for one, level in zip(stored, levels, strict=True)]
            return pandas.MultiIndex(levels, codes, names=[unpack_label(part) for part in spec["names"]])
        name = unpack_label(spec["name"])
        if "labels" in spec:
            return pandas.Index(_objects([unpack_label(part) for part in spec["labels"]]), dtype=object, name=name, tupleize_cols=False)
        values = self.column(spec["values"], label=label)
        index = pandas.Index(values, dtype=values.dtype, name=name, copy=False, tupleize_cols=False)
        if spec.get("freq"):
            index.freq = spec["freq"]  # type: ignore[attr-defined]
        return index


def _objects(values: list[Any]) -> Any:
    import numpy

    array = numpy.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def _codes_from_arrow(stored: Any, categories: Any) -> Any:
    import numpy
    import pyarrow

    if not pyarrow.types.is_dictionary(stored.type):
        return stored.fill_null(-1).to_numpy()
    pieces = [numpy.empty(0, "int64")]
    for chunk in stored.chunks:
        places = categories.get_indexer(chunk.dictionary.to_pylist())
        codes = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        pieces.append(numpy.append(places, -1)[codes])  # code -1 finds the -1 at the end
    return numpy.concatenate(pieces)


def restore_attributes(value: Any, plan: dict[str, Any]) -> Any:
    """Give a frame or series its ``attrs`` and flags."""
    if "attrs" in plan:
        value.attrs = {name: decode(content) for name, content in plan["attrs"]}
    if plan.get("unique_labels"):
        value.flags.allows_duplicate_labels = False
    return value
