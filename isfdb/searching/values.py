"""Reads what people write in a query: sizes, times, versions, shapes, patterns. Says what it expected where it cannot."""

from __future__ import annotations

import datetime
import fnmatch
import re
from collections.abc import Callable
from typing import Final

from isfdb.errors import QueryError

_SIZE = re.compile(r"([0-9][0-9_]*\.?[0-9]*(?:e[0-9]+)?)\s*([kmgtp]?)(i?)(b|bytes?)?", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}

_AGO = re.compile(
    r"(?:last\s+)?([0-9]+(?:\.[0-9]+)?)?\s*"
    r"(s|sec|seconds?|min|minutes?|h|hours?|d|days?|w|weeks?|mo|months?|y|years?)(?:\s+ago)?",
    re.IGNORECASE,
)
_UNITS_S: Final = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "mo": 30 * 86400, "y": 365 * 86400}

_VERSION = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview|dev)[-_.]?([0-9]*))?.*", re.IGNORECASE)
_WILD = re.compile(r"[*?\[]")

Test = Callable[[str], bool]


def size_of(text: str) -> int:
    """Return bytes: ``1MB`` is a million, ``1MiB`` is 1,048,576.

    Raises
    ------
    QueryError
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise QueryError(f"{text!r} is no size. Write bytes or a unit: size>1000, size>1.5MB, size<2GiB.", text=text)
    return int(float(match[1].replace("_", "")) * (1024 if match[3] else 1000) ** _POWERS[match[2].lower()])


def span_of(text: str, now: datetime.datetime) -> tuple[float, float]:
    """Return first and last moment, in seconds since 1970, of what a time says: a day has a length, a duration ago has none.

    Parameters
    ----------
    text : str
        ``2026-11-01``, ``2026-11``, ``2026``, ``2026-11-01T12:30`` (UTC unless it says otherwise), ``today``, ``yesterday``,
        ``2 days``, ``36h``, ``last week``.

    Raises
    ------
    QueryError
    """
    words = " ".join(text.split()).casefold()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day = datetime.timedelta(days=1)
    if words in ("now", "today", "yesterday"):
        begin = {"now": now, "today": today, "yesterday": today - day}[words]
        return begin.timestamp(), begin.timestamp() if words == "now" else (begin + day).timestamp()
    match = _AGO.fullmatch(words)
    if match:
        ago = float(match[1] or 1) * _seconds(match[2])
        return (now.timestamp() - ago,) * 2
    try:
        return _date(words)
    except (ValueError, OverflowError) as error:
        known = '2026-11-01, 2026-11, "2026-11-01 12:30", today, yesterday, "2 days", 36h, "last week"'
        raise QueryError(f"{text!r} is no time. Write one of {known}.", text=text) from error


def _seconds(unit: str) -> int:
    for name in ("min", "mo", "s", "h", "d", "w", "y"):
        if unit.startswith(name):
            return _UNITS_S[name]
    raise QueryError(f"{unit!r} is no unit of time.", text=unit)


def _date(words: str) -> tuple[float, float]:
    if re.fullmatch(r"\d{4}", words):
        begin, end = datetime.datetime(int(words), 1, 1), datetime.datetime(int(words) + 1, 1, 1)
    elif re.fullmatch(r"\d{4}-\d\d", words):
        begin = datetime.datetime.fromisoformat(f"{words}-01")
        end = datetime.datetime(begin.year + begin.month // 12, begin.month % 12 + 1, 1)
    else:
        begin = datetime.datetime.fromisoformat(words.upper())
        is_day = re.fullmatch(r"[0-9w-]+", words) is not None
        end = begin + datetime.timedelta(days=1) if is_day else begin
    return _moment(begin), _moment(end)


def _moment(time: datetime.datetime) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp()


def version_of(text: str) -> tuple[tuple[int, ...], int, int] | None:
    """Return what orders versions: the numbers, then whether it came before the release, then which one; None where it has no number."""
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        return None
    numbers = tuple(int(one) for one in match[1].split(".") if len(one) < 20)
    early = (match[2] or "").lower()
    rank = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2}.get(early, -1) if early else 0
    return numbers, rank, int(match[3]) if match[3] and len(match[3]) < 20 else 0


def _padded(version: tuple[tuple[int, ...], int, int], length: int) -> tuple[tuple[int, ...], int, int]:
    return version[0] + (0,) * (length - len(version[0])), *version[1:]


def version_test(operator: str, text: str) -> Test:
    """Return what tells whether an installed version is meant: ``=2.4`` means every 2.4.x, ``<2`` orders as pip does.

    Raises
    ------
    QueryError
    """
    wanted = version_of(text)
    if _WILD.search(text):
        matches = pattern_test(text)
        return matches if operator in ("=", ":", "==") else lambda found: not matches(found)
    if wanted is None:
        raise QueryError(f"{text!r} is no version of a package. Write numpy=2.4, numpy<2 or numpy>=1.26,<2.", text=text)
    if operator in ("=", ":", "==", "!="):
        is_equal = operator != "!="
        return lambda found: _is_version(found, wanted, text) is is_equal
    compare = COMPARISONS[operator]

    def test(found: str) -> bool:
        other = version_of(found)
        if other is None:
            return False
        length = max(len(other[0]), len(wanted[0]))
        return compare(_padded(other, length), _padded(wanted, length))

    return test


def _is_version(found: str, wanted: tuple[tuple[int, ...], int, int], text: str) -> bool:
    other = version_of(found)
    if other is None or found == text:
        return found == text
    if wanted[1]:
        return other == wanted
    return _padded(other, len(wanted[0]))[0][: len(wanted[0])] == wanted[0]


COMPARISONS: Final[dict[str, Callable[[object, object], bool]]] = {
    "<": lambda a, b: a < b,  # type: ignore[operator]  # both of one kind
    ">": lambda a, b: a > b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    ":": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def pattern_test(pattern: str, *, within: bool = False) -> Test:
    """Return what tells whether a text is meant, whatever the case: ``*``, ``?`` and ``[abc]`` stand for characters.

    Parameters
    ----------
    within : bool
        A pattern without such characters may stand anywhere in the text.
    """
    wanted = pattern.casefold()
    if is_wild(pattern):
        matches = re.compile(fnmatch.translate(wanted)).match
        return lambda text: matches(text.casefold()) is not None
    return (lambda text: wanted in text.casefold()) if within else (lambda text: wanted == text.casefold())


def is_wild(pattern: str) -> bool:
    """Say whether a pattern has characters that stand for others."""
    return _WILD.search(pattern) is not None


def shape_test(text: str) -> Test:
    """Return what tells whether a shape is meant: ``344x8``, ``(344, 8)``, ``344,*``; ``*`` is any length.

    Raises
    ------
    QueryError
    """
    wanted = re.split(r"[x×,]", re.sub(r"[()\[\]\s]", "", text.casefold()).rstrip(","))
    if not all(re.fullmatch(r"[0-9]+|\*", one) for one in wanted):
        raise QueryError(f"{text!r} is no shape. Write 344x8, or 344x* for any number of columns.", text=text)

    def test(shape: str) -> bool:
        found = shape.split("x") if shape else []
        return len(found) == len(wanted) and all(one in ("*", other) for one, other in zip(wanted, found, strict=True))

    return test
