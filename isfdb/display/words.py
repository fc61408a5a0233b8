"""Sizes, ages, shapes and types in words that people read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from isfdb.display.safe import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

_STEPS = (("kB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12), ("PB", 10**15))
#: Facts that count something, though their names do not begin with ``n_``.
_COUNTS = {"npartitions": "partitions", "nodes": "nodes", "edges": "edges", "files": "files"}
_MOST_COUNTS = 3
_AGES = ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (60 * 86400, 86400, "d"))


def size_text(size_bytes: int | None) -> str:
    """Return ``12.3 kB``: decimal units, three figures."""
    if size_bytes is None:
        return ""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    if size_bytes >= 10**21:
        return "more than 10^21 B"  # a forged record may claim what no float can hold
    unit, step = next(((unit, step) for unit, step in _STEPS if size_bytes < 999.5 * step), _STEPS[-1])
    number = size_bytes / step
    digits = 0 if number >= 99.95 else 1 if number >= 9.995 else 2
    return f"{number:.{digits}f} {unit}"


def age_text(moment: datetime | None, now: datetime | None = None) -> str:
    """Return ``3 min ago``; a date where it is older than two months or lies in the future."""
    if moment is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    for limit, unit_s, unit in _AGES:
        if 0 <= seconds < limit:
            return f"{int(seconds // unit_s)} {unit} ago"
    return "just now" if -5 < seconds < 0 else f"{moment:%Y-%m-%d}"


def time_text(moment: datetime | None) -> str:
    """Return ``2026-11-21 04:30:05 UTC``."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def moment_text(text: str) -> str:
    """Return an ISO-8601 time of a record as `time_text` does; any other text as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return time_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def duration_text(seconds: float | None) -> str:
    """Return ``12 ms``, ``3.4 s`` or ``5 min 20 s``."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def count_text(number: int, singular: str, plural: str | None = None) -> str:
    """Return ``1 key`` or ``1,200 keys``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def number_text(number: float) -> str:
    """Return a number as people read it: ``1,200``, ``0.125``, ``1.5e+20``; of any size."""
    if isinstance(number, int):
        return f"{number:,}" if abs(number) < 10**15 else f"{'-' if number < 0 else ''}more than 10^15"
    return f"{number:.6g}"


def count_in(name: str, number: Any) -> str:
    """Return ``6 traces`` for a fact named ``n_traces``; empty where it counts nothing."""
    what = _COUNTS.get(name) or (name[2:].replace("_", " ") if name.startswith("n_") else "")
    if not what or type(number) is not int or number < 0:
        return ""
    return f"{number_text(number)} {visible(what.removesuffix('s') if number == 1 else what, 20)}"


@dataclass(frozen=True)
class What:
    """What kind of value it is, in parts that stand below each other where several are shown.

    Attributes
    ----------
    type, shape, dtype : str
        ``DataFrame``, ``344 × 8``, ``float64``; empty where it has none.
    value : str
        The value itself where it is small, or what is counted in it.
    """

    type: str
    shape: str = ""
    dtype: str = ""
    value: str = ""

    @property
    def text(self) -> str:
        """All of it in a line."""
        return " ".join([part for part in (self.type, self.shape, self.dtype) if part]) + self.value


def what_parts(describe: Mapping[str, Any], dumper: str = "") -> What:
    """Return type, shape, dtype and the like, apart.

    Parameters
    ----------
    describe : Mapping
        What the loaderdumper noted about the value; nothing in it is relied upon.
    dumper : str
        Named where the loaderdumper noted no type.
    """
    kind = visible(describe.get("type") or dumper or "value", 40)
    shape = describe.get("shape", describe.get("size"))  # pictures have a size
    sides = ""
    if isinstance(shape, list) and shape:
        sides = " × ".join(visible("?" if n is None else n, 12) for n in shape[:6])
    elif type(describe.get("length")) is int:
        sides = f"of {number_text(describe['length'])}"
    dtype = visible(describe["dtype"], 24) if isinstance(describe.get("dtype"), str) else ""
    words = [visible(describe["value"], 60)] if "value" in describe else []
    words += ["frozen"] if describe.get("frozen") is True else []
    counts = [text for name, number in describe.items() if (text := count_in(name, number))]
    return What(kind, sides, dtype, ", ".join(["".join([f" {word}" for word in words]), *counts[:_MOST_COUNTS]]))


def what_text(describe: Mapping[str, Any], dumper: str = "") -> str:
    """Return what kind of value it is in a few words: ``DataFrame 344 × 8``, ``ndarray 1000 float64``, ``float 49.69``.

    Parameters
    ----------
    describe : Mapping
        What the loaderdumper noted about the value; nothing in it is relied upon.
    dumper : str
        Named where the loaderdumper noted no type.
    """
    return what_parts(describe, dumper).text
