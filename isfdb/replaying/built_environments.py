"""Recorded environments that were built, in the user's cache folder: found again, waited for, put in place, removed. It builds none.

An environment is complete as soon as its name exists: it is built beside its place and renamed. Processes that want the same one wait
for the first; killed, a builder leaves a folder with another name, which the next one removes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from isfdb.options import option
from isfdb.replaying.wanted_packages import Unavailable

_MARKER: Final = "environment.json"
_STAGED: Final = ".building-"
_ABANDONED_S: Final = 86_400.0


@dataclass(frozen=True)
class BuiltEnvironment:
    """A virtual environment that is there.

    Attributes
    ----------
    python : str
        Its interpreter.
    implementation, version : str
    path : tuple of str
        Its ``sys.path``.
    unavailable : tuple of Unavailable
        Packages that could not be had.
    notes : tuple of str
    compiled : tuple of str
        Packages of which there is bytecode.
    """

    python: str
    implementation: str
    version: str
    path: tuple[str, ...]
    unavailable: tuple[Unavailable, ...] = ()
    notes: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ()


def find_built(folder: str, matters: Callable[[str], bool]) -> BuiltEnvironment | None:
    """Return an environment that was built before; None where it lacks what matters, or its interpreter is gone."""
    try:
        with open(f"{folder}/{_MARKER}", encoding="utf-8") as file:
            found = _from_json(json.load(file))
        os.utime(f"{folder}/{_MARKER}")  # when it was used last
    except (OSError, ValueError, TypeError, KeyError):
        return None
    is_whole = os.access(found.python, os.X_OK) and not any(matters(one.name) for one in found.unavailable)
    return found if is_whole else None


def _from_json(members: dict[str, Any]) -> BuiltEnvironment:
    python, implementation, version = (str(members[name]) for name in ("python", "implementation", "version"))
    path, notes, compiled = (tuple([str(one) for one in members[name]]) for name in ("path", "notes", "compiled"))
    unavailable = tuple([Unavailable(**one) for one in members["unavailable"]])
    return BuiltEnvironment(python, implementation, version, path, unavailable, notes, compiled)


def mark(folder: str, built: BuiltEnvironment) -> None:
    """Write down, in its folder, that an environment is whole and what it is."""
    path = f"{folder}/{_MARKER}"
    staged = f"{path}.{os.getpid()}-{secrets.token_hex(4)}"
    with open(staged, "w", encoding="utf-8") as file:
        json.dump(asdict(built), file, indent=1)
    os.replace(staged, path)


@contextlib.contextmanager
def alone(folder: str) -> Iterator[None]:
    """Wait until no other process builds the same environment."""
    with open(f"{folder}.lock", "wb") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
            for name in _staged(os.path.dirname(folder), f"{os.path.basename(folder)}{_STAGED}"):
                shutil.rmtree(name, ignore_errors=True)  # nobody else builds it: its builder was killed
        except (ImportError, OSError):
            pass  # no such locks here: two may build it, and the first to rename wins
        yield


def staged_beside(folder: str) -> str:
    """Return a name for an environment that is being built."""
    return f"{folder}{_STAGED}{os.getpid()}-{secrets.token_hex(4)}"


def _staged(cache: str, start: str = "") -> list[str]:
    return [f"{cache}/{name}" for name in os.listdir(cache) if name.startswith(start) and _STAGED in name]


def publish(staged: str, folder: str) -> None:
    """Put a whole environment in its place."""
    if os.path.isdir(folder):  # one that lacks something, or whose interpreter is gone
        _remove(folder)
    try:
        os.rename(staged, folder)
    except OSError:
        if not os.path.isfile(f"{folder}/{_MARKER}"):  # else another process was quicker, and built the same
            raise


def remove_unused(cache: str) -> None:
    """Remove environments that nobody used for long, and what killed builders left."""
    limits = {f"{cache}/{name}": option("environment_unused_s") for name in os.listdir(cache) if re.fullmatch(r"[0-9a-f]{32}", name)}
    limits |= dict.fromkeys(_staged(cache), _ABANDONED_S)
    now = time.time()
    for path, limit_s in limits.items():
        marker = f"{path}/{_MARKER}" if os.path.isfile(f"{path}/{_MARKER}") else path
        with contextlib.suppress(OSError):  # another process removes it
            if now - os.stat(marker).st_mtime > limit_s:
                _remove(path)


def _remove(folder: str) -> None:
    """Remove an environment: at first its name, so that nobody finds a part of it."""
    old = staged_beside(folder.partition(_STAGED)[0])
    os.rename(folder, old)
    shutil.rmtree(old, ignore_errors=True)
