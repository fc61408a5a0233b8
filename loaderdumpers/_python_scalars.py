"""Turns single Python values that JSON does not know into JSON nodes and back, exactly. Containers are the business of ``_skeleton``.

A node is an object whose first member says what it is: ``{"$datetime": "2020-01-01T00:00:00+00:00"}``. None, bool, finite floats, ordinary
text and integers stand as they are.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Final

from loaderdumpers._library_scalars import LIBRARY_DECODERS, numpy_encoders, numpy_type_name, numpy_type_named

#: Whatever JSON can say.
Node = Any

#: Longer integers take Python quadratic time to write in decimal digits.
_MAX_DECIMAL_BITS: Final = 14_000

#: Longer bytes are kept as files, not as hexadecimal digits.
MAX_INLINE_BYTES: Final = 4096

_BUILTINS: Final = (
    bool,
    bytearray,
    bytes,
    complex,
    dict,
    float,
    frozenset,
    int,
    list,
    object,
    range,
    set,
    slice,
    str,
    tuple,
    type,
    type(None),
)
BUILTIN_TYPES: Final[Mapping[str, type]] = {kind.__name__: kind for kind in _BUILTINS}
_CONSTANTS: Final = {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}

#: Every value of these types is kept.
ALWAYS: Final = frozenset(
    {type(None), bool, int, float, str, complex, date, timedelta, range, type(Ellipsis), type(NotImplemented)},
)

_NAN_BITS: Final = struct.pack(">d", float("nan"))


def is_text(text: str) -> bool:
    """Say whether UTF-8 can keep `text`: it has no lone surrogate."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# To nodes --------------------------------------------------------------------------------------------------------------------------
# Each function returns a node, or None where the value would not come back exactly.


def _int(value: int) -> Node:
    return value if value.bit_length() <= _MAX_DECIMAL_BITS else {"$int": hex(value)}


def _float(value: float) -> Node:
    if math.isfinite(value):
        return value
    bits = struct.pack(">d", value)
    if math.isnan(value) and bits != _NAN_BITS:
        return {"$float": "nan", "bits": bits.hex()}
    return {"$float": repr(value)}


def _str(value: str) -> Node:
    return value if is_text(value) else {"$text": value.encode("unicode_escape").decode("ascii")}


def _zone_facts(zone: Any) -> dict[str, Any] | None:
    """Return what the text of a time does not say about its zone; None where the zone is of a kind that is not kept."""
    if zone is None:
        return {}
    if type(zone) is timezone:
        offset, name = zone.utcoffset(None), zone.tzname(None)
        return {} if timezone(offset).tzname(None) == name else {"zone_name": _str(name)}
    zoneinfo = sys.modules.get("zoneinfo")
    if zoneinfo is not None and type(zone) is zoneinfo.ZoneInfo and zone.key:
        return {"zone": zone.key}
    return None


def _time(value: datetime | time) -> Node:
    facts = _zone_facts(value.tzinfo)
    if facts is None:
        return None
    fold = {"fold": 1} if value.fold else {}
    return {f"${type(value).__name__}": value.isoformat(), **fold, **facts}


def _timezone(value: timezone) -> Node:
    facts = _zone_facts(value)
    return {"$timezone": _timedelta(value.utcoffset(None))["$timedelta"], **(facts or {})}


def _timedelta(value: timedelta) -> Node:
    return {"$timedelta": [value.days, value.seconds, value.microseconds]}


def _zoneinfo(value: Any) -> Node:
    return {"$zoneinfo": value.key} if value.key else None


def _complex(value: complex) -> Node:
    return {"$complex": [_float(value.real), _float(value.imag)]}


def _bytes(value: bytes | bytearray) -> Node:
    return {f"${type(value).__name__}": value.hex()} if len(value) <= MAX_INLINE_BYTES else None


def _range(value: range) -> Node:
    return {"$range": [_int(value.start), _int(value.stop), _int(value.step)]}


def _fraction(value: Any) -> Node:
    whole = type(value)(value.numerator, value.denominator)
    is_exact = (whole.numerator, whole.denominator) == (value.numerator, value.denominator)
    return {"$fraction": [_int(value.numerator), _int(value.denominator)]} if is_exact else None


def _uuid(value: Any) -> Node:
    safety = value.is_safe.value
    return {"$uuid": str(value)} if safety is None else {"$uuid": str(value), "safe": safety}


def _path(value: Any) -> Node:
    text = str(value)
    return {"$path": _str(text), "type": type(value).__name__} if type(value)(text) == value else None


def _constant(value: Any) -> Node:
    return {"$constant": repr(value)}


def _type(value: type) -> Node:
    name = value.__name__ if value in _BUILTINS else numpy_type_name(value)
    return None if name is None else {"$type": name}


def _ip(value: Any) -> Node:
    return {"$ip": str(value), "type": type(value).__name__}


_IP_TYPES: Final = tuple(f"IPv{version}{kind}" for version in (4, 6) for kind in ("Address", "Network", "Interface"))
_PATH_TYPES: Final = ("PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath")

#: What other modules of the standard library bring: a value can be of these types only if its module was imported.
_OF_MODULES: Final[dict[str, dict[str, Callable[[Any], Node]]]] = {
    "decimal": {"Decimal": lambda value: {"$decimal": str(value)}},
    "fractions": {"Fraction": _fraction},
    "ipaddress": dict.fromkeys(_IP_TYPES, _ip),
    "pathlib": dict.fromkeys(_PATH_TYPES, _path),
    "uuid": {"UUID": _uuid},
    "zoneinfo": {"ZoneInfo": _zoneinfo},
}
_ALWAYS_THERE: Final[dict[type, Callable[[Any], Node]]] = {
    type(None): lambda value: value,
    bool: lambda value: value,
    int: _int,
    float: _float,
    str: _str,
    bytes: _bytes,
    bytearray: _bytes,
    complex: _complex,
    date: lambda value: {"$date": value.isoformat()},
    datetime: _time,
    range: _range,
    time: _time,
    timedelta: _timedelta,
    timezone: _timezone,
    type: _type,
    type(Ellipsis): _constant,
    type(NotImplemented): _constant,
}

_known: tuple[int, dict[type, Callable[[Any], Node]]] = (-1, {})


def encoders() -> dict[type, Callable[[Any], Node]]:
    """Return, for each type of single value that may be about, the function that makes its node (None: not kept exactly)."""
    global _known
    loaded = [name for name in (*_OF_MODULES, "numpy") if name in sys.modules]
    if len(loaded) != _known[0]:
        table = dict(_ALWAYS_THERE)
        for name in loaded:
            for kind, encode in _OF_MODULES.get(name, {}).items():
                if hasattr(sys.modules[name], kind):
                    table[getattr(sys.modules[name], kind)] = encode
        _known = len(loaded), table | numpy_encoders()
    return _known[1]


# And back --------------------------------------------------------------------------------------------------------------------------


def _number(node: Node) -> Any:
    """Return an integer or float from its node."""
    if type(node) is dict:
        return decode(node)
    if type(node) not in (int, float):
        raise ValueError(f"{node!r:.60} stands where a number belongs")
    return node


def _integer(node: Node) -> int:
    number = _number(node)
    if type(number) is not int:
        raise ValueError(f"{node!r:.60} stands where an integer belongs")
    return number


def _back_float(content: Any, facts: dict[str, Any]) -> float:
    if content not in ("nan", "inf", "-inf"):
        raise ValueError(f"{content!r:.60} is no float that isfdb writes")
    if "bits" not in facts:
        return float(content)
    (value,) = struct.unpack(">d", bytes.fromhex(facts["bits"]))
    if not math.isnan(value):
        raise ValueError("the bits of a nan are those of a number")
    return float(value)


def _back_time(kind: Any) -> Callable[[Any, dict[str, Any]], Any]:
    def decode_time(content: Any, facts: dict[str, Any]) -> Any:
        value = kind.fromisoformat(content)
        if "zone" in facts:
            value = value.replace(tzinfo=_zone(facts["zone"]))
        if "zone_name" in facts:
            value = value.replace(tzinfo=timezone(value.utcoffset(), _text(facts["zone_name"])))
        return value.replace(fold=1) if facts.get("fold") else value

    return decode_time


def _text(node: Node) -> str:
    text = decode(node) if type(node) is dict else node
    if type(text) is not str:
        raise ValueError(f"{node!r:.60} stands where text belongs")
    return text


def _zone(key: str) -> Any:
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(key)
    except zoneinfo.ZoneInfoNotFoundError as error:
        raise ValueError(f"this computer knows no time zone {key!r}; install the newest tzdata: pip install tzdata") from error


def _back_timezone(content: Any, facts: dict[str, Any]) -> timezone:
    offset = timedelta(*content)
    return timezone(offset, _text(facts["zone_name"])) if "zone_name" in facts else timezone(offset)


def _back_decimal(content: Any, _: dict[str, Any]) -> Any:
    from decimal import Decimal, InvalidOperation

    try:
        return Decimal(_text(content))
    except InvalidOperation as error:
        raise ValueError(f"{content!r:.60} is no decimal number") from error


def _back_fraction(content: Any, _: dict[str, Any]) -> Any:
    from fractions import Fraction

    return Fraction(_integer(content[0]), _integer(content[1]))


def _back_uuid(content: Any, facts: dict[str, Any]) -> Any:
    from uuid import UUID, SafeUUID

    return UUID(content, is_safe=SafeUUID(facts.get("safe")))


def _back_path(content: Any, facts: dict[str, Any]) -> Any:
    import pathlib

    if facts["type"] not in _PATH_TYPES:
        raise ValueError(f"{facts['type']!r:.60} is no kind of path")
    try:
        return getattr(pathlib, facts["type"])(_text(content))
    except NotImplementedError as error:  # a WindowsPath elsewhere
        raise ValueError(f"a {facts['type']} can only be made on its own system; read the value with plain=True") from error


def _back_ip(content: Any, facts: dict[str, Any]) -> Any:
    import ipaddress

    if facts["type"] not in _IP_TYPES:
        raise ValueError(f"{facts['type']!r:.60} is no kind of network address")
    return getattr(ipaddress, facts["type"])(_text(content))


_DECODERS: Final[dict[str, Callable[[Any, dict[str, Any]], Any]]] = {
    "$bytearray": lambda content, _: bytearray.fromhex(content),
    "$bytes": lambda content, _: bytes.fromhex(content),
    "$complex": lambda content, _: complex(_number(content[0]), _number(content[1])),
    "$constant": lambda content, _: _CONSTANTS[content],
    "$date": lambda content, _: date.fromisoformat(content),
    "$datetime": _back_time(datetime),
    "$decimal": _back_decimal,
    "$float": _back_float,
    "$fraction": _back_fraction,
    "$int": lambda content, _: int(content, 16),
    "$ip": _back_ip,
    "$path": _back_path,
    "$range": lambda content, _: range(*[_integer(part) for part in content]),
    "$text": lambda content, _: content.encode("ascii").decode("unicode_escape"),
    "$time": _back_time(time),
    "$timedelta": lambda content, _: timedelta(*content),
    "$timezone": _back_timezone,
    "$type": lambda content, _: BUILTIN_TYPES.get(content) or numpy_type_named(content),
    "$uuid": _back_uuid,
    "$zoneinfo": lambda content, _: _zone(content),
}


def tag_of(node: Node) -> str | None:
    """Return what an object says it is; None for what stands for itself."""
    if type(node) is not dict:
        return None
    first = next(iter(node), "")
    return first if first.startswith("$") else None


def decode(node: Node) -> Any:
    """Turn the node of a single value back into the value.

    Raises
    ------
    ValueError
        isfdb writes no such node.
    """
    tag = tag_of(node)
    if tag is None:
        return node
    decoder = _DECODERS.get(tag) or LIBRARY_DECODERS.get(tag)
    if decoder is None:
        raise ValueError(f"unknown kind of value {tag!r:.60}; a newer isfdb may have written it")
    try:
        return decoder(node[tag], {name: fact for name, fact in node.items() if name != tag})
    except (TypeError, KeyError, IndexError, AttributeError, ArithmeticError, UnicodeError, struct.error) as error:
        raise ValueError(f"{str(node)[:80]} is no {tag} that isfdb writes ({type(error).__name__}: {error})") from error
