"""Which of many names may have been meant by one that does not exist. Pure text: knows nothing of keys, databases or verbs."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from typing import Final

#: Names compared letter by letter, at most: some milliseconds.
_COMPARED: Final = 300


def nearest(word: str, names: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """Return the names that `word` may have been meant to be, the nearest first; none where none is near."""
    import difflib  # takes as long to import as a small command takes to run

    known = names if isinstance(names, Sequence) else list(names)
    found = difflib.get_close_matches(word, _alike(word, known), n=most, cutoff=0.6)
    if not found and len(word) > 2:
        found = sorted([name for name in known if word in name], key=len)[:most]
    return tuple(found)


def _alike(word: str, names: Sequence[str]) -> list[str]:
    """Return the names worth comparing letter by letter: those of about that length, and of very many those that begin alike."""
    shortest, longest = len(word) - 2 - len(word) // 4, len(word) + 2 + len(word) // 4
    found = [name for name in names if shortest <= len(name) <= longest]
    if len(found) > _COMPARED:  # neighbours in the alphabet begin alike
        found.sort()
        place = bisect.bisect(found, word)
        found = found[max(place - _COMPARED // 2, 0) :]
    return found[:_COMPARED]


def hint(found: Sequence[str]) -> str:
    """Return the end of a message: what may have been meant; nothing where nothing is near."""
    return f" Did you mean {' or '.join([repr(name) for name in found])}?" if found else ""
