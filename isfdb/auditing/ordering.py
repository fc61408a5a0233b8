"""In which order values are made again: what others were made from first. It looks at links only."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Thing = TypeVar("Thing", bound=Hashable)


def in_order(things: Sequence[Thing], needed: Mapping[Thing, Iterable[Thing]]) -> list[Thing]:
    """Return the things in an order in which each follows what it needs; otherwise they keep their order.

    Forged records may need each other in a ring. Then the ring is cut where it is met first, and nothing is left out.

    Parameters
    ----------
    things : sequence
        Each once.
    needed : Mapping
        Thing -> the things that come before it; those that are not among `things` do not count.
    """
    known = set(things)
    ordered: dict[Thing, None] = {}
    begun: set[Thing] = set()
    for thing in things:
        # Without recursion: a chain may be longer than Python's stack.
        stack = [(thing, iter(_among(needed.get(thing, ()), known)))] if thing not in begun else []
        begun.add(thing)
        while stack:
            one, rest = stack[-1]
            following = next((other for other in rest if other not in begun), None)
            if following is None:
                ordered[one] = None
                stack.pop()
            else:
                begun.add(following)
                stack.append((following, iter(_among(needed.get(following, ()), known))))
    return list(ordered)


def _among(needed: Iterable[Thing], known: set[Thing]) -> list[Thing]:
    return [one for one in needed if one in known]


def unsound_origins(links: Sequence[str], used: Mapping[str, Sequence[str]], is_unsound: Mapping[str, bool]) -> dict[str, tuple[str, ...]]:
    """Return, for each value, those it was made from, however long ago, that could not be made again.

    Parameters
    ----------
    links : sequence of str
        In dependency order.
    used : Mapping
        Link -> the links it was made from.
    is_unsound : Mapping
        Link -> whether it could not be made again; links that are not in it are not known, and are taken for sound.
    """
    origins: dict[str, tuple[str, ...]] = {}
    for link in links:
        found: dict[str, None] = {}
        for before in used.get(link, ()):
            if is_unsound.get(before):
                found[before] = None
            found |= dict.fromkeys(origins.get(before, ()))
        found.pop(link, None)
        origins[link] = tuple(found)[:MOST_ORIGINS]
    return origins


#: So many are named.
MOST_ORIGINS = 20
