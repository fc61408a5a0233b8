"""Compares two databases key by key, by the digests of their newest versions: no value is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from isfdb.display import html
from isfdb.display.safe import escape, visible
from isfdb.display.summaries import UNREADABLE
from isfdb.display.words import count_text, size_text, what_text

if TYPE_CHECKING:
    from isfdb.database import Database

_MOST_SHOWN: Final = 100
_CHANGED: Final = ("key", "first", "second")


@dataclass(frozen=True)
class DatabaseDifference:
    """Which keys two databases do not have alike; true where there are any.

    Attributes
    ----------
    names : pair of str
        The databases.
    only_first, only_second : tuple of str
        Keys that one of them has.
    changed : tuple of (str, str, str)
        Keys whose values have other bytes, and what the two values are in a few words.
    unvouched : tuple of str
        Keys whose files belong to the user and may have changed, so that their digests say nothing.
    unreadable : tuple of (str, str)
        Keys whose record cannot be read, and why.
    n_same : int
        How many keys hold the same bytes.
    """

    names: tuple[str, str]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    changed: tuple[tuple[str, str, str], ...]
    unvouched: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]
    n_same: int

    @property
    def same(self) -> bool:
        """Whether all keys hold the same bytes, as far as it can be told without loading a value."""
        return not (self.only_first or self.only_second or self.changed or self.unreadable)

    def __bool__(self) -> bool:
        return not self.same

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "first": self.names[0],
            "second": self.names[1],
            "same": self.same,
            "only_first": list(self.only_first),
            "only_second": list(self.only_second),
            "changed": [dict(zip(_CHANGED, one, strict=True)) for one in self.changed],
            "unvouched": list(self.unvouched),
            "unreadable": [{"key": key, "problem": problem} for key, problem in self.unreadable],
            "n_same": self.n_same,
        }

    def __str__(self) -> str:
        lines = [f"{self.names[0]} → {self.names[1]}: {self._counts()}"]
        lines += _some([f"- {key}" for key in self.only_first]) + _some([f"+ {key}" for key in self.only_second])
        lines += _some([f"! {key}: {one} → {other}" for key, one, other in self.changed])
        lines += _some([f"? {key}: {problem}" for key, problem in self.unreadable])
        if self.unvouched:
            lines.append(f"not vouched for, because they may change in place: {', '.join(self.unvouched)}")
        return "\n".join([visible(line, 1000) for line in lines])

    __repr__ = __str__

    def _counts(self) -> str:
        counts = ((self.only_first, "only in the first"), (self.only_second, "only in the second"), (self.changed, "changed"))
        words = [f"{len(keys):,} {word}" for keys, word in (*counts, (self.unreadable, "unreadable")) if keys]
        return ", ".join([*words, f"{count_text(self.n_same, 'key')} the same"])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        lists: list[tuple[str, Sequence[Sequence[str]], Sequence[str]]] = [
            (f"{len(self.only_first):,} only in the first", [(key,) for key in self.only_first], ("key",)),
            (f"{len(self.only_second):,} only in the second", [(key,) for key in self.only_second], ("key",)),
            (f"{len(self.changed):,} changed", list(self.changed), _CHANGED),
            (f"{len(self.unreadable):,} unreadable", list(self.unreadable), ("key", "problem")),
        ]
        parts = [_folded(title, rows, columns) for title, rows, columns in lists if rows]
        vouched = f'<p class="i-muted">not vouched for: {escape(", ".join(self.unvouched), 1000)}</p>' if self.unvouched else ""
        heading = html.heading(f"{self.names[0]} → {self.names[1]}", self._counts())
        return {"text/plain": str(self), "text/html": html.fragment(heading, *parts, vouched)}


def _some(lines: list[str]) -> list[str]:
    rest = len(lines) - _MOST_SHOWN
    return lines if rest <= 0 else [*lines[:_MOST_SHOWN], f"… and {rest:,} more"]


def _folded(title: str, rows: Sequence[Sequence[str]], columns: Sequence[str]) -> str:
    shown = [*rows[:_MOST_SHOWN], *([("…",)] if len(rows) > _MOST_SHOWN else [])]
    return html.folded(title, html.table(columns, shown), is_open=True)


def compare_databases(a: Database, b: Database) -> DatabaseDifference:
    """Compare two databases, or sub-databases, by the records of their newest versions."""
    keys = [dict.fromkeys(db.keys(recurse=True)) for db in (a, b)]
    changed, unvouched, unreadable, n_same = [], [], [], 0
    for key in keys[0]:
        if key not in keys[1]:
            continue
        try:
            versions = [db.entry(key).newest for db in (a, b)]
        except UNREADABLE as error:
            unreadable.append((key, str(error)))
            continue
        if any(version.record.get("mutable") for version in versions):
            unvouched.append(key)
        elif versions[0].digest == versions[1].digest and versions[0].dumper == versions[1].dumper:
            n_same += 1
        else:
            one, other = (f"{what_text(version.describe, version.dumper or '')}, {size_text(version.nbytes)}" for version in versions)
            changed.append((key, one, other))
    only = [tuple([key for key in here if key not in there]) for here, there in (keys, keys[::-1])]
    return DatabaseDifference(_names(a, b), only[0], only[1], tuple(changed), tuple(unvouched), tuple(unreadable), n_same)


def _names(a: Database, b: Database) -> tuple[str, str]:
    return (a.name, b.name) if a.name != b.name else (a.path, b.path)
