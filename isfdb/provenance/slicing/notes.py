"""What one statement was seen to need, to change and to bind; filled in while it is read, by all that reads it."""

from __future__ import annotations

import ast

from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.world import NOTHING, Step, Value, World


class Notes:
    """What is known so far, and what the statement that is being read does to it.

    Attributes
    ----------
    world : World
        What is known after the statements so far.
    steps : list of Step
        The statements so far.
    step : Step
        The statement that is being read.
    bound : set of str
        Names of the session that this statement has bound for certain before the place that is read.
    surely_bound, maybe_bound : set of str
        What it binds for certain, and what perhaps.
    changed : set of int
        Things that it may change.
    touched, set_anew : set of str
        Hidden states that it uses and may change, and those that it sets whatever they were.
    calling : list of int
        The session's functions whose bodies are being read.
    n_calls : int
        How many bodies were read for this statement.
    returned : list of Value
        What each of those functions may return, as far as was read.
    """

    def __init__(self) -> None:
        self.world = World()
        self.steps: list[Step] = []
        self.calling: list[int] = []
        self.returned: list[Value] = []
        self.begin(Step(-1, -1, ast.Pass()))

    def begin(self, step: Step) -> None:
        """Turn to the next statement."""
        self.step, self.n_calls = step, 0
        self.bound: set[str] = set()
        self.surely_bound: set[str] = set()
        self.maybe_bound: set[str] = set()
        self.changed: set[int] = set()
        self.touched: set[str] = set()
        self.set_anew: set[str] = set()

    def widen(self, reason: str) -> None:
        """Give up precision for this statement, and say why."""
        if reason not in self.step.widened:
            self.step.widened.append(reason)

    def need(self, name: str) -> None:
        """Note that the statement sees what a name, or a hidden state, was last set to."""
        if name not in self.bound:
            self.step.needs |= self.world.definers.get(name, NOTHING)

    def touch(self, state: str) -> None:
        """Note that the statement uses and may change a hidden state."""
        if state not in self.set_anew:
            self.need(state)
        self.touched.add(state)

    def set_state(self, state: str) -> None:
        """Note that the statement sets a hidden state, whatever it was."""
        self.set_anew.add(state)

    def use(self, value: Value) -> Value:
        """Note that the statement looks at a value, with all it holds."""
        for one in self.world.reachable(value):
            self.step.needs |= self.world.changers.get(one, NOTHING)
        return value

    def look(self, value: Value) -> Value:
        """Note that the statement looks at a value, but not at what it holds."""
        for one in value:
            self.step.needs |= self.world.changers.get(one, NOTHING)
        return value

    def change(self, value: Value) -> None:
        """Note that the statement may change the things of a value.

        A database is none of them: which version of a key was read is noted when it is read.
        """
        self.look(value)
        for one in value:
            if self.world.things[one].kind not in UNCHANGING | {"database", "function"}:
                self.changed.add(one)

    def change_deeply(self, value: Value) -> None:
        """Note that the statement may change a value and all it holds."""
        self.use(value)
        self.change(frozenset(one for one in self.world.reachable(value) if self.world.things[one].kind != "library"))
