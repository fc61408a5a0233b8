"""What is to be installed so that an environment is again as it was recorded, and what cannot be. It reads a record; it installs nothing.

A record may be forged, so what is not plainly a name and a version never gets further than here, and addresses do only where they are
trusted. What was installed from a folder of somebody's computer is never looked for in an index: there, anybody may have taken the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from isfdb.display.words import count_text
from isfdb.replaying.environment_differences import OURS, packages_of
from isfdb.replaying.interpreters import minor_of

# PEP 508 (names) and PEP 440 (versions)
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", re.ASCII)
_VERSION: Final = re.compile(
    r"(?:\d{1,9}!)?\d{1,20}(?:\.\d{1,20}){0,20}(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d{0,9})?"
    r"(?:[-_.]?post[-_.]?\d{0,9})?(?:[-_.]?dev[-_.]?\d{0,9})?(?:\+[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+){0,10})?",
    re.ASCII,
)
_HASH: Final = re.compile(r"sha(?:256|384|512)=[0-9a-f]{64,128}", re.ASCII)
_ADDRESS: Final = re.compile(r"https://[A-Za-z0-9.-]{1,200}(?::\d{1,5})?/[A-Za-z0-9._~%!$&'()*+,;=:@/-]{1,1000}", re.ASCII)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_PYTHON: Final = re.compile(r"\d{1,2}\.\d{1,3}(?:\.\d{1,3})?(?:(?:a|b|rc)\d{1,3}|\+)?", re.ASCII)

_MOST_PACKAGES: Final = 5_000
_MOST_NAMED: Final = 8


@dataclass(frozen=True)
class Unavailable:
    """A package that cannot be had as it was.

    Attributes
    ----------
    name, version : str
    because : str
        Why, as the end of a sentence.
    """

    name: str
    version: str
    because: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.because})"


@dataclass(frozen=True)
class WantedPackages:
    """What a recorded environment consists of.

    Attributes
    ----------
    implementation, python : str
        ``"cpython"`` and ``"3.12.4"``; empty where the record does not say.
    pins : tuple of str
        Requirements for an index: ``"numpy==2.1.0"``.
    local : tuple of str
        Requirements that only a folder of wheels may fulfil; hashed where the record has a hash.
    addresses : tuple of str
        Requirements with an address.
    unavailable : tuple of Unavailable
        What is known beforehand not to be had.
    notes : tuple of str
        What will not be as it was, though it need not matter.
    """

    implementation: str
    python: str
    pins: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def minor(self) -> str:
        """The version of Python without its last part: ``"3.12"``."""
        return minor_of(self.python)


def wanted_packages(recorded: Mapping[str, Any], *, trusted: bool, source_builds: bool) -> WantedPackages:
    """Tell what is to be installed.

    Parameters
    ----------
    recorded : Mapping
        The record of an environment.
    trusted : bool
        Whether addresses in it may be followed.
    source_builds : bool
        Whether packages may be built from sources, which runs their code.
    """
    sources = _mapping(recorded.get("sources"))
    found: dict[str, list[str]] = {"pins": [], "local": [], "addresses": [], "editable": []}
    unavailable = []
    packages = list(packages_of(recorded).items())
    for name, version in packages[:_MOST_PACKAGES]:
        if name == OURS:
            continue
        kind, text = _requirement(name, version, _mapping(sources.get(name)), trusted=trusted, source_builds=source_builds)
        if kind:
            found[kind].append(text)
        else:
            unavailable.append(Unavailable(name[:100], version[:100], text))
    python, implementation = (str(recorded.get(name) or "") for name in ("python", "implementation"))
    return WantedPackages(
        implementation if implementation.isidentifier() else "",
        python if _PYTHON.fullmatch(python) else "",
        tuple(found["pins"]),
        tuple(found["local"]),
        tuple(found["addresses"]),
        tuple(unavailable),
        _notes(recorded, found["editable"], len(packages)),
    )


def _requirement(name: str, version: str, source: Mapping[str, Any], *, trusted: bool, source_builds: bool) -> tuple[str, str]:
    """Return of which kind a requirement is and its text; or nothing, and why there is none."""
    if not _NAME.fullmatch(name):
        return "", "that is no name of a package"
    if source.get("editable"):
        return "editable", name
    if isinstance(source.get("url"), str):
        return _from_address(name, source, trusted=trusted, source_builds=source_builds)
    if not _VERSION.fullmatch(version):
        return "", "its version is not known" if version == "unknown" else "that is no version"
    if not source:
        return "pins", f"{name}=={version}"
    fingerprint = str(source.get("archive_hash") or "")
    return "local", f"{name}=={version}" + (f" --hash={fingerprint.replace('=', ':')}" if _HASH.fullmatch(fingerprint) else "")


def _from_address(name: str, source: Mapping[str, Any], *, trusted: bool, source_builds: bool) -> tuple[str, str]:
    address, commit = str(source["url"]), source.get("commit_id")
    is_built = commit is not None or not address.endswith(".whl")
    if not trusted:
        return "", "it came from an address, and addresses are followed for trusted databases only"
    if not _ADDRESS.fullmatch(address) or source.get("subdirectory") is not None:
        return "", "it came from an address that is not followed: only plain https is"
    if is_built and not source_builds:
        return "", "it was built from sources, which runs its code: the setting environment_source_builds allows it"
    if commit is not None:
        if source.get("vcs") != "git" or not _COMMIT.fullmatch(str(commit)):
            return "", "it came from a repository, but the commit is not known"
        return "addresses", f"{name} @ git+{address}@{commit}"
    fingerprint = str(source.get("archive_hash") or "")
    return "addresses", f"{name} @ {address}" + (f"#{fingerprint}" if _HASH.fullmatch(fingerprint) else "")


def _notes(recorded: Mapping[str, Any], editable: list[str], n_packages: int) -> tuple[str, ...]:
    packages, conda = packages_of(recorded), _mapping(recorded.get("conda"))
    notes = []
    if editable:
        notes.append(f"{named(editable)} was installed for editing: its code comes from the recorded sources, not from a package")
    only_conda = sorted([str(name)[:100] for name in conda if name not in packages and name != "python"])
    if only_conda:
        notes.append(f"{count_text(len(only_conda), 'package')} of conda cannot be built here: {named(only_conda)}")
    if isinstance(drift := recorded.get("drift"), list) and drift:
        notes.append(f"packages were changed while the session ran: {'; '.join([str(one)[:200] for one in drift[:_MOST_NAMED]])}")
    if n_packages > _MOST_PACKAGES:
        notes.append(f"of {n_packages:,} recorded packages the first {_MOST_PACKAGES:,} count")
    return tuple(notes)


def named(names: list[str]) -> str:
    """Return names in a row; of many, the first and how many there are besides."""
    rest = len(names) - _MOST_NAMED
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:_MOST_NAMED])} and {rest:,} more"


def _mapping(member: Any) -> Mapping[str, Any]:
    return member if isinstance(member, Mapping) else {}
