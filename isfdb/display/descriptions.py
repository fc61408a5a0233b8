"""What a loaderdumper noted about a value, in words: facts and small tables. Knows no format, and relies on nothing it finds.

A description comes from the disk and may hold anything, of any size and depth: everything is bounded here, and escaped where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from isfdb.display.safe import visible
from isfdb.display.words import count_in, number_text, size_text, what_text

#: Told in the line about the value already.
_TOLD: Final = frozenset({"type", "shape", "dtype", "value", "length", "frozen"})
#: What is told of every version: a description must not be able to pass for it.
_OURS: Final = frozenset(
    {"what", "size", "stored", "stored by", "digest", "link", "by", "code", "session", "environment", "version", "key"}
)
#: The order in which statistics are read.
_STATISTICS: Final = ("count", "missing", "min", "mean", "median", "std", "max")
#: Shown before others, under these names.
_FIRST: Final = {"columns": "columns", "members": "members", "parts": "parts", "chunks": "chunks", "nbytes": "in memory"}
_MOST_FACTS: Final = 24
_MOST_ITEMS: Final = 40
_MOST_ROWS: Final = 40
_MOST_COLUMNS: Final = 8
_MOST_CHARACTERS: Final = 1000
_DEEPEST: Final = 4


@dataclass(frozen=True)
class SmallTable:
    """Facts of several members, statistics of several columns for example, side by side."""

    title: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_cut: bool


@dataclass(frozen=True)
class Description:
    """A value described."""

    facts: tuple[tuple[str, str], ...]
    tables: tuple[SmallTable, ...]


def described(describe: Mapping[str, Any]) -> Description:
    """Put a description into words.

    Parameters
    ----------
    describe : Mapping
        What the loaderdumper noted.
    """
    names = [
        *(name for name in _FIRST if name in describe),
        *(name for name in describe if name not in _FIRST and not _is_told(name, describe)),
    ]
    facts: list[tuple[str, str]] = []
    tables: list[SmallTable] = []
    for name in names[:_MOST_FACTS]:
        value = describe[name]
        if name == "statistics" or _is_tabular(value):
            members = list(islice(_members(value, "", _DEEPEST), _MOST_ROWS + 1))
            if len(members) == 1 and not members[0][0]:
                facts.append((_label(name), _cut(", ".join(f"{_label(one)}: {_words(members[0][1][one], 1)}" for one in _named(members)))))
            elif members:
                tables.append(_table(_label(name), members))
        elif name == "nbytes" and type(value) is int and 0 <= value < 10**18:
            facts.append((_label(name), size_text(value)))
        else:
            facts.append((_label(name), _cut(_ranges(value) if "range" in name else _words(value, _DEEPEST))))
    if len(names) > _MOST_FACTS:
        facts.append(("not shown", f"{len(names) - _MOST_FACTS} more"))
    return Description(tuple((name, fact) for name, fact in facts if fact), tuple(tables))


def few_words(describe: Mapping[str, Any]) -> str:
    """Return the names of columns or members, as many as find room in a line; empty where there are none."""
    for name in ("columns", "members"):
        found = describe.get(name)
        if isinstance(found, (list, Mapping)) and found:
            names = [visible(_first(one), 20) for one in islice(found, 8)]
            return ", ".join(names) + (" …" if len(found) > len(names) else "")
    return ""


def _is_told(name: str, describe: Mapping[str, Any]) -> bool:
    is_shape = name == "size" and isinstance(describe[name], list) and "shape" not in describe
    return name in _TOLD or is_shape or bool(count_in(name, describe[name]))


def _ranges(value: Any) -> str:
    """Return ``0 to 9.5``, for one range or for one of each member."""
    if isinstance(value, Mapping):
        return ", ".join([f"{visible(name, 60)}: {_range(one)}" for name, one in islice(value.items(), _MOST_ITEMS)])
    return _range(value)


def _range(value: Any) -> str:
    is_range = isinstance(value, list) and len(value) == 2
    return f"{_words(value[0], 1)} to {_words(value[1], 1)}" if is_range else _words(value, _DEEPEST)


def _first(item: Any) -> Any:
    return item[0] if isinstance(item, list) and item else item


def _label(name: str) -> str:
    label = _FIRST.get(name) or visible(name, 60).removeprefix("n_").replace("_", " ")
    return f"its {label}" if label in _OURS else label


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _words(value: Any, depth: int) -> str:
    """Return a value as words: plain ones as they are, lists and dicts member by member down to `depth`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "unknown"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, (list, Mapping)):
        return _many(value, depth) if depth else "…"
    return visible(value, 200)


def _many(value: list[Any] | Mapping[str, Any], depth: int) -> str:
    if isinstance(value, Mapping) and isinstance(value.get("type"), str):
        return what_text(value)
    parts = list(islice(_parts(value, depth - 1), _MOST_ITEMS))
    more = f", … {len(value) - len(parts):,} more" if len(value) > len(parts) else ""
    text = ", ".join(parts) + more
    return f"({text})" if depth < _DEEPEST else text


def _parts(value: list[Any] | Mapping[str, Any], depth: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield f"{visible(name, 60)}: {_words(member, depth)}"
    else:
        for member in value:
            is_column = isinstance(member, list) and len(member) == 2 and isinstance(member[0], str) and isinstance(member[1], str)
            yield f"{visible(member[0], 60)} ({visible(member[1], 60)})" if is_column else _words(member, depth)


def _is_tabular(value: Any) -> bool:
    """Say whether a value has members that each have facts: statistics of columns, parts of a container."""
    if not isinstance(value, Mapping) or not value:
        return False
    return all(isinstance(member, Mapping) and not isinstance(member.get("type"), str) for member in islice(value.values(), _MOST_ROWS))


def _members(value: Any, label: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give each member that has facts of its own, however the members are nested: columns of a table that is part of a container."""
    if isinstance(value, list):
        pairs = [(visible(pair[0], 60), pair[1]) for pair in value[: _MOST_ROWS + 1] if isinstance(pair, list) and len(pair) == 2]
    elif isinstance(value, Mapping):
        pairs = [(visible(name, 60), member) for name, member in islice(value.items(), _MOST_ROWS + 1)]
    else:
        return
    if isinstance(value, Mapping) and not any(isinstance(member, (list, Mapping)) for _, member in pairs):
        yield label, value
        return
    for name, member in pairs if depth else ():
        words = "" if name in ("columns", "parts") and isinstance(value, Mapping) else name
        yield from _members(member, f"{label} {words}".strip(), depth - 1)


def _named(members: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return the names of all facts, in the order in which statistics are read."""
    names = list(dict.fromkeys(name for _, facts in members for name in islice(facts, _MOST_COLUMNS)))[:_MOST_COLUMNS]
    return sorted(names, key=lambda name: _STATISTICS.index(_label(name)) if _label(name) in _STATISTICS else len(_STATISTICS))


def _table(title: str, members: list[tuple[str, Mapping[str, Any]]]) -> SmallTable:
    names = _named(members)
    rows = [(visible(label, 60), *_cells(facts, names)) for label, facts in members[:_MOST_ROWS]]
    return SmallTable(title, ("", *map(_label, names)), tuple(rows), len(members) > _MOST_ROWS)


def _cells(facts: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [visible(_words(facts[name], 1), 60) if name in facts else "" for name in names]
