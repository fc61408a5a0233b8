"""Turns the frequency of a pandas index into JSON-ready parts and back: its name where the name says everything, else class and options."""

from __future__ import annotations

from typing import Any

from loaderdumpers._labels import NotExactError


def pack_offset(freq: Any) -> Any:
    """Return JSON-ready parts of an offset: its alias, as ``QE-DEC``, or a dict.

    Raises
    ------
    NotExactError
        The parts would not give it back.
    """
    from loaderdumpers._cells import CellEncoder

    alias = str(freq.freqstr)
    if _gives_back(alias, freq):
        return alias
    kwds = {name: value for name, value in sorted(freq.kwds.items()) if name not in ("offset", "calendar")}
    try:
        parts = {
            "offset": type(freq).__name__,
            "n": int(freq.n),
            "normalize": bool(freq.normalize),
            "kwds": CellEncoder(sort=True).encode(kwds),
        }
    except NotExactError:
        parts = {}
    if type(freq).__module__.partition(".")[0] == "pandas" and _gives_back(parts, freq):
        return parts
    raise NotExactError(f"the frequency {freq!r} has no name that gives it back; set freq to None, or use to_cloudpickle")


def _gives_back(parts: Any, freq: Any) -> bool:
    try:
        back = unpack_offset(parts)
        return type(back) is type(freq) and bool(back == freq)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def unpack_offset(parts: Any) -> Any:
    """Turn what :func:`pack_offset` returned back into the offset."""
    import pandas
    from pandas.tseries.frequencies import to_offset

    from loaderdumpers._cells import decode_cell

    if isinstance(parts, str):
        return to_offset(parts)
    kind = getattr(pandas.offsets, parts["offset"], None)
    if not (isinstance(kind, type) and issubclass(kind, pandas.offsets.BaseOffset)):
        raise ValueError(f"the stored frequency {parts['offset']!r} is none of pandas'; a newer isfdb may have written it")
    return kind(n=parts["n"], normalize=parts["normalize"], **decode_cell(parts["kwds"]))
