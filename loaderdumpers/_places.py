"""Places inside a container: how they are written in messages, and the names of the folders that hold what lies there."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import Any, Final

#: The way from the whole to a place: (the place before, the step). None is the whole. A step is a key, a number, or an Attribute.
Place = tuple[Any, Any] | None

_MAX_NAME: Final = 60
_UNFIT: Final = re.compile(r"[^\w]+")
#: Names with a meaning for isfdb or Windows.
_TAKEN: Final = frozenset("con prn aux nul deleted reclaimed".split()) | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}


class Attribute(str):
    """A step to an attribute, which is written ``.name``."""

    __slots__ = ()


def steps_to(place: Place) -> list[Any]:
    """Return the steps from the whole to a place."""
    steps = []
    while place is not None:
        place, step = place
        steps.append(step)
    return steps[::-1]


def shown(place: Place) -> str:
    """Write a place as Python would reach it: ``['a'][3].rates``."""
    return "".join([f".{step}" if type(step) is Attribute else f"[{_short(step)}]" for step in steps_to(place)])


def _short(step: Any) -> str:
    text = repr(step) if type(step) in (str, int, float, bool, type(None), bytes) else f"<{type(step).__name__}>"
    return text if len(text) <= 80 else f"{text[:79]}…"


def inside(folder: str, *names: str) -> str:
    """Return a path inside a folder, from names that stand in a file.

    Raises
    ------
    ValueError
        A name leads elsewhere.
    """
    for name in names:
        if name in ("", ".", "..") or not {"/", "\\", "\0"}.isdisjoint(name):
            raise ValueError(f"{name!r} is no name of a file that isfdb writes; Loader.json was changed")
    return os.path.join(folder, *names)


class Names:
    """Gives each place a name for its folder that every file system takes and that no other place has.

    ``['rates']`` becomes ``rates``, ``[0]['traces']`` becomes ``0-traces``; where two come out alike, in any case of letters, the later
    one gets a number.
    """

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._next: dict[str, int] = {}

    def name(self, place: Place) -> str:
        """Return a new name."""
        words = [_UNFIT.sub("_", str(step))[:_MAX_NAME].strip("_") for step in steps_to(place) if type(step) in (str, int, Attribute)]
        text = unicodedata.normalize("NFC", "-".join(words))[:_MAX_NAME].strip("-_") or "part"
        return self.free(text)

    def free(self, name: str) -> str:
        """Return `name`, or the next free one that begins with it."""
        folded = unicodedata.normalize("NFKC", name).casefold()
        candidate, count = name, self._next.get(folded, 1)
        while _fold(candidate) in self._used or _fold(candidate) in _TAKEN:
            count += 1
            candidate = f"{name}-{count}"
        self._next[folded] = count
        self._used.add(_fold(candidate))
        return candidate


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def is_safe(name: Any) -> bool:
    """Say whether a name read from a file is one that :class:`Names` could have given."""
    return type(name) is str and 0 < len(name) <= 2 * _MAX_NAME and not re.search(r"[^\w-]", name) and name[0] != "-"
