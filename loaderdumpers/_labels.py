"""Turns single labels (names of columns and indexes, divisions) and time zones into JSON-ready parts and back, types included.

Text, integers, booleans and None stand as they are; everything else becomes a dict of one member that says what it is.
"""

from __future__ import annotations

import sys
from typing import Any

from isfdb.exact_json import decode, encode
from loaderdumpers import to_json, to_numpy_scalar


class NotExactError(TypeError):
    """A value, or a part of it, would not come back as it is; the message says which and what to do."""


def pack_label(label: Any) -> Any:
    """Return JSON-ready parts of a label.

    Raises
    ------
    NotExactError
        The label is of a type that is not kept.
    """
    kind = type(label)
    if label is None or kind in (bool, int, str, float):
        if not to_json.check(label):
            raise NotExactError("a label is text with half a surrogate pair, or a number too long to keep; rename it")
        return label if kind is not float else {"float": encode(label)}
    if kind is tuple:
        return {"tuple": [pack_label(part) for part in label]}
    if to_numpy_scalar.check(label):
        return {"numpy": to_numpy_scalar.dump(label, "")}
    return _pack_time(label, kind)


def _pack_time(label: Any, kind: type) -> dict[str, Any]:
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        if label is pandas.NaT or label is pandas.NA:
            return {"missing": "NaT" if label is pandas.NaT else "NA"}
        if kind is pandas.Timestamp:
            return {"timestamp": [int(label.to_datetime64().view("int64")), label.unit, pack_zone(label.tz)]}
        if kind is pandas.Timedelta:
            return {"timedelta": [int(label.to_timedelta64().view("int64")), label.unit]}
    if kind.__module__ == "datetime":
        try:
            return {"date": encode(label, dates=True)}
        except TypeError as error:
            raise NotExactError(f"a label cannot be kept: {error}") from error
    name = f"{kind.__module__}.{kind.__qualname__}"
    raise NotExactError(f"a label is of type {name}, which is not kept; use text, numbers, dates or tuples of them")


def unpack_label(parts: Any) -> Any:
    """Turn what :func:`pack_label` returned back into the label."""
    if not isinstance(parts, dict):
        return parts
    ((what, content),) = parts.items()
    if what in ("float", "date"):
        return decode(content)
    if what == "tuple":
        return tuple(unpack_label(part) for part in content)
    if what == "numpy":
        return to_numpy_scalar.Loader(**content).get("")
    return _unpack_time(what, content)


def _unpack_time(what: str, content: Any) -> Any:
    import numpy
    import pandas

    if what == "missing" and content in ("NaT", "NA"):
        return getattr(pandas, content)
    if what == "timedelta":
        return pandas.Timedelta(numpy.timedelta64(*content))
    if what == "timestamp":
        count, unit, zone = content
        stamp = pandas.Timestamp(numpy.datetime64(count, unit))
        return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(unpack_zone(zone))
    raise ValueError(f"a label of the unknown kind {what!r} is stored; a newer isfdb may have written it")


def pack_zone(zone: Any) -> dict[str, Any] | None:
    """Return JSON-ready parts of a time zone of ``zoneinfo``, ``datetime`` or ``pytz``; None for none."""
    if zone is None:
        return None
    family = type(zone).__module__.partition(".")[0]
    if family == "zoneinfo" and zone.key:
        return {"zoneinfo": zone.key}
    if family == "datetime":
        offset = zone.utcoffset(None)
        if type(zone)(offset).tzname(None) == zone.tzname(None):
            return {"offset": [offset.days, offset.seconds, offset.microseconds]}
    if family == "pytz" and getattr(zone, "zone", None):
        return {"pytz": zone.zone}
    raise NotExactError(f"the time zone {zone!r} is not kept exactly; convert it with tz_convert('Europe/Berlin') or the like")


def unpack_zone(parts: dict[str, Any]) -> Any:
    """Turn what :func:`pack_zone` returned back into the time zone."""
    import datetime
    import zoneinfo

    ((what, content),) = parts.items()
    if what == "zoneinfo":
        return zoneinfo.ZoneInfo(content)
    if what == "offset":
        return datetime.timezone(datetime.timedelta(*content))
    if what == "pytz":
        import pytz

        return pytz.timezone(content)
    raise ValueError(f"a time zone of the unknown kind {what!r} is stored; a newer isfdb may have written it")
