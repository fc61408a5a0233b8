"""The environments of a report: what each recorded one had otherwise than this computer has now. Each stands on the page once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from isfdb.display import html
from isfdb.display.safe import escape
from isfdb.display.summaries import UNREADABLE
from isfdb.display.words import count_text
from isfdb.exact_json import loads
from isfdb.layout.current import ENVIRONMENTS_FOLDER
from isfdb.reporting.links import Links

_MOST_SHOWN = 400


@dataclass
class Recorded:
    """One environment that values were made in."""

    number: int
    digest: str
    record: Mapping[str, Any]
    keys: list[str] = field(default_factory=list)

    @cached_property
    def changes(self) -> list[tuple[str, str, str]]:
        """Package, version then, version now; Python first."""
        then = _packages(self.record)
        now = _packages(_here())
        python = [("Python", python_of(self.record), python_of(_here()))] if self.record else []
        listed = [(name, version, now.get(name, "not installed")) for name, version in sorted(then.items())]
        return [one for one in (*python, *listed) if one[1] != one[2]]


class Environments:
    """The environments that the keys of a database were made in, compared with that of this process."""

    def __init__(self, storage: Any, links: Links) -> None:
        self._storage = storage
        self._links = links
        self._known: dict[str, Recorded] = {}

    def of(self, key: str, record: Mapping[str, Any]) -> str:
        """Return a sentence about the environment of a key, with a link to all of it."""
        digest = record.get("environment")
        if not isinstance(digest, str) or not digest.isalnum():
            return '<p class="i-muted">Its environment was not recorded.</p>'
        if digest not in self._known:
            self._known[digest] = Recorded(len(self._known) + 1, digest, self._read(digest))
        one = self._known[digest]
        one.keys.append(key)
        link = f'<a href="{self._links.environment(one.number, digest)}">Environment {one.number}</a>'
        return f"<p>{link}: {escape(_difference(one), 300)}</p>"

    def sections(self) -> Iterator[str]:
        """Give the environments as HTML."""
        for one in self._known.values():
            yield _section(one)

    def _read(self, digest: str) -> Mapping[str, Any]:
        try:
            record = loads(self._storage.read(f"{ENVIRONMENTS_FOLDER}/{digest}.json"))
        except UNREADABLE:
            return {}  # a sub-database moved out by hand leaves it behind; verify names what is missing
        return record if isinstance(record, Mapping) else {}


def _difference(one: Recorded) -> str:
    if not one.record:
        return "its record is not in this database"
    changes = one.changes
    if not changes:
        return "the same packages as here"
    named = ", ".join([f"{name} {then} (here {now})" for name, then, now in changes[:3]])
    are = "is" if len(changes) == 1 else "are"
    return f"{count_text(len(changes), 'package')} {are} not as here: {named}{' …' if len(changes) > 3 else ''}"


def _section(one: Recorded) -> str:
    packages = sorted(_packages(one.record).items())
    title = f"Environment {one.number}: {python_of(one.record) or 'not on record'}"
    facts = html.facts([("digest", one.digest), ("made", count_text(len(one.keys), "value")), ("compared with here", _difference(one))])
    changes = html.table(("package", "when stored", "here"), one.changes[:_MOST_SHOWN]) if one.changes else ""
    listed = html.folded(f"{len(packages):,} packages installed", html.table(("package", "version"), packages)) if packages else ""
    return f'<article class="r-environment" id="environment-{one.number}"><h3>{escape(title)}</h3>{facts}{changes}{listed}</article>'


def _here() -> Mapping[str, Any]:
    from isfdb.provenance.collectors.packages import environment

    return environment().record


def python_of(record: Mapping[str, Any]) -> str:
    """Return the kind and version of the recorded Python."""
    return " ".join([str(record[name]) for name in ("implementation", "python") if record.get(name)])


def _packages(record: Mapping[str, Any]) -> dict[str, str]:
    packages = record.get("packages")
    return {str(name): str(version) for name, version in packages.items()} if isinstance(packages, Mapping) else {}
