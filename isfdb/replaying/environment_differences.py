"""Which packages are other than those a session had. It compares two lists; it installs nothing and judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from isfdb.display.words import count_text

#: Compared like a package, though it is none.
PYTHON: Final = "Python"

#: A replay is run by the isfdb that is asked for it, whichever stored the value.
OURS: Final = "isfdb"


@dataclass(frozen=True)
class Difference:
    """One package that is not as it was.

    Attributes
    ----------
    package : str
        Its normalised name, or ``"Python"``.
    recorded : str
        The version that the session had.
    here : str
        The version that the replay has; empty where it has none.
    imported : bool
        Whether the session had imported it: one that it had not hardly matters.
    """

    package: str
    recorded: str
    here: str
    imported: bool = False

    def __str__(self) -> str:
        now = f"is {self.here} here" if self.here else "is not installed here"
        return f"{self.package} was {self.recorded} and {now}{'' if self.imported else ' (the session had not imported it)'}"


def differences(recorded: Mapping[str, Any], python: str, packages: Mapping[str, str], imported: Iterable[str]) -> tuple[Difference, ...]:
    """Compare the packages that a session had with those of an interpreter; those that it had imported come first.

    Parameters
    ----------
    recorded : Mapping
        The record of an environment.
    python : str
        The interpreter's kind and version, as ``"cpython 3.12.4"``.
    packages : Mapping
        What it has: normalised name to version. More than was recorded is no difference.
    imported : iterable of str
        Normalised names of what the session had imported.
    """
    used = {*imported, PYTHON}
    then = {PYTHON: python_of(recorded)} | packages_of(recorded)
    now = {PYTHON: python, **packages}
    found = [
        Difference(name, version, now.get(name, ""), name in used)
        for name, version in then.items()
        if name != OURS and version and now.get(name, "") != version
    ]
    return tuple(sorted(found, key=lambda one: (one.package != PYTHON, not one.imported, one.package)))


def python_of(recorded: Mapping[str, Any]) -> str:
    """Return kind and version of the recorded interpreter; empty where it is not known."""
    version = recorded.get("python")
    return f"{recorded.get('implementation') or 'cpython'} {version}" if isinstance(version, str) and version else ""


def packages_of(recorded: Mapping[str, Any]) -> dict[str, str]:
    """Return the recorded packages, name to version; what is no text in a forged record is left out."""
    packages = recorded.get("packages")
    if not isinstance(packages, Mapping):
        return {}
    return {name: version for name, version in sorted(packages.items()) if isinstance(name, str) and isinstance(version, str)}


def summary(found: Iterable[Difference]) -> str:
    """Say in a sentence which packages differ, naming only those that the session had imported; empty where nothing does."""
    found = tuple(found)
    used = [str(one) for one in found if one.imported]
    beside = len(found) - len(used)
    rest = f"{count_text(beside, 'package')} that the session had not imported {'differs' if beside == 1 else 'differ'}" if beside else ""
    return "; ".join([one for one in (*used[:_MOST], f"{len(used) - _MOST:,} more" if len(used) > _MOST else "", rest) if one])


_MOST: Final = 6
