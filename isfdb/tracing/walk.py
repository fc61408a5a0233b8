"""Walks from a value to what it was made from, and to what was made from it: ``isfdb.lineage``. It reads records, never a value."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from isfdb.errors import OptionError
from isfdb.keys import split_key
from isfdb.opening import check_open
from isfdb.provenance.records import UsedFile, UsedValue
from isfdb.tracing.graph import GraphBuilder
from isfdb.tracing.nodes import Activities, file_node, value_node
from isfdb.tracing.places import Address, Lost, Places, Stored, forebears
from isfdb.tracing.reverse import Reverse
from isfdb.tracing.shown import Lineage
from isfdb.tracing.stale import Changes, mark
from isfdb.tracing.surroundings import Surroundings
from isfdb.versions import pick

if TYPE_CHECKING:
    from isfdb.database import Database
    from isfdb.place import Key

DIRECTIONS: Final = ("upstream", "downstream", "both")

#: No graph gets larger; what is left out is said.
MOST_NODES: Final = 200_000


def lineage(
    db: Database,
    key: Key,
    *,
    direction: str = "upstream",
    depth: int | None = None,
    version: Any = None,
    git: bool = False,
) -> Lineage:
    """Find out what a stored value was made from, or what was made from it.

    No value is read. What is not known, because a database is not reachable, say, is a node that says so.

    Parameters
    ----------
    key : str or tuple of str
    direction : str
        ``"upstream"``: to values, files, repositories and environments. ``"downstream"``: to the keys, in this and every other
        registered database, whose newest version was made from it. ``"both"``.
    depth : int, optional
        How many stored values to follow one after the other; default: all.
    version : int, str or date, optional
        As for :meth:`Database.get`; default: the newest. Downstream, the default is what was made from any version of the key.
    git : bool
        Ask git whether the code that was used differs now. Otherwise commits are compared, which takes no process.

    Returns
    -------
    Lineage

    Raises
    ------
    KeyNotFoundError, VersionNotFoundError, KeyKindError, OptionError
    """
    check_open(db, "lineage(isfdb.open(path, mode='r'), key)")
    if direction not in DIRECTIONS:
        raise OptionError(f"direction={direction!r} is none of {', '.join(map(repr, DIRECTIONS))}.", direction=direction)
    if depth is not None and (type(depth) is not int or depth < 1):
        raise OptionError(f"depth={depth!r} is no number from 1.", depth=depth)
    places = Places(db)
    start = places.look(_meant(db, key, version))
    walk = Walk(places, depth)
    walk.upstream([start] if direction != "downstream" else [], start)
    if direction != "upstream":
        walk.downstream(start, every_version=version is None)
    return Lineage(mark(walk.builder.finish(start.address.link), walk.found, Changes(places, walk.surroundings, git=git)), direction)


def _meant(db: Database, key: Key, version: Any) -> Address:
    """Return the address of the value that is asked for."""
    names = split_key(key)
    if version is None:
        number = db.entry(names).newest.number
    else:
        numbers = [one.number for one in db.versions(names)]
        number = pick(db._storage, db._key_folder(names), numbers, version, "/".join(names))
    return Address(db.root.id, "/".join([*([db.prefix] if db.prefix else []), *names]), number)


class Walk:
    """One walk: what it has found, and the graph that grows.

    Attributes
    ----------
    found : dict of str to Stored
        The versions that were reached, by link.
    """

    def __init__(self, places: Places, depth: int | None, *, most_nodes: int = MOST_NODES) -> None:
        self.builder = GraphBuilder(most_nodes)
        self.surroundings = Surroundings()
        self.found: dict[str, Stored] = {}
        self._places = places
        self._depth = depth
        self._activities = Activities()
        self._makers: dict[str, str] = {}

    def upstream(self, starts: Iterable[Stored | Lost], first: Stored | Lost) -> None:
        """Add all that the values were made from."""
        self._value(first)
        waiting = deque([(one, 0) for one in starts])
        seen = {one.address for one, _ in waiting}
        while waiting:
            value, steps = waiting.popleft()
            if not self._value(value) or isinstance(value, Lost):
                continue
            if self._depth is not None and steps >= self._depth:
                continue
            for before in self._causes(value):
                if before.address not in seen:
                    seen.add(before.address)
                    waiting.append((before, steps + 1))

    def _causes(self, value: Stored) -> Iterator[Stored | Lost]:
        """Add what a version was made from; give the stored values among that."""
        name = value.address.link
        maker = self._maker(value)
        for node in self.surroundings.nodes(value.storage, value.record) if maker != name else ():
            if self.builder.add(node):
                self.builder.link("wasAssociatedWith", maker, node.id)
        relation = "used" if maker != name else "wasDerivedFrom"
        for used in value.used:
            if isinstance(used, UsedFile):
                node = file_node(used)
                self.builder.add(node)
                self.builder.link(relation, maker, node.id)
            else:
                before = self._before(used)
                self._value(before)
                self.builder.link(relation, maker, before.address.link)
                yield before
        for relation, link in forebears(value):
            before = self._places.find(link)
            self._value(before)
            self.builder.link(relation, name, before.address.link)
            yield before

    def _before(self, used: UsedValue) -> Stored | Lost:
        """Return what a record names, unless something else has taken its place since."""
        before = self._places.find(used.link)
        if isinstance(before, Stored) and used.digest and before.record.get("digest") not in (None, used.digest):
            return Lost(before.address, "another value is stored there now: the database was replaced, or restored from a copy")
        return before

    def _maker(self, value: Stored) -> str:
        """Add the activity that made a version and return its name; that of the version itself where it is not known."""
        name = value.address.link
        if name not in self._makers:
            activity = self._activities.node(value)
            is_known = activity is not None and self.builder.add(activity)
            self._makers[name] = activity.id if activity is not None and is_known else name
            if is_known:
                self.builder.link("wasGeneratedBy", name, self._makers[name])
        return self._makers[name]

    def _value(self, value: Stored | Lost) -> bool:
        """Add a stored value; False where there is no room for it."""
        name = value.address.link
        if name in self.builder.nodes:
            return True
        if isinstance(value, Stored):
            self.found[name] = value
        return self.builder.add(value_node(value, self._places))

    def downstream(self, start: Stored | Lost, *, every_version: bool) -> None:
        """Add all that was made from a value; from any version of its key, where no particular one is meant."""
        reverse = Reverse(self._places)
        self.builder.notes += reverse.notes
        waiting = deque([(start, 0, every_version)])
        seen = {start.address}
        while waiting:
            value, steps, every = waiting.popleft()
            if self._depth is not None and steps >= self._depth:
                continue
            for version, made in reverse.made_from(value.address, every_version=every):
                self._effect(value, version, made)
                if made.address not in seen:
                    seen.add(made.address)
                    waiting.append((made, steps + 1, True))

    def _effect(self, value: Stored | Lost, version: int, made: Stored | Lost) -> None:
        """Add that `made` was made from a version of the key of `value`."""
        source = value if version == value.address.version else self._places.look(replace(value.address, version=version))
        self._value(source)
        if source is not value:
            self.builder.link("wasRevisionOf", value.address.link, source.address.link)
        self._value(made)
        maker = self._maker(made) if isinstance(made, Stored) else made.address.link
        self.builder.link("used" if maker != made.address.link else "wasDerivedFrom", maker, source.address.link)
