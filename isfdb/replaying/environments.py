"""In which Python and with which packages a value is made again: those that are here, another interpreter's, or the recorded ones.

It compares and, for the recorded ones, has them installed. What it finds out is data: it runs no script and judges nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from isfdb.exact_json import compact, loads
from isfdb.hashing import digest_of
from isfdb.layout.current import CODE_FOLDER, ENVIRONMENTS_FOLDER
from isfdb.options import option
from isfdb.provenance.session import Session, read_session
from isfdb.replaying.building import built_environment
from isfdb.replaying.environment_differences import Difference, differences, packages_of
from isfdb.replaying.interpreters import OLDEST, Interpreter, ask_interpreter, this_interpreter
from isfdb.replaying.own_packages import NEEDED, own_folder
from isfdb.replaying.recorded_variables import recorded_variables, variables_to_unset
from isfdb.replaying.wanted_packages import Unavailable, named, wanted_packages
from isfdb.storage.base import Storage

CURRENT: Final = "current"
RECORDED: Final = "recorded"

_MISSING: Final = "environment missing"
_NOT_RECORDED: Final = "the packages of the session are not recorded, or their record was changed since"


@dataclass(frozen=True)
class ReplayEnvironment:
    """The interpreter and the packages for a replay.

    Attributes
    ----------
    name : str
        ``"current"``, ``"recorded"`` or the interpreter's path.
    python : str
        The interpreter.
    path : tuple of str
        Its ``sys.path``.
    variables : dict
        Environment variables it should have: threads, hash seed and the like, as the session had them.
    differences : tuple of Difference
        How its packages differ from those of the session; first those that the session had imported.
    problems : tuple of (str, str)
        Why nothing can be run in it: an obstacle as in :class:`~isfdb.replaying.verdict.Verdict`, and a sentence.
    notes : tuple of str
        What else is not as it was.
    unset : tuple of str
        Environment variables that are set here and were not in the session.
    """

    name: str
    python: str
    path: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Session:
    """What is recorded about where a value was made."""

    packages: Mapping[str, Any] | None
    imported: frozenset[str] | None
    start: Mapping[str, Any]


def environment_for(
    choice: str,
    storage: Storage,
    digest: str | None,
    record: Mapping[str, Any],
    *,
    offline: bool = False,
    trusted: bool = False,
    build: bool = True,
) -> ReplayEnvironment:
    """Return the environment in which a value is to be made again.

    Parameters
    ----------
    choice : str
        ``"current"``, ``"recorded"``, or the path of an interpreter or of a virtual environment.
    storage : Storage
        Of the database.
    digest : str or None
        Of the recorded environment.
    record : Mapping
        ``metadata.json`` of the version.
    offline : bool
        Install only what is on this computer already.
    trusted : bool
        Whether the record may name addresses to install packages from.
    build : bool
        Build the recorded environment where it is not built yet.
    """
    session = _session_of(storage, digest, record)
    if choice == CURRENT:
        found = _compared(CURRENT, this_interpreter(), session)
    elif choice == RECORDED:
        found = _rebuilt(session, offline=offline, trusted=trusted, build=build)
    else:
        found = _given(os.path.expanduser(choice), session)
    variables = recorded_variables(session.start)
    unset = variables_to_unset(session.start)
    notes = (f"set here, and not in the session: {', '.join(unset)}. The replay does without",) if unset else ()
    return replace(found, variables={**found.variables, **variables}, unset=unset, notes=(*found.notes, *notes))


# What is recorded ------------------------------------------------------------------------------------------------------------------


def _session_of(storage: Storage, digest: str | None, record: Mapping[str, Any]) -> _Session:
    log = _log_of(storage, record)
    code = _mapping(record.get("code"))
    line = _mapping(record.get("activity")).get("line")
    cell = next((one for one in log.cells if one.line == line), None) if log is not None else None
    late = _mapping(cell.facts.get("code")) if code.get("late") and cell is not None else {}
    snapshot = _kept(storage, CODE_FOLDER, late.get("snapshot") or code.get("snapshot"))
    imported = snapshot.get("imported") if snapshot is not None else None
    names = frozenset([str(name) for name in imported]) if isinstance(imported, Mapping) else None
    return _Session(_kept(storage, ENVIRONMENTS_FOLDER, digest), names, log.start if log is not None else {})


def _log_of(storage: Storage, record: Mapping[str, Any]) -> Session | None:
    try:
        return read_session(storage, str(_mapping(record.get("activity")).get("session")))
    except (OSError, ValueError, LookupError, RecursionError):
        return None  # a sub-database moved out by hand leaves its sessions behind; verify names what is damaged


def _kept(storage: Storage, folder: str, digest: Any) -> Mapping[str, Any] | None:
    if not (isinstance(digest, str) and digest.isalnum()):
        return None
    try:
        found = loads(storage.read(f"{folder}/{digest}.json"))
        is_whole = digest_of(compact(found).encode())[:32] == digest
    except (OSError, ValueError, TypeError, RecursionError):
        return None  # the same
    return found if isinstance(found, Mapping) and is_whole else None


def _mapping(member: Any) -> Mapping[str, Any]:
    return member if isinstance(member, Mapping) else {}


# The three choices -----------------------------------------------------------------------------------------------------------------


def _compared(name: str, interpreter: Interpreter, session: _Session) -> ReplayEnvironment:
    found = ReplayEnvironment(name, interpreter.python, interpreter.path)
    if session.packages is None:
        return replace(found, notes=(f"{_NOT_RECORDED}, so none are compared",))
    packages = interpreter.packages
    if session.imported is None:
        imported = frozenset(packages_of(session.packages))  # then each may have been
        notes: tuple[str, ...] = ("which packages the session had imported is not recorded",)
    else:
        imported, notes = session.imported, ()
    return replace(found, differences=differences(session.packages, interpreter.name, packages, imported), notes=notes)


def _given(choice: str, session: _Session) -> ReplayEnvironment:
    inside = next((path for path in (f"{choice}/bin/python", f"{choice}/Scripts/python.exe") if os.path.isfile(path)), "")
    python = os.path.abspath(inside or shutil.which(choice) or choice)
    found = ask_interpreter(python)
    if isinstance(found, str):
        return _problem(choice, python, f"{choice} cannot be used: {found}. Give the path of a Python interpreter.")
    if found.is_old:
        return _problem(choice, python, f"{choice} is Python {found.version}, and isfdb needs {'.'.join(map(str, OLDEST))} or later")
    if lacking := [name for name in NEEDED if name not in found.packages]:
        told = f"{choice} lacks what isfdb itself needs: {', '.join(lacking)}. Install it: {python} -m pip install {' '.join(lacking)}"
        return _problem(choice, python, told)
    return _with_ours(replace(_compared(choice, found, session), variables=_on_path(found.python)))


def _rebuilt(session: _Session, *, offline: bool, trusted: bool, build: bool) -> ReplayEnvironment:
    if session.packages is None:
        return _problem(RECORDED, "", f"{_NOT_RECORDED}, so they cannot be installed again")
    wanted = wanted_packages(session.packages, trusted=trusted, source_builds=option("environment_source_builds"))
    if not wanted.python or not wanted.implementation:
        return _problem(RECORDED, "", "the record does not say which Python the session had")
    if problem := _why_not_any(wanted.unavailable, session):
        return _problem(RECORDED, "", problem)
    built = built_environment(wanted, matters=lambda name: _matters(name, session), offline=offline, build=build)
    if isinstance(built, str):
        return _problem(RECORDED, "", built)
    if problem := _why_not_any(built.unavailable, session):
        return _problem(RECORDED, built.python, problem)
    found = Interpreter(built.python, built.implementation, built.version, built.path)
    notes = (*wanted.notes, *_not_had((*wanted.unavailable, *built.unavailable)), *built.notes)
    compared = _compared(RECORDED, found, session)
    return _with_ours(replace(compared, variables=_on_path(built.python), notes=(*compared.notes, *notes)))


def _matters(name: str, session: _Session) -> bool:
    return session.imported is None or name in session.imported or name in NEEDED


def _why_not_any(unavailable: tuple[Unavailable, ...], session: _Session) -> str:
    """Return which packages that the session had imported cannot be had; empty where all can."""
    needed = [str(one) for one in unavailable if _matters(one.name, session)]
    if not needed:
        return ""
    others = len(unavailable) - len(needed)
    beside = f" Nor can {others:,} that the session had not imported." if others else ""
    return f"packages that the session had imported can no longer be had: {named(needed)}.{beside}"


def _not_had(unavailable: tuple[Unavailable, ...]) -> tuple[str, ...]:
    lines = [str(one) for one in unavailable]
    return (f"not installed, and the session had not imported it: {named(lines)}",) if lines else ()


def _with_ours(found: ReplayEnvironment) -> ReplayEnvironment:
    """Put this isfdb in front of what an interpreter has."""
    cache = option("cache_folder")
    if cache is None:
        return replace(found, problems=((_MISSING, "there is no folder for caches: set cache_folder"),))
    try:
        return replace(found, path=(own_folder(f"{cache}/environments"), *found.path))
    except OSError as error:
        return replace(found, problems=((_MISSING, f"isfdb cannot be made available to it: {error.strerror or error}"),))


def _on_path(python: str) -> dict[str, str]:
    """Return the variable by which commands of an environment are found before others."""
    return {"PATH": os.pathsep.join([os.path.dirname(python), os.environ.get("PATH", os.defpath)])}


def _problem(name: str, python: str, sentence: str) -> ReplayEnvironment:
    return ReplayEnvironment(name, python, problems=((_MISSING, sentence),))
