"""Which statements of earlier cells the code of a cell would need if it ran now. Nothing is run; the session's own record stays as it is.

A cell whose value is cached counts for its value only: whoever uses the value depends on what is stored, not on how it came to be.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from isfdb.provenance.activities import ran_before
from isfdb.provenance.cached_cells import LOADED, CachedCell, cached_cell_of, digest_of_code, digest_of_texts, earlier_but_not
from isfdb.provenance.cells import Ran
from isfdb.provenance.explanation import databases_of, executed_of
from isfdb.provenance.slicing.database_uses import is_opening
from isfdb.provenance.slicing.slicer import Executed, History
from isfdb.provenance.slicing.world import Step

_VALUE_OF: Final = "__isfdb_value_of__"


@dataclass(frozen=True)
class Needed:
    """One statement of an earlier cell.

    Attributes
    ----------
    digest : str
        Of what it means; for the value of a cached cell, of that value.
    text : str
    """

    digest: str
    text: str


@dataclass(frozen=True)
class Dependencies:
    """What the code of a cell needs.

    Attributes
    ----------
    digest : str
        Of the statements and of which of them needs which. The order of those that have nothing to do with each other does not count.
    earlier : tuple of Needed
        In the order in which they ran.
    widened : tuple of str
        Why these may be more than must be.
    """

    digest: str
    earlier: tuple[Needed, ...]
    widened: tuple[str, ...]


def dependencies_of(ran: Ran, code: str, key: str) -> Dependencies:
    """Return what a cell that begins to run would need.

    Parameters
    ----------
    ran : Ran
        The cell.
    code : str
        What it would run; the last assignment is what it is asked about.
    key : str
        Link of the key under which its value is stored: what it did at earlier runs counts no more than its value.
    """
    history = History()
    openings = databases_of(ran)[0]
    history.know_databases(openings)
    values: dict[int, CachedCell] = {}  # place -> the cell that gave its value there
    for one in earlier_but_not(ran, ran_before(ran)):
        for executed, cached in _as_compared(one, key):
            if cached is not None:
                values[len(history.cells)] = cached
            history.add(executed)
    place = history.begin(Executed(code))
    history.advance(place, None)
    own = [step for step in history.steps if step.cell == place]
    target = next((step for step in reversed(own) if isinstance(step.node, ast.Assign)), own[-1])
    steps = [step for step in history.slice([target.number]) if not is_opening(step.node)]
    needed = {step.number: _needed(history, step, values.get(step.cell)) for step in steps if step.cell != place}
    widened = dict.fromkeys([reason for step in steps for reason in step.widened])
    read: set[str] = set()
    databases = _databases(openings, read.union(*[_loaded(history, step, is_target=step is target) for step in steps]))
    digest = digest_of_texts([_digest_of_graph(history, steps, needed), *[one.digest for one in databases]])
    return Dependencies(digest, (*needed.values(), *databases), tuple(widened))


def _loaded(history: History, step: Step, *, is_target: bool) -> Collection[str]:
    """Return the names that a statement reads; where the value goes is no part of what makes it."""
    if is_target and isinstance(step.node, ast.Assign):
        return {node.id for node in ast.walk(step.node.value) if isinstance(node, ast.Name)}
    return history.facts(step).loaded


def _databases(openings: Mapping[str, str], names: set[str]) -> list[Needed]:
    """Return the databases that are read: however they are opened, another one is another input."""
    texts = [f"{name} = {openings[name]}" for name in sorted(names.intersection(openings))]
    return [Needed(digest_of_texts([text]), text) for text in texts]


def _as_compared(ran: Ran, key: str) -> Sequence[tuple[Executed, CachedCell | None]]:
    """Return what counts of an earlier cell: of a cached one its value, and what else it bound when it ran for another key."""
    executed, cached = executed_of(ran), cached_cell_of(ran.facts)
    if cached is None:
        return [(executed, None)]
    shown = f"\n{cached.name}" if executed.source.endswith(f"\n{cached.name}") else ""
    value = (replace(executed, source=f"{cached.name} = {_VALUE_OF}{shown}", outcome="ok", error_line=None), cached)
    if not cached.digest:  # it failed
        return [] if cached.key == key else [(executed, None)]
    return [value] if cached.did == LOADED or cached.key == key else [(executed, None), value]


def _digest_of_graph(history: History, steps: Sequence[Step], needed: Mapping[int, Needed]) -> str:
    """Return a digest of the last of some steps with all that it needs; the cell's own code counts elsewhere."""
    digests: dict[int, str] = {}
    for place, step in enumerate(steps[::-1]):
        digests[step.number] = f"own {place}"
    for step in steps:
        needs = [number for number in sorted(step.needs) if number in digests]
        itself = needed[step.number].digest if step.number in needed else digests[step.number]
        before = sorted(digests[number] for number in needs)
        digests[step.number] = digest_of_texts([itself, *before, *_in_order(history, needs, digests)])
    return digests[steps[-1].number] if steps else ""


def _in_order(history: History, needs: Sequence[int], digests: Mapping[int, str]) -> list[str]:
    """Return the statements that may all have bound one name, in their order: the last one counts most."""
    binders: dict[str, list[str]] = {}
    for number in needs:
        for name in history.facts(history.steps[number]).bound:
            binders.setdefault(name, []).append(digests[number])
    return [" ".join([name, *found]) for name, found in sorted(binders.items()) if len(found) > 1]


def _needed(history: History, step: Step, cached: CachedCell | None) -> Needed:
    if cached is None:
        return Needed(digest_of_code([step.node]), history.facts(step).text)
    return Needed(digest_of_code([step.node], f"{cached.key} {cached.digest}"), f"the value of {cached.key.rpartition('/')[2]}")
