"""In what surroundings a session ran: computer, Python, sources and packages, from the records that its versions refer to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isfdb.display import html
from isfdb.display.entries import code_words
from isfdb.display.summaries import UNREADABLE
from isfdb.exact_json import loads
from isfdb.layout.current import CODE_FOLDER, ENVIRONMENTS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isfdb.display.history import Stored


def surroundings(db: Any, start: Any, stored: list[Stored]) -> str:
    """Return HTML about the surroundings of one session, as its last version that knows them tells.

    Parameters
    ----------
    start : mapping
        The first line of the session's log.
    stored : list of Stored
        What the session stored, oldest first.
    """
    code = _record(db, CODE_FOLDER, [version.code for version in stored])
    environment = _record(db, ENVIRONMENTS_FOLDER, [version.environment for version in stored])
    imported, installed = _mapping(code.get("imported")), _mapping(environment.get("packages"))
    return "".join(
        [
            html.facts([*_machine(_mapping(start)), *_python(environment), *_sources(code)]),
            _packages(f"{len(imported):,} packages imported", imported),
            _packages(f"{len(installed):,} packages installed", installed),
        ]
    )


def _record(db: Any, folder: str, digests: list[str]) -> Mapping[str, Any]:
    newest = next((digest for digest in reversed(digests) if digest), "")
    if not newest.isalnum():
        return {}
    try:
        return _mapping(loads(db.root._storage.read(f"{folder}/{newest}.json")))
    except UNREADABLE:
        return {}  # a sub-database moved out by hand leaves it behind; verify names what is missing


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _machine(start: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    machine = _mapping(start.get("machine"))
    system, cpu = _mapping(machine.get("os")), _mapping(machine.get("cpu"))
    yield "by", " on ".join(str(machine[name]) for name in ("user", "host") if machine.get(name))
    yield "in", str(start.get("directory") or "")
    yield "computer", ", ".join(str(fact) for fact in (system.get("distribution") or system.get("system"), cpu.get("model")) if fact)


def _python(environment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words = [str(environment[name]) for name in ("implementation", "python", "kind") if environment.get(name)]
    yield "Python", ", ".join(words)


def _sources(code: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    repositories = code.get("repositories")
    for repository in repositories if isinstance(repositories, list) else ():
        facts = _mapping(repository)
        yield f"git {facts.get('name') or ''}", code_words(facts)
    if code and not repositories:
        yield "git", "neither the working directory nor an imported module lies in a git work tree"


def _packages(title: str, packages: Mapping[str, Any]) -> str:
    if not packages:
        return ""
    return html.folded(title, html.table(("package", "version"), [(name, str(packages[name])) for name in sorted(packages)]))
