"""What an item of the corpus is, and where it is planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.hostile.forging import forge, version_of


@dataclass(frozen=True)
class Place:
    """Where an item is planted.

    Attributes
    ----------
    database : Path
    key : str
        The item's own.
    outside : Path
        A folder beside the database, for what must not be reached: ``mark`` does not exist, ``secret`` does.
    """

    database: Path
    key: str
    outside: Path

    @property
    def mark(self) -> Path:
        """What a payload makes."""
        return self.outside / "mark"

    @property
    def secret(self) -> Path:
        """What nobody may open."""
        return self.outside / "secret" / "data.npy"

    @property
    def folder(self) -> Path:
        """The version's folder."""
        return version_of(self.database, self.key)

    def forge(self, spec: Any, fill: Callable[[Path], object] | None = None, **record: Any) -> Path:
        """Write a version of the item's key."""
        return forge(self.database, self.key, spec, fill, **record)


@dataclass(frozen=True)
class Item:
    """One entry of the corpus.

    Attributes
    ----------
    number : int
    name : str
    plant : callable
        Puts it into a database.
    expects : frozenset of str
        The errors of which reading its key gives one; ``"value"`` where it may give a value; empty where there is no such key.
    is_whole : bool
        It needs a database of its own, for it is about more than its key.
    """

    number: int
    name: str
    plant: Callable[[Place], object]
    expects: frozenset[str]
    is_whole: bool = False


ITEMS: Final[list[Item]] = []

VALUE: Final = "value"


def item(number: int, name: str, *expects: str, whole: bool = False) -> Callable[[Callable[[Place], object]], Callable[[Place], object]]:
    """Put a function that plants something on the list."""

    def note(plant: Callable[[Place], object]) -> Callable[[Place], object]:
        ITEMS.append(Item(number, name, plant, frozenset(expects), whole))
        return plant

    return note


def each(number: int, of: dict[str, Any], *expects: str) -> Callable[[Callable[[Place, Any], object]], None]:
    """Put a function on the list once for each of several things to plant."""

    def note(plant: Callable[[Place, Any], object]) -> None:
        for name, what in of.items():
            ITEMS.append(Item(number, name, lambda place, what=what: plant(place, what), frozenset(expects)))

    return note
