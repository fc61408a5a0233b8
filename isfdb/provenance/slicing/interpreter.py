"""Reads one executed statement after the other and notes, for each, which earlier ones it needs. Runs nothing.

It follows names, aliases, views, what containers hold, and calls of the session's own functions, whose bodies are read with what they
are given. Where it cannot tell, it takes a statement to need and to change too much rather than too little.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from isfdb.provenance.slicing.calls import call, called_thing
from isfdb.provenance.slicing.expressions import EXPRESSIONS
from isfdb.provenance.slicing.names import STAR, bind
from isfdb.provenance.slicing.notes import Notes
from isfdb.provenance.slicing.statements import STATEMENTS
from isfdb.provenance.slicing.world import NOTHING, Scope, Step, Value


class Interpreter(Notes):
    """Follows a session, statement by statement."""

    def execute(self, node: ast.stmt, cell: int, *, count: int | None = None, is_last: bool = False, may_have_failed: bool = False) -> Step:
        """Follow one statement that ran at the top level of a cell.

        Parameters
        ----------
        cell : int
            Place of the cell in the session.
        count : int, optional
            IPython's execution count, under which the value of a last expression can be had again.
        is_last : bool
            The statement is its cell's last.
        may_have_failed : bool
            It may have stopped half way.
        """
        step = Step(len(self.steps), cell, node, may_have_failed=may_have_failed)
        self.steps.append(step)
        self.begin(step)
        value = self.statement(node, None, certain=not may_have_failed)
        if is_last and isinstance(node, ast.Expr) and value is not None:
            self._remember_output(value, count)
        self._settle(step)
        return step

    def _remember_output(self, value: Value, count: int | None) -> None:
        """Bind what IPython binds to the value of a cell's last expression, unless that is None: then what was before stays."""
        for name in (f"_{count}", f"Out[{count}]"):
            bind(self, name, value, None, certain=True)
        previous = self.world.names.get("_", NOTHING)
        self.world.names["__"] = previous | self.world.names.get("__", NOTHING)
        for name in ("_", "__"):
            self.maybe_bound.add(name)
        self.world.names["_"] = value | previous

    def _settle(self, step: Step) -> None:
        """Write down that this step, from now on, is what others see the effect of."""
        world, number = self.world, step.number
        for name in self.surely_bound - self.maybe_bound:
            world.definers[name] = {number}
        for name in self.maybe_bound:
            world.definers.setdefault(name, set()).add(number)
        for thing in self.changed:
            world.changers[thing] = {number}
        for state in self.touched - self.set_anew:
            world.definers[state] = {number}
        for state in self.set_anew:
            world.definers[state] = {number}
        step.needs.discard(number)
        if step.widened:
            step.needs |= set(range(number))
            for name in [*world.names, STAR]:
                world.definers.setdefault(name, set()).add(number)
            for one in range(len(world.things)):
                world.changers.setdefault(one, set()).add(number)

    def block(self, body: Sequence[ast.stmt], scope: Scope | None, *, certain: bool) -> None:
        """Follow statements one after the other."""
        for node in body:
            self.statement(node, scope, certain=certain)

    def statement(self, node: ast.stmt, scope: Scope | None, *, certain: bool) -> Value | None:
        """Follow one statement, of the session or of a body."""
        follow = STATEMENTS.get(type(node).__name__)
        if follow is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.use(self.value(child, scope))
            return None
        found: Value | None = follow(self, node, scope, certain)
        return found

    def value(self, node: ast.expr, scope: Scope | None, *, is_statement: bool = False) -> Value:
        """Return what an expression may stand for, having noted what evaluating it needs and changes."""
        if isinstance(node, ast.Call):
            return call(self, node, scope, is_statement=is_statement)
        follow = EXPRESSIONS.get(type(node).__name__)
        if follow is not None:
            found: Value = follow(self, node, scope)
            return found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.use(self.value(child, scope))
        return self.world.new()

    def called(
        self,
        callee: Value,
        arguments: Sequence[Value],
        named: dict[str, Value],
        scope: Scope | None,
        node: ast.Call | None = None,
        *,
        is_statement: bool = False,
    ) -> Value:
        """Return what calling a value may give, having noted what the call needs and changes."""
        found: Value = NOTHING
        for one in sorted(callee):
            found |= called_thing(self, one, arguments, named, scope, node, is_statement)
        if not callee:
            found |= called_thing(self, None, arguments, named, scope, node, is_statement)
        return found
