"""Reads one executed statement after the other and notes, for each, which earlier ones it needs. Runs nothing.

It follows names, aliases, views, what containers hold, and calls of the session's own functions, whose bodies are read with what they
are given. Where it cannot tell, it takes a statement to need and to change too much rather than too little.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Sequence
from typing import Final

from isfdb.provenance.slicing.call_arguments import Given
from isfdb.provenance.slicing.calls import call, called_thing, called_unknown
from isfdb.provenance.slicing.expressions import EXPRESSIONS
from isfdb.provenance.slicing.methods import called_method
from isfdb.provenance.slicing.notes import Notes
from isfdb.provenance.slicing.statements import STATEMENTS
from isfdb.provenance.slicing.world import NOTHING, Scope, Step, Value

_LOG = logging.getLogger(__name__)
#: Kinds of values that are surely not None, so that IPython binds ``_`` to them.
_NEVER_NONE: Final = frozenset("number text bytes list dict set tuple array table path instance function class".split())
_JUMPS: Final = (ast.Return, ast.Break, ast.Continue, ast.Raise)


#: So many things and expressions are looked at for one statement: less than a tenth of a second.
MAX_WORK: Final = 50_000


class _TooMuchError(Exception):
    """Following a statement would take too long. Never reaches a user: the statement is taken to do anything."""


class Interpreter(Notes):
    """Follows a session, statement by statement."""

    most_work = 0

    def execute(
        self,
        node: ast.stmt,
        cell: int,
        *,
        count: int | None = None,
        is_last: bool = False,
        may_have_failed: bool = False,
    ) -> Step:
        """Follow one statement that ran at the top level of a cell.

        Parameters
        ----------
        cell : int
            Place of the cell in the session.
        count : int, optional
            IPython's execution count, under which the value of a last expression can be had again.
        is_last : bool
            The statement is its cell's last, and shows what it gives.
        may_have_failed : bool
            It may have stopped half way.
        """
        step = Step(len(self.steps), cell, node, may_have_failed=may_have_failed)
        self._need_what_may_have_failed(step)
        self.steps.append(step)
        self.begin(step)
        self.weak = int(may_have_failed)
        value = self._followed(node)
        if is_last and isinstance(node, ast.Expr) and value is not None and not may_have_failed:
            self._remember_output(value, count)
        self._settle(step)
        return step

    def _followed(self, node: ast.stmt) -> Value | None:
        """Follow a statement of the session; one that cannot be followed may do anything."""
        self.most_work = self.world.work + MAX_WORK
        try:
            return self.statement(node, None)
        except _TooMuchError:
            self.widen("there is too much in it to follow")
        except RecursionError:
            self.widen("it is nested too deep to be read")
        except Exception as error:  # noqa: BLE001 - a fault of ours must cost no more than precision
            _LOG.warning("could not follow a statement of type %s", type(node).__name__, exc_info=True)
            self.widen(f"reading it failed ({type(error).__name__})")
        self.calling.clear()  # it was left in the midst of calls
        self.returned.clear()
        return None

    def _need_what_may_have_failed(self, step: Step) -> None:
        """Where nobody knows which statement of a cell failed, none of them stands without those before it: one stopped all others."""
        for before in reversed(self.steps):
            if before.cell != step.cell or not (before.may_have_failed and step.may_have_failed):
                break
            step.needs.add(before.number)

    def _remember_output(self, value: Value, count: int | None) -> None:
        """Bind what IPython binds to the value of a cell's last expression, unless that is None: then what was before stays."""
        world, kinds = self.world, self.world.kinds(value)
        if kinds == {"none"}:
            return
        if count is not None:
            name = f"_{count}"
            world.names[name] = value
            self.surely_bound.add(name)
        if world.own_underscore:
            return
        is_certain = kinds <= _NEVER_NONE
        for name, before in (("___", "__"), ("__", "_")):
            world.names[name] = world.names.get(before, NOTHING) | (NOTHING if is_certain else world.names.get(name, NOTHING))
            world.definers[name] = world.definers.get(before, set()) | (set() if is_certain else world.definers.get(name, set()))
            self.maybe_bound.add(name)
        world.names["_"] = value if is_certain else value | world.names.get("_", NOTHING)
        (self.surely_bound if is_certain else self.maybe_bound).add("_")

    def _settle(self, step: Step) -> None:
        """Write down that this step, from now on, is what others see the effect of."""
        world, number = self.world, step.number
        for name in self.surely_bound - self.maybe_bound:
            world.definers[name] = {number}
        for name in self.maybe_bound:
            world.definers[name] = world.definers_of(name) | {number}
        for name in self.deleted - self.maybe_bound - self.surely_bound:
            world.definers.pop(name, None)
        for thing in self.changed:
            world.changers[thing] = {number}
        for state in self.touched | self.set_anew:
            world.definers[state] = {number}
        step.needs.discard(number)
        if step.widened:
            step.needs |= set(range(max(world.barrier, 0), number))
            world.barrier = number

    def block(self, body: Sequence[ast.stmt], scope: Scope | None) -> None:
        """Follow statements one after the other; what stands behind one that may jump away is not certain to run."""
        weak = self.weak
        for node in body:
            self.statement(node, scope)
            if _may_jump(node):
                self.weak += 1
        self.weak = weak

    def statement(self, node: ast.stmt, scope: Scope | None) -> Value | None:
        """Follow one statement, of the session or of a body."""
        follow = STATEMENTS.get(type(node).__name__)
        if follow is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.use(self.value(child, scope))
            return None
        found: Value | None = follow(self, node, scope)
        return found

    def value(self, node: ast.expr, scope: Scope | None, *, is_statement: bool = False) -> Value:
        """Return what an expression may stand for, having noted what evaluating it needs and changes."""
        self.world.work += 1
        if self.world.work > self.most_work:
            raise _TooMuchError
        if isinstance(node, ast.Call):
            return call(self, node, scope, is_statement=is_statement)
        follow = EXPRESSIONS.get(type(node).__name__)
        if follow is not None:
            found: Value = follow(self, node, scope)
            return found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.use(self.value(child, scope))
        return self.world.new("foreign")

    def called(self, callee: Value, given: Given | None = None) -> Value:
        """Return what calling a value may give, having noted what the call needs and changes."""
        given = given or Given()
        if not callee:
            return called_unknown(self, NOTHING, given)
        if callee == {self.world.anything}:
            self.widen("it calls a function that code nobody can read has made")
        self.weak += len(callee) > 1
        found = NOTHING.union(*[called_thing(self, one, given) for one in sorted(callee)])
        self.weak -= len(callee) > 1
        return found

    def called_method(self, owner: Value, name: str, given: Given) -> Value:
        """Return what calling a method may give."""
        return called_method(self, owner, name, given)


def _may_jump(node: ast.stmt) -> bool:
    """Say whether a statement may leave the block around it, on one of its ways."""
    known: bool | None = getattr(node, "may_jump", None)
    if known is None:
        known = isinstance(node, (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.AsyncFor, ast.AsyncWith)) and any(
            isinstance(part, _JUMPS) for part in ast.walk(node)
        )
        node.may_jump = known  # type: ignore[attr-defined]  # kept where it belongs
    return known
