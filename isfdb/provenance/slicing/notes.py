"""What one statement was seen to need, to change and to bind; filled in while it is read, by all that reads it."""

from __future__ import annotations

import ast

from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.world import Scope, Step, Value, World

#: All files whose name cannot be read from the code; a file with a name has a state of its own besides. Folders likewise.
FILES = "<files>"
FOLDERS = "<folders>"


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
    weak : int
        Above 0: what is being read may not have run.
    inner_branches, loops : int
        How many branches of functions, and loops, are around what is being read.
    bound : set of str
        Names of the session that this statement has bound for certain before the place that is read.
    surely_bound, maybe_bound, deleted : set of str
        What it binds for certain, what perhaps, and what it deletes for certain.
    changed : set of int
        Things that it may change.
    touched, set_anew : set of str
        Hidden states that it uses and may change, and those that it sets whatever they were.
    calling, running : list of int, set of int
        The session's functions whose bodies are being read; and what runs later and is being read.
    n_calls : int
        How many bodies were read for this statement.
    returned : list of Value
        What each of those functions may return, as far as was read.
    """

    def __init__(self) -> None:
        self.world = World()
        self.steps: list[Step] = []
        self.begin(Step(-1, -1, ast.Pass()))

    def begin(self, step: Step) -> None:
        """Turn to the next statement."""
        self.step, self.n_calls, self.weak, self.inner_branches, self.loops = step, 0, 0, 0, 0
        self.world.now = step.number
        self.calling: list[int] = []
        self.running: set[int] = set()
        self.returned: list[Value] = []
        self.bound: set[str] = set()
        self.surely_bound: set[str] = set()
        self.maybe_bound: set[str] = set()
        self.deleted: set[str] = set()
        self.changed: set[int] = set()
        self.touched: set[str] = set()
        self.set_anew: set[str] = set()

    def widen(self, reason: str) -> None:
        """Give up precision for this statement, and say why."""
        if reason not in self.step.widened:
            self.step.widened.append(reason)

    # Names and hidden states ------------------------------------------------------------------------------------------------------------

    def need(self, name: str) -> None:
        """Note that the statement sees what a name, or a hidden state, was last set to."""
        if name not in self.bound:
            self.step.needs |= self.world.definers_of(name)

    def see(self, state: str) -> None:
        """Note that the statement uses a hidden state."""
        self.step.touched.add(_family(state))
        if state not in self.set_anew:
            self.need(state)

    def touch(self, state: str) -> None:
        """Note that the statement uses and may change a hidden state."""
        self.see(state)
        self.touched.add(state)

    def set_state(self, state: str) -> None:
        """Note that the statement sets a hidden state, whatever it was."""
        if self.weak:
            self.touch(state)
        else:
            self.step.touched.add(_family(state))
            self.set_anew.add(state)

    def see_named(self, family: str, name: str | None) -> None:
        """Note the use of one of many alike, as files or environment variables; of any of them where the name is not known."""
        states = [family + name] if name is not None else [one for one in self.world.definers if one.startswith(family)]
        for state in [family, *states]:
            self.see(state)

    def touch_named(self, family: str, name: str | None) -> None:
        """Note that the statement may change one of many alike; or any of them where the name is not known."""
        self.see_named(family, name)
        self.touched |= {family + name} if name is not None else {family, *[one for one in self.world.definers if one.startswith(family)]}

    def see_file(self, path: str | None) -> None:
        """Note that the statement reads a file, or looks whether it is there."""
        self.see("<working directory>")
        folder, name = _parts_of(path)
        if folder or path is None:
            self.see_named(FOLDERS, None)
        self.see_named(FILES, name)

    def touch_file(self, path: str | None, *, whole: bool = False) -> None:
        """Note that the statement may write a file; a `whole` one is as if it had not been before."""
        self.see("<working directory>")
        folder, name = _parts_of(path)
        if folder or path is None:
            self.see_named(FOLDERS, None)
        if path is None or name is None:
            self.touch_named(FILES, None)
            return
        written = self.world.paths.setdefault(FILES + name, set())
        if whole and written <= {path} and not self.world.definers.get("<working directory>") and not self.world.definers.get(FILES):
            self.set_state(FILES + name)
        else:
            self.touch_named(FILES, name)
        written.add(path)

    # Things -----------------------------------------------------------------------------------------------------------------------------

    def use(self, value: Value) -> Value:
        """Note that the statement looks at a value, with all it holds."""
        if any(self.world.things[one].name == "os.environ" for one in value):
            self.see_named("<environ>", None)
        self.step.needs |= self.world.changers_of(self.world.reachable(value))
        return value

    def look(self, value: Value) -> Value:
        """Note that the statement looks at a value, but not at what it holds."""
        self.step.needs |= self.world.changers_of(value)
        return value

    def change(self, value: Value) -> None:
        """Note that the statement may change the things of a value.

        A database is none of them: which version of a key was read is noted when it is read.
        """
        self.look(value)
        for one in value:
            thing = self.world.things[one]
            if thing.kind not in UNCHANGING and thing.kind not in ("database", "function"):
                self.changed.add(one)
                if thing.writes:
                    self.touch_file(thing.name or None)

    def change_deeply(self, value: Value) -> None:
        """Note that the statement may change a value and all it holds."""
        self.use(value)
        things = self.world.things
        self.change(frozenset(one for one in self.world.reachable(value) if things[one].kind not in ("library", "class", "method")))

    def change_scope(self, scope: Scope) -> None:
        """Note that an inner function binds a variable of the function around it."""
        if scope.cell is None:
            (scope.cell,) = self.world.new("foreign")
        self.change(frozenset((scope.cell,)))

    def look_at_scope(self, scope: Scope) -> None:
        """Note that a variable of a function is read."""
        if scope.cell is not None:
            self.look(frozenset((scope.cell,)))


def _family(state: str) -> str:
    return state[: state.index(">") + 1] if ">" in state else state


def _parts_of(path: str | None) -> tuple[str, str | None]:
    """Return folder and name of a path; None as the name where it stands for many, or nobody knows it."""
    if not path:
        return "", None
    folder, _, name = path.replace("\\", "/").rstrip("/").rpartition("/")
    return folder, name if name and not set(name) & set("*?[") else None
