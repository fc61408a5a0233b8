"""What is to be run so that versions are made again: each distinct script once, whatever number of keys it makes. It runs nothing.

`replays.py` and the audit ask for jobs; `running.py` runs one.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.database import Database
from isfdb.entry import Version, version_of
from isfdb.errors import CorruptVersionError, FormatVersionError
from isfdb.explaining import many_values
from isfdb.explaining.check_records import read_check
from isfdb.explaining.code_text import Code
from isfdb.explaining.scripts import AS_IT_RAN, code_at, session_of
from isfdb.hashing import digest_of
from isfdb.provenance.collectors import packages
from isfdb.provenance.records import Used, UsedValue
from isfdb.provenance.slicing.script import LEVELS
from isfdb.replaying.alike import Parts, parts_of
from isfdb.replaying.asked import CURRENT, RECORDED, Asked
from isfdb.replaying.inputs import Inputs, Look, Moves
from isfdb.replaying.moved_files import moves_of
from isfdb.replaying.verdict import Verdict
from isfdb.tracing.places import Places
from isfdb.versions import numbers_of

#: Changes when replays find out something else than before about the same things: what is known then counts no more.
_FORMAT: Final = 1


@dataclass(frozen=True)
class Job:
    """One script to be run, and all versions that it makes.

    Attributes
    ----------
    digest : str
        Of all that the outcome may depend on: script, sources, packages, inputs, options.
    versions : tuple of Version
    uses : tuple of str
        Links of the stored values that it reads.
    code : Code
        The script as it is stored, with the value of the first version at its end.
    script : str
        What is run.
    wanted : Mapping
        A name for each version, in their order -> the line that leaves its value when the script has run.
    inputs : Inputs
        What it reads, as that is now.
    obstacle : tuple of (str, str)
        What keeps it from being run, as one of the obstacles and in a sentence; two empty texts where nothing does.
    digests : Mapping
        Link of each version -> the digest of all that its own outcome may depend on.
    """

    digest: str
    versions: tuple[Version, ...]
    uses: tuple[str, ...]
    code: Code
    script: str
    wanted: Mapping[str, str]
    inputs: Inputs = field(default_factory=Inputs)
    obstacle: tuple[str, str] = ("", "")
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def named(self) -> tuple[tuple[str, Version], ...]:
        """The versions with their names."""
        return tuple(zip(self.wanted, self.versions, strict=True))

    def digest_of(self, version: Version) -> str:
        """Return the digest of all that the outcome of one version may depend on: of the inputs, those that it is recorded to have."""
        return self.digests.get(version.link, self.digest)


@dataclass(frozen=True)
class _Part:
    """A version with its script, taken apart."""

    version: Version
    code: Code
    parts: Parts
    used: tuple[Used, ...]
    sources: str
    group: tuple[Any, ...]
    moves: Moves
    back: int

    @property
    def wanted(self) -> str:
        """The line that leaves the value when the body has run."""
        if not self.back:
            return self.parts.wanted
        load = f"__import__({many_values.__name__!r}, fromlist=['load']).load("
        return f"{self.parts.wanted.replace('isfdb.load(', load, 1).removesuffix(')')}, back={self.back})"

    @property
    def reads(self) -> frozenset[Any]:
        """What it reads, and the state of what it reads."""
        return frozenset([_identity(one) for one in self.used]) | self.parts.links


def jobs_of(db: Database, versions: Iterable[Version], asked: Asked) -> list[Job]:
    """Return what is to be run so that versions are made again.

    Parameters
    ----------
    db : Database
    versions : iterable of Version
        Of this database or its sub-databases.
    asked : Asked
    """
    look, apart = Look(Places(db)), _Parts(db)
    groups: dict[tuple[Any, ...], list[_Part]] = {}
    jobs = []
    for version in versions:
        code = _code_of(version, asked)
        obstacle = _obstacle(version, code)
        if obstacle[0]:
            jobs.append(_job([apart.part(version, code)], look, asked, obstacle))
        else:
            part = apart.part(version, code)
            groups.setdefault(part.group, []).append(part)
    for parts in groups.values():
        jobs += [_job(members, look, asked, ("", "")) for members in _together(parts)]
    return jobs


def replay_job(
    db: Database,
    job: Job,
    asked: Asked,
    *,
    on_output: Callable[[str], None] | None = None,
    on_step: Callable[[str], None] | None = None,
) -> list[Verdict]:
    """Run a job, compare, and find out why values differ; nothing is kept.

    Parameters
    ----------
    db : Database
    job : Job
    asked : Asked
    on_output : callable, optional
        Is given what the script prints, as it prints it.
    on_step : callable, optional
        Is given a few words before each step.

    Returns
    -------
    list of Verdict
        One for each version, in their order.
    """
    from isfdb.replaying.judging import judge_job

    return judge_job(db, job, asked, on_output=on_output, on_step=on_step)


# Scripts ---------------------------------------------------------------------------------------------------------------------------


def _code_of(version: Version, asked: Asked) -> Code:
    """Return the script of a version. A check may say which level makes the value; the text is never taken from it."""
    level = LEVELS[2] if asked.all else asked.level
    if level is None:
        check = read_check(version._storage, version.record)
        level = check.level if check is not None and check.status == "widened" and check.level in LEVELS else LEVELS[0]
    return code_at(version, level)


def _obstacle(version: Version, code: Code) -> tuple[str, str]:
    if code.level == AS_IT_RAN:
        reason = "; ".join([because for _, because in code.labels if because]) or "there is no script of it"
        return "no code", f"{reason}. Store it from a notebook cell or a script while isfdb records what runs."
    if version.reclaimed:
        return "value gone", "its data was reclaimed by collect: there is nothing to compare with. Keep more versions: keep=."
    if version.record.get("mutable"):
        return "value may change", f"its files may change in place. Freeze it, then replay that: db.snapshot({version.key!r})."
    return "", ""


class _Parts:
    """Takes versions apart; reads what they share once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._sessions: dict[str, dict[int, Any]] = {}

    def part(self, version: Version, code: Code) -> _Part:
        """Return a version with its script, taken apart."""
        parts, activity = parts_of(str(code)), _mapping(version.record.get("activity"))
        sources = self._sources(version, activity)
        group = (parts.shape, code.level, sources, version.record.get("environment"), activity.get("session"), version.database_id)
        is_alone = not parts.wanted  # its end is part of what it computes
        return _Part(
            version,
            code,
            parts,
            version.inputs,
            sources,
            (*group, version.link if is_alone else ""),
            functools.cache(lambda: moves_of(self._db, version)),
            0 if is_alone else _turns_after(version, code, parts),
        )

    def _sources(self, version: Version, activity: Mapping[str, Any]) -> str:
        """Return the digest of the state of the sources. Where git answered after the put, the session's log has it."""
        code = _mapping(version.record.get("code"))
        if not code.get("late"):
            return str(code.get("snapshot"))
        session = str(activity.get("session"))
        if session not in self._sessions:
            found = session_of(version)
            self._sessions[session] = {cell.line: cell.facts.get("code") for cell in found.cells} if found else {}
        line = activity.get("line")
        told = _mapping(self._sessions[session].get(line)) if isinstance(line, int) else {}
        return str(told.get("snapshot") or code.get("snapshot"))


def _turns_after(version: Version, code: Code, parts: Parts) -> int:
    """Return how often what ran stored the key again, by the same statements: the script leaves what the last turn of a loop stored."""
    key_folder, activity = version._folder.rpartition("/")[0], version.record.get("activity")
    later = [number for number in numbers_of(version._storage, key_folder) if number > version.number] if activity else []
    count = 0
    for number in later:
        try:
            other = version_of(version._storage, key_folder, version.key, version.database_id, number)
        except (FileNotFoundError, CorruptVersionError, FormatVersionError):
            continue  # verify tells; nobody can say which turn it was
        if other.record.get("activity") == activity and not other.deleted:
            count += parts_of(str(code_at(other, code.level))).shape == parts.shape
    return count


def _mapping(member: Any) -> Mapping[str, Any]:
    return member if isinstance(member, Mapping) else {}


def _together(parts: Sequence[_Part]) -> list[list[_Part]]:
    """Divide versions with one script: the first of each reads all that the others read, in the same versions."""
    jobs: list[list[_Part]] = []
    for part in sorted(parts, key=lambda one: -len(one.reads)):
        fitting = next((job for job in jobs if part.reads <= job[0].reads), None)
        if fitting is None:
            jobs.append([part])
        else:
            fitting.append(part)
    return jobs


def _identity(used: Used) -> tuple[Any, ...]:
    return (used.link, used.digest) if isinstance(used, UsedValue) else (used.path, used.size, used.mtime, used.digest)


# Jobs ------------------------------------------------------------------------------------------------------------------------------


def _job(parts: Sequence[_Part], look: Look, asked: Asked, obstacle: tuple[str, str]) -> Job:
    first = parts[0]
    inputs = look.at(first.used, moves=first.moves)
    digests = {part.version.link: _digest(part, look.at(part.used, moves=part.moves), asked) for part in parts}
    is_shared = bool(first.parts.wanted)
    wanted = {f"value{number}": part.wanted for number, part in enumerate(parts, 1)} if is_shared else {"value": ""}
    uses = tuple(dict.fromkeys([one.link for one in first.used if isinstance(one, UsedValue)]))
    versions = tuple([part.version for part in parts])
    return Job(digests[first.version.link], versions, uses, first.code, first.parts.body, wanted, inputs, obstacle, digests)


def _digest(part: _Part, inputs: Inputs, asked: Asked) -> str:
    environment = {CURRENT: packages.environment().digest, RECORDED: part.version.record.get("environment")}
    members = {
        "asked": asked.that_matters(),
        "environment": environment.get(asked.environment, asked.environment),
        "format": _FORMAT,
        "inputs": list(inputs.states),
        "links": sorted(part.parts.links),
        "shape": part.parts.shape,
        "sources": part.sources,
    } | ({"back": part.back} if part.back else {})
    return digest_of(json.dumps(members, sort_keys=True, default=str).encode("utf-8", "surrogatepass"))
