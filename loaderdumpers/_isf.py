"""What the readers of ISF's files share: how frames get their labels and dtypes back, which divisions can be believed, refusals.

ISF wrote column labels as texts into Parquet and kept what they had been in ``object_meta.json`` (earlier ``dask_meta.json``, later
``object_meta.msgpack``). Nothing here writes.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from isfdb.errors import LoadError, MissingDependencyError

#: Modules of ISF; what they define cannot be made without them.
_ISF: Final = frozenset(
    "barrel_cortex biophysics_fitting compatibility config data_base dendrite_thickness isf_data_base model_data_base mechanisms "
    "simrun simrun2 simrun3 single_cell_parser singlecell_input_mapper visualize".split()
)


def accepts_nothing(obj: Any) -> bool:
    """Accept nothing, as the ``check`` of a loaderdumper that only reads."""
    return False


def refusing(name: str, modern: str) -> Callable[..., None]:
    """Return the ``dump`` of a loaderdumper that only reads: it says so, whatever options ISF took, and which one writes."""

    def dump(obj: Any, savedir: str, **options: Any) -> None:
        """Refuse.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(f"{name} only reads what ISF wrote, for its format has no reader but this one; store with {modern}")

    return dump


def refuse_import(error: ImportError | AttributeError, path: str) -> NoReturn:
    """Say which library a pickle needs: one that is missing, ISF itself, or another version of one that is there.

    Raises
    ------
    MissingDependencyError, LoadError
    """
    from importlib.util import find_spec

    library = (getattr(error, "name", None) or "").partition(".")[0]
    name = os.path.basename(path)
    if library in _ISF:
        raise MissingDependencyError(
            f"{name} holds an object of ISF's own module {library!r}, which is not installed. Read it where ISF is installed, and store "
            "its parts as arrays and tables.",
            name=library,
        ) from error
    if library and isinstance(error, ImportError) and find_spec(library) is None:
        raise MissingDependencyError(
            f"{name} holds an object of {library}, which is not installed. Install it: pip install {library}", name=library
        ) from error
    raise LoadError(
        f"{name} names what the installed libraries no longer have: {error}. Read it with the versions that ISF recorded: "
        'db.metadata[key]["module_versions"].'
    ) from error


@dataclass(frozen=True)
class ObjectMeta:
    """What ISF kept about the labels and dtypes of a frame."""

    labels: list[Any]
    dtypes: list[str]
    index_dtype: str
    index_name: Any


def read_object_meta(savedir: str) -> ObjectMeta | None:
    """Read what ISF kept beside the data; None where it kept nothing, as its early versions did not.

    Raises
    ------
    ValueError
        The file contradicts itself.
    """
    for name in ("object_meta.json", "dask_meta.json"):
        with contextlib.suppress(FileNotFoundError), open(os.path.join(savedir, name), encoding="utf-8") as file:
            return _object_meta(json.load(file), name)
    path = os.path.join(savedir, "object_meta.msgpack")
    if os.path.basename(path) not in os.listdir(savedir):
        return None
    from loaderdumpers._pandas_msgpack import read_msgpack

    frame = read_msgpack(path)
    return ObjectMeta(list(frame.columns), [str(one) for one in frame.dtypes], str(frame.index.dtype), frame.index.name)


def _object_meta(found: dict[str, Any], name: str) -> ObjectMeta:
    try:
        kinds, dtypes = found.get("column_name_dtypes"), [str(one) for one in found["dtypes"]]
        labels = list(found["columns"]) if kinds is None else [label_of(*pair) for pair in zip(found["columns"], kinds, strict=True)]
        index_name = found.get("index_name")
        if index_name is not None:
            index_name = label_of(index_name, found.get("index_name_dtype", "<U1"))
        if len(labels) != len(dtypes):
            raise ValueError(f"{len(labels)} columns have {len(dtypes)} dtypes")
        return ObjectMeta(labels, dtypes, str(found.get("index_dtype", "")), index_name)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{name} contradicts itself ({error!r}); restore it from a copy") from error


def label_of(text: Any, dtype: str) -> Any:
    """Return the label that a text stands for: ISF's ``column_name_dtypes`` says of which numpy dtype it had been."""
    import numpy

    if dtype.startswith(("<U", ">U", "|S", "<S", "str", "object")):
        return text
    kind = numpy.dtype(dtype)
    if kind.kind == "b":
        return str(text) == "True"
    if kind.kind in "mM":
        return kind.type(text)
    value = kind.type(text).item()
    return kind.type(text) if str(kind) not in ("int64", "float64", "complex128") else value


def restore(frame: Any, meta: ObjectMeta | None, places: list[int] | None = None) -> Any:
    """Give a frame the labels, and the index the name and dtype, that it had.

    Parameters
    ----------
    frame : pandas.DataFrame
        Its columns are those of `meta`, in order, or those at `places`.
    """
    if meta is None:
        return frame
    labels = meta.labels if places is None else [meta.labels[place] for place in places]
    if len(labels) != frame.shape[1]:
        raise ValueError(f"the file has {frame.shape[1]} columns where object_meta names {len(labels)}; restore it from a copy")
    frame.columns = index_of(labels)
    frame.index.name = meta.index_name
    return frame


def index_of(labels: list[Any]) -> Any:
    """Return column labels as an Index of one dtype, or of objects where they are mixed or texts."""
    import pandas

    kinds = {type(label) for label in labels}
    if kinds in ({int}, {float}) or (len(kinds) == 1 and hasattr(labels[0], "dtype")):
        return pandas.Index(labels)
    return pandas.Index(labels, dtype=object)


def divisions_of(found: Any, n_partitions: int, index_dtype: Any) -> tuple[Any, ...] | None:
    """Return ISF's divisions where they can be believed, None where they cannot.

    ISF turned every division into an integer that Python's ``int`` accepts: floats lost their fraction, ``"000001"`` became 1. So
    they are believed only where all are texts beside an index of texts, or all integers beside an index of integers.
    """
    if not isinstance(found, (list, tuple)) or len(found) != n_partitions + 1 or len({type(one) for one in found}) != 1:
        return None
    kind = getattr(index_dtype, "kind", "O")
    is_text = all(isinstance(one, str) for one in found) and (kind in "OUT" or str(index_dtype).startswith("str"))
    is_integer = all(type(one) is int for one in found) and kind in "iu"
    if not (is_text or is_integer) or list(found) != sorted(found):
        return None
    return tuple(found)


def lazy_frame(read: Callable[..., Any], parts: list[Any], empty: Any, divisions: tuple[Any, ...] | None) -> Any:
    """Return the dask frame of partitions that `read` reads, with texts as the Python objects they were when stored."""
    import dask
    import dask.dataframe
    from dask.dataframe.utils import clear_known_categories

    meta = clear_known_categories(empty)  # each partition may have others
    with dask.config.set({"dataframe.convert-string": False}):  # else dask makes a dtype of its own of all texts
        return dask.dataframe.from_map(read, parts, meta=meta, divisions=divisions, label="isf")


def numbered(savedir: str, names: dict[int, str], what: str) -> list[str]:
    """Return files in the order of their numbers.

    Raises
    ------
    ValueError
        One is missing.
    """
    if not names:
        raise ValueError(f"there is no {what} in {savedir}; restore them from a copy")
    missing = sorted(set(range(max(names) + 1)) - set(names))
    if missing:
        raise ValueError(f"partition {missing[0]} of {what} is missing in {savedir}; restore it from a copy")
    return [os.path.join(savedir, names[number]) for number in sorted(names)]
