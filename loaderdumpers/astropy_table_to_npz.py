"""Keeps astropy's tables, times and sky coordinates: plain columns in ``columns/data.npz``, what they mean in ``table.yaml``.

The parts are those into which astropy takes them for its own files, so the numbers are exact to the last bit, times included; it puts
them together again. Not the indices of a table, which can be made anew.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any, Final

from isfdb.identical import assert_identical
from isfdb.parts import dump_part, load_part

priority: Final = 30
has_parts: Final = True
extra: Final = "astropy"
requires: Final = {"astropy": "6.0"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_astropy_table"
about: Final = {
    "types": (
        "astropy.table.Table",
        "astropy.table.QTable",
        "astropy.time.Time",
        "astropy.time.TimeDelta",
        "astropy.coordinates.SkyCoord",
    ),
    "keeps": "tables, times, sky coordinates",
    "format": "npz, YAML",
    "files": "`columns/data.npz`, `table.yaml`",
    "exact": True,
    "lazy": "",
    "append": False,
}

_COLUMNS: Final = "columns"
_HEADER: Final = "table.yaml"
_TABLES: Final = ("Table", "QTable")
_SINGLES: Final = {"astropy.time": ("Time", "TimeDelta"), "astropy.coordinates": ("SkyCoord",)}
_SINGLE: Final = "value"


def check(obj: Any) -> bool:
    """Say whether `obj` is a Table, QTable, Time, TimeDelta or SkyCoord of astropy; no subclass."""
    kind = type(obj)
    for library, names in {"astropy.table": _TABLES, **_SINGLES}.items():
        if kind.__name__ in names and getattr(sys.modules.get(library), kind.__name__, None) is kind:
            return True
    return False


def describe(obj: Any) -> dict[str, Any]:
    """Return type and shape, the columns of a table with their units, format and scale of a time, the frame of a coordinate."""
    facts: dict[str, Any] = {"type": type(obj).__name__}
    if facts["type"] in _TABLES:
        columns = {str(name)[:80]: _kind_of(obj[name]) for name in obj.colnames[:50]}
        return {**facts, "rows": len(obj), "n_columns": len(obj.colnames), "columns": columns}
    facts["shape"] = list(obj.shape)
    if facts["type"] == "SkyCoord":
        return {**facts, "frame": str(obj.frame.name)}
    return {**facts, "format": str(obj.format), "scale": str(obj.scale)}


def _kind_of(column: Any) -> str:
    unit = getattr(column, "unit", None)
    kind = str(column.dtype) if hasattr(column, "dtype") else type(column).__name__
    return f"{kind} [{unit}]"[:80] if unit is not None else kind[:80]


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Take the value apart, see that it can be put together again, and write the parts.

    Parameters
    ----------
    obj : astropy.table.Table, QTable, Time, TimeDelta or SkyCoord
        Columns may be arrays, quantities, times and coordinates; no Python objects.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        Something would come back changed.
    """
    if not check(obj):
        raise TypeError(f"astropy_table_to_npz keeps tables, times and coordinates of astropy, not {type(obj).__qualname__}")
    if getattr(obj, "indices", None):
        raise TypeError("the table has indices, which are not kept; make a copy without: table.copy(), then remove_indices(name)")
    is_table = type(obj).__name__ in _TABLES
    facts: dict[str, Any] = {"kind": type(obj).__name__, **({"masked": bool(obj.masked)} if is_table else {"shape": list(obj.shape)})}
    loader = Loader(columns={}, **facts)
    try:
        header, arrays = _taken_apart(obj)
        assert_identical(loader.put_together(header, {name: array.copy() for name, array in arrays.items()}), obj)
    except Exception as error:  # astropy takes a class apart in the way of that class, and so it fails
        raise TypeError(f"this {type(obj).__name__} would come back changed ({str(error)[:300]}); store its columns as arrays") from error
    with open(os.path.join(savedir, _HEADER), "w", encoding="utf-8", newline="") as file:
        file.write(header)
    spec = dump_part(arrays, os.path.join(savedir, _COLUMNS), dumper="numpy_to_npz")
    return {**facts, "columns": spec}


def _taken_apart(obj: Any) -> tuple[str, dict[str, Any]]:
    """Return the header, as YAML, and the arrays of all plain columns."""
    import numpy
    from astropy.table import QTable, meta, serialize
    from astropy.utils.data_info import serialize_context_as

    table = obj if type(obj).__name__ in _TABLES else QTable([obj.reshape((obj.size,))], names=[_SINGLE])
    with serialize_context_as("hdf5"):  # in which times are two numbers, and masks columns
        plain = serialize.represent_mixins_as_columns(table)
    objects = [name for name in plain.colnames if plain[name].dtype.hasobject]
    if objects:
        raise TypeError(f"the column {objects[0]!r} holds Python objects; convert it")
    lines = meta.get_yaml_from_table(plain)
    return "\n".join(lines) + "\n", {str(name): numpy.ascontiguousarray(plain[name].data) for name in plain.colnames}


class Loader:
    """Reads a table, a time or coordinates.

    Parameters
    ----------
    kind : {'Table', 'QTable', 'Time', 'TimeDelta', 'SkyCoord'}
        Its type.
    columns : dict
        Spec of the part that holds the plain columns.
    shape : list of int, optional
        Shape of a time or of coordinates.
    masked : bool
        Whether all columns of a table are masked ones.
    """

    def __init__(self, *, kind: str, columns: dict[str, Any], shape: list[int] | None = None, masked: bool = False) -> None:
        if kind not in _TABLES and not any(kind in names for names in _SINGLES.values()):
            raise ValueError(f"{kind!r} is no table or time of astropy; Loader.json was changed, or a newer isfdb wrote it")
        self._kind, self._shape, self._masked, self._columns = kind, shape, masked, columns

    def get(self, savedir: str) -> Any:
        """Return the value.

        Raises
        ------
        ValueError
            A file is damaged, or the two do not belong together.
        """
        with open(os.path.join(savedir, _HEADER), encoding="utf-8") as file:
            header = file.read()
        return self.put_together(header, load_part(self._columns, os.path.join(savedir, _COLUMNS)))

    def put_together(self, header: str, arrays: dict[str, Any]) -> Any:
        """Return the value that its parts make.

        Parameters
        ----------
        header : str
            The YAML.
        arrays : dict
            The plain columns.

        Raises
        ------
        ValueError
            They do not belong together.
        """
        from astropy.table import serialize

        plain = _plain_table(header, arrays)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of times before 1960, among others, the user was warned when they were made
            table = serialize._construct_mixins_from_columns(plain)
        if self._kind not in _TABLES:
            found = table[_SINGLE].reshape(tuple(self._shape or ()))
            found.info.name = None
            return found
        import astropy.table

        kind: Any = getattr(astropy.table, self._kind)
        if type(table) is kind and not self._masked:
            return table
        return kind(list(table.itercols()), names=table.colnames, meta=table.meta, masked=self._masked, copy=False)


def _plain_table(header: str, arrays: dict[str, Any]) -> Any:
    from astropy.table import Column, Table, meta
    from yaml import YAMLError

    try:
        facts = meta.get_header_from_yaml(header.splitlines())
        notes = {str(column["name"]): column for column in facts["datatype"]}
    except (YAMLError, KeyError, TypeError, meta.YamlParseError) as error:
        raise ValueError(f"{_HEADER} is no whole header of a table ({error}); restore the file from a copy") from error
    if set(notes) != set(arrays):
        raise ValueError(f"{_HEADER} and the arrays do not have the same columns; restore the files from a copy")
    plain = Table(meta=facts.get("meta", {}))
    for name, note in notes.items():
        kept = {word: note[word] for word in ("description", "format", "unit", "meta") if word in note}
        plain[name] = Column(arrays[name], name=name, copy=False, **kept)
    return plain
