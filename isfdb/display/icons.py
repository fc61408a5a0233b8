"""A sign for each kind of value, before its name in a tree: of characters that common fonts have, decoration only.

The type stands in words beside it, so that nobody needs the sign, and screen readers pass over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from isfdb.display.summaries import KeySummary

SUB_DATABASE: Final = "☰"
UNREADABLE_ICON: Final = "✗"
_OTHER: Final = "•"
_ARRAY, _TABLE, _DATASET, _NUMBER, _TEXT = "▤", "▦", "▣", "#", "¶"
_FIGURE, _IMAGE, _FILES, _MODEL, _CONTAINER = "◪", "▨", "▱", "ƒ", "⁝"
_LAZY, _SET = "◌", "∴"

#: Last word of a type -> its sign.
_OF_TYPES: Final = {
    **dict.fromkeys(("ndarray", "Array", "DataArray", "MaskedArray", "Quantity", "Tensor", "recarray"), _ARRAY),
    **dict.fromkeys(("DataFrame", "LazyFrame", "Table", "RecordBatch", "QTable", "AnnData"), _TABLE),
    **dict.fromkeys(("Series", "Index", "Column", "Categorical"), "▥"),
    **dict.fromkeys(("Dataset", "SharedNumpyStore", "DataTree"), _DATASET),
    **dict.fromkeys(("int", "float", "bool", "complex", "Decimal", "Fraction", "float64", "float32", "int64", "bool_"), _NUMBER),
    **dict.fromkeys(("str", "bytes", "bytearray"), _TEXT),
    **dict.fromkeys(("Figure", "Chart", "Axes", "LayerChart"), _FIGURE),
    **dict.fromkeys(("Image", "PngImageFile", "JpegImageFile", "TiffImageFile"), _IMAGE),
    **dict.fromkeys(("folder", "file", "ManagedFolder"), _FILES),
    **dict.fromkeys(("dict", "list", "tuple", "deque", "OrderedDict", "defaultdict", "Bag", "Delayed"), _CONTAINER),
    **dict.fromkeys(("set", "frozenset"), _SET),
}

#: Loaderdumper -> sign, where the type is a name that nobody can know here.
_OF_DUMPERS: Final = {
    "sklearn_to_skops": _MODEL,
    "torch_to_safetensors": _MODEL,
    "reduced_lda_model": _MODEL,
    "networkx_to_json": "⁂",
    "figure": _FIGURE,
    "plotly_to_json": _FIGURE,
    "altair_to_json": _FIGURE,
    "pillow_to_png": _IMAGE,
    "attachment": _FILES,
    "folder": _FILES,
    "containers_to_parts": _CONTAINER,
    "shared_numpy_store": _DATASET,
}


def icon(key: KeySummary) -> str:
    """Return the sign of a value: by its type, else by the loaderdumper that stored it; of a lazy one, that of lazy ones."""
    describe = key.describe or {}
    kind = describe.get("type")
    words = kind.split(" ") if isinstance(kind, str) else [""]
    if words[0] == "dask" or describe.get("lazy") is True or words[-1] == "LazyFrame":
        return _LAZY
    return _OF_TYPES.get(words[-1]) or _OF_DUMPERS.get(key.dumper) or _OTHER
