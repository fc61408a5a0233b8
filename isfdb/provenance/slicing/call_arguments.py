"""What a call is given: values by place and by name, paths, switches."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Final

from isfdb.provenance.slicing.world import NOTHING, Scope, Value, World

#: Parameters that name a file.
_PATHS: Final = frozenset("path file fname filename buf excel_writer filepath_or_buffer path_or_buf filepath fp store database".split())


class Starred(frozenset[int]):
    """What may be given by an argument behind a star, which may be any number of arguments."""


@dataclass(frozen=True)
class Given:
    """What a call is given.

    Attributes
    ----------
    arguments : tuple of Value
    named : dict
        ``"**"`` stands for all that is given as such.
    scope : Scope or None
        Of the call.
    node : ast.Call or None
        None where a library calls.
    is_statement : bool
        Nothing is done with what comes back.
    """

    arguments: tuple[Value, ...] = ()
    named: dict[str, Value] = field(default_factory=dict)
    scope: Scope | None = None
    node: ast.Call | None = None
    is_statement: bool = False

    @property
    def everything(self) -> Value:
        """All of it."""
        return NOTHING.union(*self.arguments, *self.named.values())

    def first(self) -> Value:
        """Return the first argument."""
        return self.arguments[0] if self.arguments else NOTHING

    def has(self) -> bool:
        """Say whether anything is given."""
        return bool(self.arguments or self.named)

    def constant(self, name: str, place: int | None = None) -> object:
        """Return what is given by name, or by place, where it is written there; ``...`` where it is not known, None where not given."""
        for keyword in self.node.keywords if self.node is not None else ():
            if keyword.arg == name:
                return keyword.value.value if isinstance(keyword.value, ast.Constant) else ...
        if place is not None and self.node is not None and place < len(self.node.args):
            one = self.node.args[place]
            return one.value if isinstance(one, ast.Constant) else ...
        return ... if self.node is None or "**" in self.named else None

    def is_true(self, name: str) -> bool:
        """Say whether there is ``name=True``, or a value that may be true."""
        return name in self.named and bool(self.constant(name))

    def path(self, world: World, place: int = 0) -> str | None:
        """Return the file that is named; None where it cannot be told."""
        candidates = [*self.arguments[place : place + 1], *[value for name, value in self.named.items() if name in _PATHS]]
        for value in candidates:
            names = {world.things[one].name for one in value if world.things[one].kind in ("text", "path", "file")}
            if len(names) == 1 and len(names) == len(value):
                return names.pop() or None
        return None

    def opens_for_writing(self) -> bool:
        """Say whether a file is opened so that it may be written to."""
        mode = self.constant("mode", 1)
        return mode is ... or (isinstance(mode, str) and bool(set(mode) & set("wax+")))

    def opens_anew(self) -> bool:
        """Say whether a file is opened so that nothing of it stays."""
        mode = self.constant("mode", 1)
        return isinstance(mode, str) and "w" in mode
