"""What the registry answers with: records of databases, and sequences of them that print as tables. Reads and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload


@dataclass(frozen=True)
class DatabaseRecord:
    """One database at one place.

    Parameters
    ----------
    id, name, path : str
        Its id, the name it was given (else the name of its folder), and its folder.
    parent : str or None
        The id of the database it is a sub-database of.
    host : str
        The computer it was last seen from.
    first_seen, last_seen : str
        ISO-8601 times, UTC.
    present : bool
        Whether that folder holds that id now, as seen from here.
    """

    id: str
    name: str
    path: str
    parent: str | None
    host: str
    first_seen: str
    last_seen: str
    present: bool

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON-ready members."""
        return asdict(self)


class DatabaseRecords(Sequence[DatabaseRecord]):
    """Records of databases; prints as a table.

    Parameters
    ----------
    records : iterable of DatabaseRecord
        In the order in which they are shown.
    """

    def __init__(self, records: Iterable[DatabaseRecord]) -> None:
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> DatabaseRecord: ...
    @overload
    def __getitem__(self, index: slice) -> DatabaseRecords: ...
    def __getitem__(self, index: int | slice) -> DatabaseRecord | DatabaseRecords:
        return DatabaseRecords(self._records[index]) if isinstance(index, slice) else self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __eq__(self, other: object) -> bool:
        return tuple(other) == self._records if isinstance(other, (DatabaseRecords, tuple, list)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._records)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the records as JSON-ready members."""
        return [record.to_json() for record in self._records]

    def copies(self) -> frozenset[str]:
        """Return the ids that more than one of these, all of them present, carry."""
        ids = [record.id for record in self._records if record.present]
        return frozenset([name for name in ids if ids.count(name) > 1]) if len(set(ids)) < len(ids) else frozenset()

    def table(self) -> list[tuple[str, ...]]:
        """Return the rows of a table, the names of its columns first; nothing in them acts on a terminal."""
        return [_HEADER, *self._rows()]

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if not self._records:
            return "no databases"
        rows = self.table()
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
        return "\n".join(["  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]).rstrip() for row in rows])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}

    def _repr_html_(self) -> str:
        from isfdb.display import html
        from isfdb.display.words import count_text

        head = html.heading(count_text(len(self), "database"), "in the registry")
        rows = self._rows()
        table = html.table(_HEADER, rows[:_MOST_ROWS], limit=600) if rows else ""
        rest = html.note(f"… {len(rows) - _MOST_ROWS:,} more" if len(rows) > _MOST_ROWS else "")
        return html.fragment(head, table, rest)

    def _rows(self) -> list[tuple[str, ...]]:
        copies = self.copies()
        return [(shown(one.name), one.id, _state(one, copies), shown(one.last_seen[:10]), shown(one.path)) for one in self._records]


_MOST_ROWS = 500
_HEADER = ("name", "id", "state", "last seen", "path")


def _state(record: DatabaseRecord, copies: frozenset[str]) -> str:
    if not record.present:
        return f"missing (seen on {shown(record.host)})"
    return "copy: same id twice" if record.id in copies else "present"


@dataclass(frozen=True)
class Adopted:
    """What came of adopting another registry.

    Parameters
    ----------
    added : DatabaseRecords
        New in this registry.
    known : DatabaseRecords
        In it before.
    missing : DatabaseRecords
        Not taken over: their folders do not hold those ids, as seen from here.
    refused : int
        Rows that are no record of a database.
    """

    added: DatabaseRecords
    known: DatabaseRecords
    missing: DatabaseRecords
    refused: int

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON-ready members."""
        lists = {"added": self.added, "known": self.known, "missing": self.missing}
        return {**{name: records.to_json() for name, records in lists.items()}, "refused": self.refused}

    def __str__(self) -> str:
        counts = f"{len(self.added)} added, {len(self.known)} known before, {len(self.missing)} missing, {self.refused} refused"
        return f"{counts}\n{self.added}" if self.added else counts

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from isfdb.display import text_bundle

        return text_bundle("adopted", str(self))


def shown(text: str) -> str:
    """Return text that can be printed: nothing in it acts on the terminal, and every character can be encoded."""
    return "".join([character if character.isprintable() else ascii(character)[1:-1] for character in text])
