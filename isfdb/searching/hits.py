"""What a search found, as data: a sequence that prints as a table, shows as HTML and converts to JSON or a frame."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

from isfdb.display import html
from isfdb.display.safe import escape, visible
from isfdb.display.text import table_text
from isfdb.display.words import age_text, count_text, size_text

#: Rows that a representation shows; the rest is counted.
MOST_SHOWN = 50


@dataclass(frozen=True)
class Hit:
    """One key that was found.

    Attributes
    ----------
    key : str
        With its sub-databases, seen from the database that was searched.
    number : int
        Of the version that matched, the one that reading the key gives.
    link : str
        Permanent link to that version.
    why : tuple of str
        For each condition the fact that fulfilled it.
    database : str
        The folder of the database that was searched.
    created : datetime
        When the version was stored, UTC.
    nbytes : int
        Bytes of its files.
    what : str
        Its type and shape, in words.
    """

    key: str
    number: int
    link: str
    why: tuple[str, ...]
    database: str
    created: datetime.datetime
    nbytes: int
    what: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "created": self.created.isoformat(),
            "database": self.database,
            "key": self.key,
            "link": self.link,
            "nbytes": self.nbytes,
            "version": self.number,
            "what": self.what,
            "why": list(self.why),
        }


@dataclass(frozen=True)
class Unsearched:
    """What could not be searched: a key whose record cannot be read, or a whole database.

    Attributes
    ----------
    database : str
        Its folder.
    key : str
        Empty where it is the whole database.
    because : str
    """

    database: str
    key: str
    because: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"because": self.because, "database": self.database, "key": self.key or None}

    def __str__(self) -> str:
        return f"{self.key or self.database}: {self.because}"


class Hits(Sequence[Hit]):
    """What was found: where a word stands in the key first, then the newest; empty, and so false, where nothing was.

    Attributes
    ----------
    unreadable : tuple of Unsearched
        Keys whose record could not be read, so that nobody knows whether they match.
    unsearched : tuple of Unsearched
        Databases that are missing or could not be read.
    notes : tuple of str
        What the reader should know about the question.
    n_searched : int
        Keys that were looked at.
    """

    def __init__(
        self,
        hits: Sequence[Hit],
        *,
        unreadable: Sequence[Unsearched] = (),
        unsearched: Sequence[Unsearched] = (),
        notes: Sequence[str] = (),
        n_searched: int = 0,
        several: bool = False,
    ) -> None:
        self._hits = hits
        self.unreadable = tuple(unreadable)
        self.unsearched = tuple(unsearched)
        self.notes = tuple(notes)
        self.n_searched = n_searched
        self._several = several

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...
    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        return self._hits[index]

    def __len__(self) -> int:
        return len(self._hits)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that were found."""
        return tuple(hit.key for hit in self)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "hits": [hit.to_json() for hit in self],
            "notes": list(self.notes),
            "searched": self.n_searched,
            "unreadable": [one.to_json() for one in self.unreadable],
            "unsearched": [one.to_json() for one in self.unsearched],
        }

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one hit a row."""
        import pandas

        columns = ["key", "version", "what", "nbytes", "created", "why", "link", "database"]
        rows = [{**hit.to_json(), "created": hit.created, "why": "; ".join(hit.why)} for hit in self]
        return pandas.DataFrame(rows, columns=columns)

    def text(self, columns: int | None = None, limit: int | None = MOST_SHOWN) -> str:
        """Return the table as text.

        Parameters
        ----------
        columns : int, optional
            Width of the terminal; without it nothing is cut.
        limit : int, optional
            Hits shown; the rest is counted.
        """
        rows = self._rows(limit)
        lines = [self._summary()]
        if rows:
            lines.append(table_text(self._names(), rows, columns=columns, flexible=len(rows[0]) - 1))
        return "\n".join([*lines, *self._remarks(len(rows))])

    def _summary(self) -> str:
        return f"{count_text(len(self), 'hit')} among {count_text(self.n_searched, 'key')}"

    def _names(self) -> list[str]:
        return ["key", *["database"] * self._several, "version", "what", "size", "age", "why"]

    def _rows(self, limit: int | None) -> list[tuple[str, ...]]:
        shown = self._hits if limit is None else self._hits[:limit]
        return [
            (
                visible(hit.key, 60),
                *[visible(hit.database.rpartition("/")[2] or hit.database, 30)] * self._several,
                f"v{hit.number}",
                visible(hit.what, 40),
                size_text(hit.nbytes),
                age_text(hit.created),
                visible(", ".join(hit.why), 120),
            )
            for hit in shown
        ]

    def _remarks(self, n_shown: int) -> list[str]:
        more = len(self) - n_shown
        remarks = [f"… {more:,} more: all of them are in the result, for x in isfdb.find(...)"] if more > 0 else []
        remarks += [f"unreadable, so not known to match: {visible(one, 300)}" for one in self.unreadable[:10]]
        if len(self.unreadable) > 10:
            remarks.append(f"… {len(self.unreadable) - 10:,} more that cannot be read: .unreadable")
        remarks += [f"not searched: {visible(one, 300)}" for one in self.unsearched[:10]]
        if len(self.unsearched) > 10:
            remarks.append(f"… {len(self.unsearched) - 10:,} more that were not searched: .unsearched")
        return remarks + [visible(note, 400) for note in self.notes]

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        rows = self._rows(MOST_SHOWN)
        remarks = "".join(f'<p class="i-muted">{escape(remark, 400)}</p>' for remark in self._remarks(len(rows)))
        table = html.table(self._names(), rows) if rows else ""
        return {"text/plain": self.text(), "text/html": html.fragment(html.heading(self._summary()), table, remarks)}
