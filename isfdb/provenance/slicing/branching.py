"""Joins what is known after alternatives: what each of them binds or sets for certain, all do for certain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from isfdb.provenance.slicing.names import restore
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def maybe_run(run: Interpreter, act: Callable[[], None], scope: Scope | None) -> None:
    """Follow what may run, or may not."""
    branches(run, [act, lambda: None], scope)


def branches(run: Interpreter, acts: Sequence[Callable[[], None]], scope: Scope | None) -> None:
    """Follow alternatives, of which one runs."""
    bound_before, surely_before, set_before = run.bound, run.surely_bound, run.set_anew
    names_before = dict(scope.names) if scope is not None else dict(run.world.names)
    bound: list[set[str]] = []
    states: list[set[str]] = []
    bindings: list[dict[str, Value]] = []
    run.inner_branches += scope is not None
    for act in acts:
        run.bound, run.surely_bound, run.set_anew = set(bound_before), set(surely_before), set(set_before)
        restore(run, scope, names_before)
        act()
        bound.append(run.surely_bound)
        states.append(run.set_anew)
        bindings.append(scope.names if scope is not None else run.world.names)
    run.inner_branches -= scope is not None
    in_all = set.intersection(*bound)
    run.maybe_bound |= set.union(*bound) - in_all
    run.surely_bound, run.bound = in_all | surely_before, bound_before | in_all
    run.set_anew = set.intersection(*states)
    for state in set.union(*states) - run.set_anew:
        run.touch(state)
    _join(run, scope, names_before, bindings)


def _join(run: Interpreter, scope: Scope | None, before: dict[str, Value], bindings: list[dict[str, Value]]) -> None:
    """Set names to what they may stand for after any of the alternatives."""
    if scope is not None:
        candidates = {name for one in bindings for name in one}
    else:
        candidates = run.surely_bound | run.maybe_bound | {"<plot>"}
        run.world.names = dict(before)
    names = scope.names if scope is not None else run.world.names
    for name in candidates:
        found = [one[name] for one in bindings if name in one]
        if found:
            names[name] = NOTHING.union(*found)
