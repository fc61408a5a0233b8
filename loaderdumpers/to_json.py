"""Keeps plain values as JSON, exactly: None, bool, int, float, str, and lists and dicts of them. Keeps nothing that JSON would change.

Tuples, sets, bytes, names that are not text, subclasses, text that is no Unicode, structures that contain themselves: refused by
:func:`check`, so that another loaderdumper takes them. Small values lie inside ``Loader.json``, larger ones in ``data.json``.
"""

from __future__ import annotations

import json
import math
import os
import struct
from typing import Any, Final

from isfdb.exact_json import MAX_DEPTH, are_plain, decode, encode, loads

priority: Final = 10
load_plainly: Final = "loaderdumpers.plainly.values:read_json"
about: Final = {
    "types": ("None", "bool", "int", "float", "str", "list", "dict"),
    "keeps": "None, bool, int, float, str; lists and dicts of them",
    "format": "JSON",
    "files": "none if small, else `data.json`",
    "exact": True,
    "lazy": "",
    "append": False,
}

#: Up to so many characters a value lies inside Loader.json and needs no file of its own.
INLINE_CHARACTERS: Final = 2000

#: Longer integers take Python quadratic time to write in decimal digits (and it refuses beyond 4300 of them).
MAX_INTEGER_BITS: Final = 14_000

_MOST_COPIED: Final = 1_000_000
_NAN_BITS: Final = struct.pack(">d", float("nan"))
_SIMPLE: Final = frozenset({type(None), bool})


def check(obj: Any) -> bool:
    """Say whether JSON keeps `obj` exactly; looks at every member, copies none."""
    kind = type(obj)
    if kind is not list and kind is not dict:
        return _is_leaf(obj, kind)
    try:
        return _all_plain(obj)
    except RuntimeError:  # another thread changes a dict while it is looked at
        return False


def _is_leaf(obj: Any, kind: type) -> bool:
    if kind is str:
        return _is_text(obj)
    if kind is int:
        return bool(obj.bit_length() <= MAX_INTEGER_BITS)
    if kind is float:
        return not math.isnan(obj) or struct.pack(">d", obj) == _NAN_BITS  # JSON has one nan; others would lose sign and payload
    return kind is bool or obj is None


def _is_text(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def _all_plain(root: Any) -> bool:
    to_do = [(root, 0)]
    seen: set[int] = set()
    visits = n_written = n_unique = 0
    while to_do:
        container, depth = to_do.pop()
        visits += 1
        n_written += len(container)
        if id(container) not in seen:
            seen.add(id(container))
            n_unique += len(container)
        # One list referred to from everywhere would be written once for each way that leads to it.
        if depth >= MAX_DEPTH or visits > 16 * len(seen) + 1000 or n_written > 16 * n_unique + _MOST_COPIED:
            return False
        members = container
        if type(container) is dict:
            if not all(type(name) is str and _is_text(name) for name in container):
                return False
            members = container.values()
        if are_plain(members):
            continue
        for member in members:
            kind = type(member)
            if kind is list or kind is dict:
                to_do.append((member, depth + 1))
            elif kind not in _SIMPLE and not _is_leaf(member, kind):
                return False
    return True


def describe(obj: Any) -> dict[str, Any]:
    """Return the type, and the length or, if short, the value itself."""
    facts: dict[str, Any] = {"type": type(obj).__name__}
    if isinstance(obj, (str, list, dict)):
        facts["length"] = len(obj)
    if isinstance(obj, str):
        facts["value"] = obj if len(obj) <= 60 else obj[:59] + "…"
    elif obj is None or isinstance(obj, (bool, int, float)):
        text = repr(obj)
        facts["value"] = text if len(text) <= 60 else text[:59] + "…"
    return facts


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Write `obj` as JSON.

    Parameters
    ----------
    obj : None, bool, int, float, str, list or dict
        The value.
    savedir : str
        Empty folder; a large value becomes ``data.json`` in it.

    Raises
    ------
    TypeError
        The value, or one inside it, cannot be kept exactly.
    """
    if not check(obj):
        encode(obj)  # raises an error that names what is wrong, where it knows
        what = "an integer, a nan or a web of references"
        raise TypeError(f"the value contains {what} that JSON cannot keep exactly; store it with to_cloudpickle")
    members = encode(obj)
    text = json.dumps(members, ensure_ascii=False, allow_nan=False)
    if len(text) <= INLINE_CHARACTERS:
        return {"value": keep_order(members)}
    with open(os.path.join(savedir, "data.json"), "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.write("\n")
    return {}


def keep_order(members: Any) -> Any:
    """Write dicts whose names are not sorted as pairs, because ``Loader.json`` is sorted when written."""
    if isinstance(members, list):
        return [keep_order(member) for member in members]
    if not isinstance(members, dict):
        return members
    kept = {name: keep_order(member) for name, member in members.items()}
    if list(kept) == sorted(kept):
        return kept
    return {"$dict": [[name, member] for name, member in kept.items()]}


class Loader:
    """Reads a plain value back.

    Parameters
    ----------
    **arguments
        ``value``: the encoded value, where it is small. Without it, the value lies in ``data.json``.
    """

    def __init__(self, **arguments: Any) -> None:
        unknown = set(arguments) - {"value"}
        if unknown:
            raise ValueError(f"to_json does not know the argument {', '.join(sorted(unknown))}; a newer isfdb may have written it")
        self._arguments = arguments

    def get(self, savedir: str, *, part: Any = None, select: Any = None) -> Any:
        """Return the value.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        part : name, number or list of them
            Return only what lies there: ``part="rates"``, ``part=["rates", 0]``.
        select : slice or tuple
            Return only these members of a list; a tuple names its place first: ``("rates", slice(0, 10))``.
        """
        if "value" in self._arguments:
            members = self._arguments["value"]
        else:
            with open(os.path.join(savedir, "data.json"), "rb") as file:
                members = loads(file.read())
        if part is not None or select is not None:
            from loaderdumpers._skeleton_reading import narrow

            members, _ = narrow(members, part, select)
        return decode(members)
