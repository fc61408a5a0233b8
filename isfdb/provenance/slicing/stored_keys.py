"""Notes what a cell stores under which key, for the statements of the same cell that append to it. It looks at no database.

What a cell finds stored when it begins, its script reads at the version that was there. What the cell itself stored before is not among
that: whoever appends to it needs the statements that stored it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

#: Methods of a database that add to what is stored already.
APPENDING: Final = frozenset({"append", "appending"})
#: And the one that stores anew, besides ``db[key] = ...``.
STORING: Final = "set"


def note_stored(run: Interpreter, key: str | None) -> None:
    """Note that a key is stored anew; None where it is not known which."""
    if key is None or run.weak:
        run.touched.add(_unknown(run))
    else:
        run.set_state(_known(run, key))


def note_appended(run: Interpreter, key: str | None) -> None:
    """Note that something is added to what a key holds: to what this cell stored there, too."""
    family = _family(run)
    named = _known(run, key) if key is not None else ""
    for state in [one for one in run.world.definers if one.startswith(family)]:
        if not named or state == named or state.startswith(f"{family}?"):
            run.see(state)
    run.touched.add(named or _unknown(run))


def _family(run: Interpreter) -> str:
    return f"<stored in {run.step.cell}>"


def _known(run: Interpreter, key: str) -> str:
    return f"{_family(run)}={key}"


def _unknown(run: Interpreter) -> str:
    """Return a state of this statement's own: two that store under keys nobody knows do not depend on each other."""
    return f"{_family(run)}?{run.step.number}"
