"""Plain values as JSON text and back, exactly: what is read equals what was written, types included.

JSON has no NaN, no infinities and no dates, so those are written as one-member objects whose name starts with ``$``:

========================  ====================================================
value                     JSON
========================  ====================================================
None, bool, int, str      as they are; integers of any size
finite float              as it is, shortest text that reads back to the same bits
nan, inf, -inf            ``{"$float": "nan"}`` ...
dict with a ``$`` name    ``{"$dict": [[name, value], ...]}``
datetime, date, time      ``{"$datetime": "2026-11-21T03:51:21+00:00"}`` ... (:func:`encode` with ``dates=True``)
timedelta                 ``{"$timedelta": [days, seconds, microseconds]}`` (``dates=True``)
numpy scalar              ``{"$numpy": ["float32", "0.1"]}`` (``numpy_scalars=True``)
========================  ====================================================

Everything else is refused with :class:`TypeError`, never changed: tuples, sets, bytes, non-text names, subclasses.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Collection
from typing import Any

_quoted = json.encoder.encode_basestring


def _refuse_value(value: object) -> Any:
    raise TypeError(f"{type(value).__qualname__} is no JSON")


_encode_slowly = json.JSONEncoder(ensure_ascii=False, sort_keys=True, allow_nan=False, check_circular=False, separators=(", ", ": ")).encode


def _encoder() -> Callable[[Any], str]:
    """Return a function that writes a value on one line, sorted."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the C encoder
        return _encode_slowly
    # JSONEncoder.encode makes this object anew for each value, which takes longer than a small record itself.
    encode_parts = make(None, _refuse_value, _quoted, None, ": ", ", ", True, False, False)
    return lambda value: "".join(encode_parts(value, 0))


_compact = _encoder()

MAX_DEPTH = 64

#: How deep the JSON of a record or a value may lie: a value nested as deep as :data:`MAX_DEPTH` takes some levels for each of its own.
#: What is deeper no isfdb wrote, and every function that looks into it would run out of stack.
MAX_NESTING = 300

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")  # or a whole one


def dumps(record: dict[str, Any]) -> str:
    """Write a record as JSON that people read and git diffs: sorted, one line for each top-level member.

    Parameters
    ----------
    record : dict
        JSON-ready members (no NaN).

    Returns
    -------
    str
        UTF-8-safe text ending in a newline. The same record always gives the same text.
    """
    # json.dumps(indent=...) leaves the C encoder and takes ten times as long, which a small put would feel.
    members = ",\n ".join([f"{_quoted(name)}: {_compact(record[name])}" for name in sorted(record)])
    return "{\n " + members + "\n}\n"


def compact(value: Any) -> str:
    """Write a JSON-ready value on one line, sorted."""
    return _compact(value)


def loads(text: str | bytes) -> Any:
    """Read JSON, refusing what is no JSON, what cannot be kept as JSON, and what is nested deeper than isfdb writes.

    Raises
    ------
    ValueError
        It is no UTF-8 or no JSON; or it names a member twice, or holds a NaN, a number that is larger than any float, half a surrogate
        pair, or more than :data:`MAX_NESTING` levels.
    """
    text = text if isinstance(text, str) else text.decode()
    try:
        value = _decode_text(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if _may_be_deep(text) and _is_deep(value):
        raise ValueError(_TOO_DEEP)
    if _HALF_PAIR.search(text):
        compact(value).encode("utf-8", "strict")  # UnicodeEncodeError, a ValueError: half a surrogate pair is no text
    return value


_TOO_DEEP = f"it is nested deeper than {MAX_NESTING} levels, which isfdb never writes"


def _may_be_deep(text: str) -> bool:
    """Say, at the speed of C, whether a closer look is needed: taking the innermost brackets away, again and again, leaves some."""
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return False
    brackets = text.encode("utf-8", "surrogatepass").translate(None, _NO_BRACKETS)
    for _ in range(MAX_NESTING):
        n_before, brackets = len(brackets), brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(brackets) in (0, n_before):  # none is left, or those within texts are in the way
            break
    return bool(brackets)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_NESTING + 1):
        members = [one.values() if type(one) is dict else one for one in level]
        level = [one for group in members for one in group if type(one) is dict or type(one) is list]
        if not level:
            return False
    return True


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number - number:  # of an infinity this is nan
        raise ValueError(f"{text[:20]} is larger than any number that can be kept")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object names a member twice")
    return members


_decode_text = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique).decode


def as_float(member: Any) -> float | None:
    """Return a number of a record as a float; None of what is none, or larger than any."""
    if not isinstance(member, (int, float)) or isinstance(member, bool):
        return None
    try:
        return float(member)
    except OverflowError:
        return None


_BOUND = 2**62


def are_plain(members: Collection[Any]) -> bool:
    """Say, mostly at the speed of C, whether all members are their own JSON. False may also mean that a closer look is needed."""
    kinds = set(map(type, members))
    if not kinds <= {int, bool, float, str, type(None)}:
        return False
    if kinds == {str}:
        return all(map(str.isascii, members))
    if kinds == {float}:
        return bool(abs(sum(members)) < math.inf)  # a nan or inf among them leaves its mark
    if kinds <= {int, bool}:
        return bool(min(members, default=0) > -_BOUND and max(members, default=0) < _BOUND)
    return all(map(_is_plain, members))


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is int:
        return bool(-_BOUND < value < _BOUND)
    if kind is float:
        return bool(abs(value) < math.inf)
    return kind is not str or bool(value.isascii())


def encode(value: Any, *, dates: bool = False, numpy_scalars: bool = False, _depth: int = 0) -> Any:
    """Turn a plain value into JSON-ready members.

    Parameters
    ----------
    value : object
        None, bool, int, float, str, list and dict, nested at most 64 deep.
    dates : bool
        Accept datetime, date, time and timedelta as well.
    numpy_scalars : bool
        Accept numpy booleans, integers and floats as well, keeping their type.

    Raises
    ------
    TypeError
        The value, or one inside it, cannot be kept exactly.
    """
    kind = type(value)
    if value is None or kind is bool or kind is int:
        return value
    if kind is str:
        value.encode()  # a lone surrogate is no text: UnicodeEncodeError, a ValueError
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if _depth >= MAX_DEPTH:
        raise TypeError(f"nested deeper than {MAX_DEPTH} levels, or containing itself")
    if kind is list:
        if are_plain(value):
            return value[:]
        return [encode(member, dates=dates, numpy_scalars=numpy_scalars, _depth=_depth + 1) for member in value]
    if kind is dict:
        return _encode_dict(value, dates, numpy_scalars, _depth + 1)
    if dates and kind.__module__ == "datetime":
        return _encode_date(value)
    if numpy_scalars and "numpy" in sys.modules:
        return _encode_numpy(value)
    raise TypeError(f"{kind.__module__}.{kind.__qualname__} is not one of None, bool, int, float, str, list, dict")


def _encode_dict(value: dict[Any, Any], dates: bool, numpy_scalars: bool, depth: int) -> dict[str, Any]:
    members = {}
    for name, member in value.items():
        if type(name) is not str:
            raise TypeError(f"a dict has a name of type {type(name).__qualname__}; JSON names are text")
        name.encode()
        members[name] = encode(member, dates=dates, numpy_scalars=numpy_scalars, _depth=depth)
    if any(name.startswith("$") for name in members):
        return {"$dict": [[name, member] for name, member in members.items()]}
    return members


def _encode_date(value: Any) -> dict[str, Any]:
    import datetime

    if type(value) is datetime.timedelta:
        return {"$timedelta": [value.days, value.seconds, value.microseconds]}
    if type(value) in (datetime.datetime, datetime.time) and type(value.tzinfo) not in (type(None), datetime.timezone):
        raise TypeError("only fixed offsets (datetime.timezone) are kept exactly; convert with .astimezone(timezone.utc)")
    if type(value) in (datetime.datetime, datetime.date, datetime.time):
        if getattr(value, "fold", 0):
            raise TypeError("a date with fold=1 cannot be kept exactly")
        return {f"${type(value).__name__}": value.isoformat()}
    raise TypeError(f"{type(value).__qualname__} cannot be kept exactly as JSON")


def _encode_numpy(value: Any) -> dict[str, Any]:
    import numpy

    # Not isinstance(value, numpy.integer): a timedelta64 is one as well, and its text has a unit.
    if isinstance(value, numpy.generic) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
        return {"$numpy": [value.dtype.name, str(value)]}
    raise TypeError(f"{type(value).__module__}.{type(value).__qualname__} cannot be kept exactly as JSON")


def decode(members: Any) -> Any:
    """Turn what :func:`encode` wrote back into the value.

    Raises
    ------
    ValueError
        A member starts with ``$`` and is none that isfdb writes.
    """
    if isinstance(members, list):
        return [decode(member) for member in members]
    if not isinstance(members, dict):
        return members
    if len(members) == 1:
        ((name, content),) = members.items()
        if name.startswith("$"):
            return _decode_tag(name, content)
    return {name: decode(member) for name, member in members.items()}


def _decode_tag(tag: str, content: Any) -> Any:
    if tag == "$float" and content in ("nan", "inf", "-inf"):
        return float(content)
    read = {"$dict": _decode_dict, "$timedelta": _decode_duration, "$numpy": _decode_numpy}.get(tag)
    if tag in ("$datetime", "$date", "$time"):
        import datetime

        read = getattr(datetime, tag[1:]).fromisoformat
    if read is None:
        raise ValueError(f"unknown kind of value {tag!r}; a newer isfdb may have written it")
    try:
        return read(content)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"{repr(content)[:80]} is no {tag} that isfdb writes: {error}") from error


def _decode_dict(content: Any) -> dict[str, Any]:
    if not isinstance(content, list) or not all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in content):
        raise ValueError("a $dict is a list of names with their values")
    return {name: decode(member) for name, member in content}


def _decode_duration(content: Any) -> Any:
    import datetime

    days, seconds, microseconds = content
    return datetime.timedelta(days, seconds, microseconds)


def _decode_numpy(content: Any) -> Any:
    import numpy

    dtype, text = content
    if type(dtype) is not str or type(text) is not str or not _SCALAR.fullmatch(dtype):
        raise ValueError(f"{repr(content)[:80]} is no numpy scalar that isfdb writes")
    kind = numpy.dtype(dtype)
    return kind.type(text == "True") if kind.kind == "b" else kind.type(text)


_SCALAR = re.compile(r"bool_?|u?int(8|16|32|64)|float(16|32|64)")
