"""``Asked``: how a value is to be made again. It checks what it is given and runs nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from isfdb.errors import OptionError
from isfdb.provenance.slicing.script import LEVELS

CURRENT: Final = "current"
RECORDED: Final = "recorded"

_MORE_RUNS: Final = 2

#: What the outcome may depend on; the others say how long it may take, and what is done about a difference.
_MATTERS: Final = ("environment", "level", "all", "rtol", "atol", "changed_inputs", "offline", "timeout_s", "memory_bytes")


@dataclass(frozen=True)
class Asked:
    """How a value is to be made again.

    Attributes
    ----------
    environment : str
        ``"current"``: with the packages of this process. ``"recorded"``: with those that were installed when the value was stored. Else
        the path of an interpreter.
    level : str or None
        ``"statements"``, ``"cells"`` or ``"everything"``; None: the stored script, or the wider one that a check found to be needed.
    all : bool
        All that ran until the value was stored: the level ``"everything"``.
    rtol, atol : float or None
        Numbers that differ by no more are close; None: a few units in the last place of each dtype.
    changed_inputs : bool
        Run it though files that it reads have changed.
    offline : bool
        Without network, where the platform allows.
    trust : bool
        Run it though nothing shows that you wrote it.
    timeout_s : float or None
        Seconds that each run may take; None: the setting ``check_timeout_s``.
    memory_bytes : int or None
        Memory that each process may take for its data; None: the setting ``check_memory_bytes``.
    budget : int or None
        How many more runs may be spent on finding out why it differs. One that is given may be spent on building the recorded environment,
        too; None: 2, and an environment only where it is built already.
    again : bool
        Run it though what came of it is known.
    """

    environment: str = CURRENT
    level: str | None = None
    all: bool = False
    rtol: float | None = None
    atol: float | None = None
    changed_inputs: bool = False
    offline: bool = False
    trust: bool = False
    timeout_s: float | None = None
    memory_bytes: int | None = None
    budget: int | None = None
    again: bool = False

    def __post_init__(self) -> None:
        if self.level is not None and self.level not in LEVELS:
            raise OptionError(f"level={self.level!r} is none of {', '.join(map(repr, LEVELS))}.", level=self.level)
        if not isinstance(self.environment, str) or not self.environment:
            message = f"environment={self.environment!r} is neither 'current' nor 'recorded' nor the path of an interpreter."
            raise OptionError(message, environment=self.environment)
        if self.budget is not None and (isinstance(self.budget, bool) or not isinstance(self.budget, int) or self.budget < 0):
            raise OptionError(f"budget={self.budget!r} is no number of runs. Give a number from 0.", budget=self.budget)
        for name in ("rtol", "atol"):
            self._check_number(name, least=0.0)
        self._check_number("timeout_s", least=0.0)
        self._check_number("memory_bytes", least=1)

    def _check_number(self, name: str, *, least: float) -> None:
        number: Any = getattr(self, name)
        if number is not None and (isinstance(number, bool) or not isinstance(number, (int, float)) or not number >= least):
            raise OptionError(f"{name}={number!r} is no number from {least:g}.", **{name: number})

    @property
    def n_more_runs(self) -> int:
        """How many more runs may be spent on finding out why it differs."""
        return _MORE_RUNS if self.budget is None else self.budget

    @property
    def may_build(self) -> bool:
        """Whether the recorded environment may be built to find out why it differs, which can take minutes."""
        return self.budget is not None

    @property
    def kind_of_environment(self) -> str:
        """``"current"``, ``"recorded"``, or the path of an interpreter: of each, one verdict is kept."""
        return self.environment

    @property
    def tolerance(self) -> dict[str, float | None]:
        """The two tolerances by name."""
        return {"atol": self.atol, "rtol": self.rtol}

    def that_matters(self) -> dict[str, Any]:
        """Return the options that the outcome may depend on."""
        members = asdict(self)
        return {name: members[name] for name in _MATTERS}
