"""Keeps values of Python's own types that JSON does not know, as JSON: dates, Decimal, tuples, sets, dicts with any keys, and so on.

Text that people can read: ``{"$datetime": "2020-01-01T00:00:00+00:00"}``. Keeps neither subclasses nor the user's classes, nor what
belongs in files of its own (arrays, tables, long bytes): `containers_to_parts` does.
"""

from __future__ import annotations

import os
from typing import Any, Final

from isfdb.exact_json import loads
from loaderdumpers import to_json
from loaderdumpers._python_scalars import Node
from loaderdumpers._skeleton import PRIORITY, Encoder, is_kept, to_text
from loaderdumpers._skeleton_reading import Decoder, narrow

priority: Final = PRIORITY
load_plainly: Final = "loaderdumpers.plainly.values:read_python"
about: Final = {
    "types": (
        *("datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "decimal.Decimal", "fractions.Fraction"),
        *("uuid.UUID", "pathlib.PurePath", "ipaddress.IPv4Address", "complex", "bytearray", "tuple", "set", "frozenset", "range", "slice"),
        *("collections.OrderedDict", "collections.defaultdict", "collections.Counter", "collections.deque", "types.SimpleNamespace"),
        *("types.MappingProxyType", "pandas.Timestamp", "pandas.Timedelta"),
    ),
    "keeps": "dates, exact numbers, paths and the like; tuples, sets, dicts with any keys, of plain values",
    "format": "JSON",
    "files": "none if small, else `data.json`",
    "exact": True,
    "lazy": "",
    "append": False,
}

_FILE: Final = "data.json"


def check(obj: Any) -> bool:
    """Say whether `obj` consists of plain values only; looks at the types of all members, copies none."""
    return is_kept(obj, leaves=False)


def describe(obj: Any) -> dict[str, Any]:
    """Return the type, and the length or, if short, the value itself."""
    facts: dict[str, Any] = {"type": type(obj).__qualname__}
    if type(obj) is not range and hasattr(type(obj), "__len__"):  # a range may be longer than len can say
        return {**facts, "length": len(obj)}
    try:
        text = str(obj).encode("ascii", "backslashreplace").decode()
    except ValueError:  # an integer in it has more digits than Python writes
        return facts
    return {**facts, "value": text if len(text) <= 60 else f"{text[:57]}..."}


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Write `obj` as JSON.

    Parameters
    ----------
    obj : object
        A plain value, or a container of plain values.
    savedir : str
        Empty folder; a large value becomes ``data.json`` in it.

    Raises
    ------
    TypeError
        The value, or one inside it, cannot be kept exactly.
    """
    text = to_text(Encoder(_no_leaf).encode(obj))
    if len(text) <= to_json.INLINE_CHARACTERS:
        return {"value": Encoder(_no_leaf, sort=True).encode(obj)}
    with open(os.path.join(savedir, _FILE), "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return {}


def _no_leaf(value: Any, place: Any) -> Node:
    return None


class Loader:
    """Reads a value back.

    Parameters
    ----------
    **arguments
        ``value``: the skeleton, where it is small. Without it, it lies in ``data.json``.
    """

    def __init__(self, **arguments: Any) -> None:
        unknown = set(arguments) - {"value"}
        if unknown:
            raise ValueError(f"python_to_json does not know the argument {', '.join(sorted(unknown))}; a newer isfdb may have written it")
        self._arguments = arguments

    def get(self, savedir: str, *, part: Any = None, select: Any = None, plain: bool = False) -> Any:
        """Return the value.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        part : key, number or list of them
            Return only what lies there: ``part="start"``, ``part=["start", 0]``.
        select : slice or tuple
            Return only these members of a list or tuple; a tuple names its place first: ``("start", slice(0, 10))``.
        plain : bool
            Give pure paths in place of paths of another operating system.
        """
        if "value" in self._arguments:
            node = self._arguments["value"]
        else:
            with open(os.path.join(savedir, _FILE), "rb") as file:
                node = loads(file.read())
        node, _ = narrow(node, part, select)
        return Decoder(_refuse_part, plain=plain).decode(node)


def _refuse_part(node: Node) -> Any:
    raise ValueError(f"{_FILE} names a part, and python_to_json keeps none; the file was changed")
