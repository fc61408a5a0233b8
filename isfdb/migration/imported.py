"""What an import did, key by key: printed as a table, converted to JSON, and told in one word, `is_complete`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, overload

from isfdb.display import text_bundle
from isfdb.display.safe import visible
from isfdb.display.words import count_text, size_text

COPIED: Final = "copied"
KEPT: Final = "kept as ISF's files"
THERE: Final = "there already"
NOT_COPIED: Final = "not copied"

#: Outcomes after which the value is in the new database, exactly, in one of our formats.
WHOLE: Final = frozenset({COPIED, THERE})


@dataclass(frozen=True)
class ImportedKey:
    """One key of the old database.

    Attributes
    ----------
    key : str
    outcome : str
        ``"copied"``: its value, compared with the old one. ``"kept as ISF's files"``: byte for byte, for it could not be read or not be
        compared. ``"there already"``: an import before this one copied it. ``"not copied"``.
    was : str
        ISF's loaderdumper.
    stored_by : str
        Ours; empty where nothing was stored.
    nbytes : int
        Bytes of the new version's files.
    why : str
        Why it is not as simple as that; empty where it is.
    """

    key: str
    outcome: str
    was: str
    stored_by: str = ""
    nbytes: int = 0
    why: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.outcome}{f', {self.why}' if self.why else ''}"


class Imported(Sequence[ImportedKey]):
    """What an import did.

    Attributes
    ----------
    old_id : str
        The id of the database that was copied.
    old_path, new_path : str
        From where, and to where.
    """

    def __init__(self, keys: Sequence[ImportedKey], *, old_id: str, old_path: str, new_path: str) -> None:
        self._keys = tuple(keys)
        self.old_id, self.old_path, self.new_path = old_id, old_path, new_path

    @overload
    def __getitem__(self, index: int) -> ImportedKey: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ImportedKey, ...]: ...
    def __getitem__(self, index: int | slice) -> ImportedKey | tuple[ImportedKey, ...]:
        return self._keys[index]

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def is_complete(self) -> bool:
        """Whether every value is in the new database, in one of our formats and compared with the old one."""
        return all(one.outcome in WHOLE for one in self._keys)

    @property
    def counts(self) -> dict[str, int]:
        """How many keys had which outcome."""
        return {outcome: n for outcome in (COPIED, THERE, KEPT, NOT_COPIED) if (n := sum(one.outcome == outcome for one in self._keys))}

    def to_json(self) -> dict[str, Any]:
        """Return all that as plain values."""
        about = {"id": self.old_id, "path": self.old_path}
        return {"counts": self.counts, "from": about, "is_complete": self.is_complete, "keys": [asdict(one) for one in self._keys]}

    def __str__(self) -> str:
        told = ", ".join([f"{number:,} {outcome}" for outcome, number in self.counts.items()]) or "no keys"
        nbytes = sum(one.nbytes for one in self._keys if one.outcome in (COPIED, KEPT))
        head = f"{count_text(len(self), 'key')} of {self.old_path} to {self.new_path}: {told}; {size_text(nbytes)} written"
        odd = [str(one) for one in self._keys if one.why or one.outcome not in WHOLE]
        return "\n".join([visible(line, 1000) for line in (head, *odd)])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return text_bundle("import from ISF", str(self))
