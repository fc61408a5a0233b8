"""Which values would come out different now: made from versions, files or code that have changed since, or from such a value.

Each file, each repository and each input is looked at once, however many values name it. What cannot be looked at is not called stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from isfdb.provenance.records import UsedFile, UsedValue
from isfdb.tracing.code_changes import CodeChanges
from isfdb.tracing.file_changes import FileChanges
from isfdb.tracing.graph import Graph, Node
from isfdb.tracing.nodes import file_node
from isfdb.tracing.places import Address, Lost, Places, Stored, forebears
from isfdb.tracing.reverse import newest_versions
from isfdb.tracing.surroundings import Surroundings, local_modules_of, module_node, repositories_of, repository_node

if TYPE_CHECKING:
    from isfdb.database import Database

#: Reasons that one value hands on to what was made from it: the first few tell enough.
_MOST_REASONS = 5


@dataclass(frozen=True)
class Reason:
    """Why a value is stale.

    Attributes
    ----------
    because : str
        What changed.
    path : tuple of str
        The values between, nearest first: each was made from the next, and the last from what changed.
    """

    because: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "".join([f"made from {one}, " for one in self.path]) + (f"for which {self.because}" if self.path else self.because)

    def to_json(self) -> dict[str, Any]:
        """Return the reason as plain values."""
        return {"because": self.because, "path": list(self.path)}


def stale_keys(db: Database, keys: Iterable[str] | None = None, *, git: bool = False) -> dict[str, tuple[Reason, ...]]:
    """Return the keys whose newest version would come out different now, with the reasons.

    Parameters
    ----------
    keys : iterable of str, optional
        Only these, as ``db.keys(recurse=True)`` names them; default: all of this database or sub-database.
    git : bool
        Ask git whether the code that was used differs now. Otherwise commits are compared.
    """
    places = Places(db)
    changes = Changes(places, Surroundings(), git=git)
    prefix = f"{db.prefix}/" if db.prefix else ""
    wanted = None if keys is None else set(keys)
    found: dict[str, tuple[Reason, ...]] = {}
    everything = list(newest_versions(db.root))
    for one in everything:
        places.remember(one)  # most inputs are among them
    for one in everything:
        key = one.address.key.removeprefix(prefix)
        if not one.address.key.startswith(prefix) or (wanted is not None and key not in wanted):
            continue
        if reasons := changes.reasons(one):
            found[key] = reasons
    return found


class Changes:
    """What has changed since values were made; everything is looked at once.

    Parameters
    ----------
    places : Places
    surroundings : Surroundings
    git : bool
        Ask git what differs, where a value was made with code from a repository.
    """

    def __init__(self, places: Places, surroundings: Surroundings, *, git: bool) -> None:
        self._places = places
        self._surroundings = surroundings
        self._files = FileChanges()
        self._code = CodeChanges(ask_git=git)
        self._known: dict[Address, tuple[Reason, ...]] = {}
        self.of_nodes: dict[str, str] = {}

    def reasons(self, value: Stored) -> tuple[Reason, ...]:
        """Return why a version would come out different now; nothing where no reason is known."""
        waiting: list[Stored] = [value]
        entered: set[Address] = set()  # a chain of ten thousand values must not recurse, and a forged circle must end
        while waiting:
            one = waiting[-1]
            if one.address in self._known:
                waiting.pop()
                continue
            before = [found for link in _links(one) if isinstance(found := self._places.find(link), Stored)]
            missing = [found for found in before if found.address not in self._known and found.address not in entered]
            if one.address not in entered and missing:
                entered.add(one.address)
                waiting += missing
                continue
            entered.add(one.address)
            self._known[one.address] = self._judge(one, before)
            waiting.pop()
        return self._known[value.address]

    def _judge(self, value: Stored, before: list[Stored]) -> tuple[Reason, ...]:
        found = [Reason(because) for because in self.own_reasons(value)]
        for one in before:
            found += [replace(reason, path=(one.address.label, *reason.path)) for reason in self._known.get(one.address, ())]
        nearest: dict[str, Reason] = {}
        for reason in sorted(found, key=lambda one: len(one.path)):
            nearest.setdefault(reason.because, reason)
        return tuple(nearest.values())[:_MOST_REASONS]

    def own_reasons(self, value: Stored) -> list[str]:
        """Return what changed of what the version itself was made from; whether that is stale in its turn does not count."""
        by = value.record.get("by")
        host = by.get("host") if isinstance(by, dict) else None
        found = []
        for used in value.used:
            if isinstance(used, UsedFile):
                changed = self._note(file_node(used).id, self._files.change(used, host))
                found += [f"the file {used.path} {changed}"] if changed else []
            else:
                before = self._places.find(used.link)
                if (before.address.database, before.address.key) == (value.address.database, value.address.key):
                    continue  # a key that is counted up is newer than what it was made from, and not stale for that
                changed = self._note(before.address.link, _superseded(before))
                found += [f"{before.address.label} {changed}"] if changed else []
        return found + self._code_of(value)

    def _code_of(self, value: Stored) -> list[str]:
        snapshot = self._surroundings.snapshot(value.storage, value.record)
        found = []
        for repository in repositories_of(snapshot):
            node = repository_node(repository)
            changed = self._note(node.id, self._code.of_repository(repository, value.storage))
            found += [f"the code in {node.label} {changed}"] if changed else []
        for module in local_modules_of(snapshot):
            changed = self._note(module_node(module).id, self._code.of_module(module))
            found += [f"the module {module.get('name')} {changed}"] if changed else []
        return found

    def _note(self, node: str, changed: str) -> str:
        if changed:
            self.of_nodes[node] = changed
        return changed


def _links(value: Stored) -> list[str]:
    """Return the stored values that a version was made from, or grew from: if one is stale, so is the version."""
    used = [one.link for one in value.used if isinstance(one, UsedValue)]
    return used + [link for relation, link in forebears(value) if relation == "wasRevisionOf"]


def _superseded(before: Stored | Lost) -> str:
    """Say what became of a value that was used: a newer version with other content, or a deletion."""
    if isinstance(before, Lost):
        return ""
    newest = before.newest
    if newest.is_tombstone and before.state.number != newest.number:
        return "was deleted since"
    if newest.number == before.state.number or newest.record.get("digest") == before.record.get("digest"):
        return ""
    return f"has a newer version, {newest.number}"


def mark(graph: Graph, found: Mapping[str, Stored], changes: Changes) -> Graph:
    """Return the graph with what has changed, and what is stale for that, marked."""
    stale = {name: tuple(map(str, changes.reasons(value))) for name, value in found.items() if name in graph.nodes}

    def marked(node: Node) -> Node:
        changed, reasons = changes.of_nodes.get(node.id, ""), stale.get(node.id, ())
        return replace(node, changed=changed, stale=reasons) if changed or reasons else node

    return replace(graph, nodes={name: marked(node) for name, node in graph.nodes.items()})
