"""Builds a virtual environment with recorded packages, once, in the user's cache folder. What is to go in was decided before.

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
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from isfdb.exact_json import compact
from isfdb.hashing import digest_of
from isfdb.options import option
from isfdb.replaying.installing import Installer, installer_for, is_unreachable, reason
from isfdb.replaying.interpreters import Interpreter, ask_interpreter
from isfdb.replaying.own_packages import requirements_of
from isfdb.replaying.wanted_packages import Unavailable, WantedPackages

#: Changes when environments are built in another way, so that those built before are not used.
_WAY: Final = 1

_MARKER: Final = "isfdb.json"
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
    """

    python: str
    implementation: str
    version: str
    path: tuple[str, ...]
    unavailable: tuple[Unavailable, ...] = ()
    notes: tuple[str, ...] = ()


class _NotBuiltError(Exception):
    """It cannot be built; the text says why."""


def built_environment(
    wanted: WantedPackages, interpreter: Interpreter, *, matters: Callable[[str], bool], offline: bool
) -> BuiltEnvironment | str:
    """Return the environment, from the cache or built now; or why there is none, as a sentence.

    Parameters
    ----------
    wanted : WantedPackages
    interpreter : Interpreter
        Of the recorded kind and version.
    matters : callable
        Whether a package is needed. Where one that is cannot be had, what could be built is not kept.
    offline : bool
        Install only what is on this computer.
    """
    cache = option("cache_folder")
    if cache is None:
        return "there is no folder for caches to build the recorded environment in: set cache_folder"
    folder = f"{cache}/environments/{_name(wanted, interpreter)}"
    found = _found(folder, matters)
    if found is not None:
        return found
    try:
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
        with _alone(folder):
            return _found(folder, matters) or _build(folder, wanted, interpreter, matters, offline=offline)
    except _NotBuiltError as error:
        return str(error)
    except TimeoutError:
        return f"the recorded environment was not built within {option('environment_timeout_s'):g} s: see the setting environment_timeout_s"
    except (OSError, subprocess.SubprocessError) as error:
        return f"the recorded environment cannot be built: {getattr(error, 'strerror', None) or type(error).__name__}"


def _name(wanted: WantedPackages, interpreter: Interpreter) -> str:
    """Return the name of an environment: a digest of what goes in. What a record calls itself is not believed."""
    told = {
        "way": _WAY,
        "python": [interpreter.implementation, interpreter.minor, sysconfig.get_platform()],
        "packages": [wanted.pins, wanted.local, wanted.addresses],
        "needed": requirements_of(_names(wanted)),
        "source_builds": option("environment_source_builds"),
    }
    return digest_of(compact(told).encode())[:32]


def _names(wanted: WantedPackages) -> set[str]:
    return {name_of(one) for one in (*wanted.pins, *wanted.local, *wanted.addresses)}


def name_of(requirement: str) -> str:
    """Return the normalised name in a requirement."""
    return re.sub(r"[-_.]+", "-", re.split(r"[ =<>!~]", requirement, maxsplit=1)[0]).lower()


def _found(folder: str, matters: Callable[[str], bool]) -> BuiltEnvironment | None:
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
    unavailable = tuple([Unavailable(**one) for one in members["unavailable"]])
    texts = {name: str(members[name]) for name in ("python", "implementation", "version")}
    return BuiltEnvironment(path=tuple(members["path"]), unavailable=unavailable, notes=tuple(members["notes"]), **texts)


@contextlib.contextmanager
def _alone(folder: str) -> Iterator[None]:
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


def _staged(cache: str, start: str = "") -> list[str]:
    return [f"{cache}/{name}" for name in os.listdir(cache) if name.startswith(start) and _STAGED in name]


# Building --------------------------------------------------------------------------------------------------------------------------


def _build(
    folder: str, wanted: WantedPackages, interpreter: Interpreter, matters: Callable[[str], bool], *, offline: bool
) -> BuiltEnvironment:
    _remove_unused(os.path.dirname(folder))
    staged = f"{folder}{_STAGED}{os.getpid()}-{secrets.token_hex(4)}"
    os.makedirs(f"{staged}/tools", mode=0o700)
    try:
        subprocess.run(
            [interpreter.python, "-I", "-m", "venv", "--without-pip", f"{staged}/venv"],
            capture_output=True, stdin=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        python = f"{staged}/venv/Scripts/python.exe" if os.name == "nt" else f"{staged}/venv/bin/python"
        deadline = time.monotonic() + option("environment_timeout_s")
        source_builds = option("environment_source_builds")
        installer = installer_for(python, f"{staged}/tools", deadline, offline=offline, source_builds=source_builds)
        with _same_settings(f"{staged}/venv"):
            unavailable, notes = _fill(installer, wanted)
        if any(matters(one.name) for one in unavailable):
            return BuiltEnvironment(interpreter.python, "", "", (), unavailable, notes)
        built = _finished(staged, folder, python, unavailable, notes)
        _publish(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return built


@contextlib.contextmanager
def _same_settings(environment: str) -> Iterator[None]:
    """Let pip find, in the new environment, the settings that this one has for itself."""
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    here, there = f"{sys.prefix}/{name}", f"{environment}/{name}"
    is_needed = os.path.isfile(here) and sys.prefix != sys.base_prefix
    if is_needed:
        shutil.copy(here, there)
    try:
        yield
    finally:
        if is_needed:
            os.unlink(there)


def _fill(installer: Installer, wanted: WantedPackages) -> tuple[tuple[Unavailable, ...], tuple[str, ...]]:
    """Install what can be had; return what cannot, and what stands in place of it."""
    hashed = [one for one in wanted.local if "--hash" in one]
    groups: tuple[tuple[Sequence[str], tuple[str, ...], str], ...] = (
        ((*wanted.pins, *requirements_of(_names(wanted))), (), _no_wheel()),
        ([one for one in wanted.local if "--hash" not in one], ("--no-index",), _NOT_IN_FOLDERS),
        (hashed, ("--no-index", "--require-hashes"), _NOT_IN_FOLDERS),
        (wanted.addresses, (), "its address does not give it"),
    )
    unavailable: list[Unavailable] = []
    notes: list[str] = []
    for requirements, options, because in groups:
        missing, instead = _install(installer, list(requirements), options)
        unavailable += [_unavailable(one, because) for one in missing]
        notes += [f"instead of {one} its public release {other} was installed" for one, other in instead]
    return tuple(unavailable), tuple(notes)


_NOT_IN_FOLDERS: Final = "it was installed from a local folder or file: put its wheel where find-links of pip or uv points to"


def _no_wheel() -> str:
    if option("environment_source_builds"):
        return "no index has it"
    return "no index has a wheel of it; the setting environment_source_builds allows to build it, which runs its code"


def _unavailable(requirement: str, because: str) -> Unavailable:
    version = re.search(r"==([^ ]+)", requirement)
    return Unavailable(name_of(requirement), version[1] if version else "", because)


def _install(installer: Installer, requirements: list[str], options: tuple[str, ...]) -> tuple[list[str], list[tuple[str, str]]]:
    """Install packages; return which cannot be had, and which were replaced by their public release."""
    said = installer.install(requirements, options)
    if not said:
        return [], []
    if is_unreachable(said):
        raise _NotBuiltError(f"the recorded environment cannot be built: {reason(said)}")
    missing, problem = installer.unavailable(requirements, options, only_try=all(_is_pin(one) for one in requirements))
    instead = [(one, public) for one in missing if "+" in one and _is_pin(one) and (public := _public(installer, one, options))]
    missing = [one for one in missing if one not in dict(instead)]
    rest = [dict(instead).get(one, one) for one in requirements if one not in missing]
    if problem := problem or installer.install(rest, options):
        raise _NotBuiltError(f"the recorded environment cannot be built: {reason(problem)}")
    return missing, instead


def _is_pin(requirement: str) -> bool:
    return "@" not in requirement and "--hash" not in requirement


def _public(installer: Installer, requirement: str, options: tuple[str, ...]) -> str:
    """Return the requirement without the mark of a special build (``2.1.0+cu121``) where that can be had."""
    public = requirement.partition("+")[0]
    return "" if installer.install([public], options, only_try=True) else public


def _finished(staged: str, folder: str, python: str, unavailable: tuple[Unavailable, ...], notes: tuple[str, ...]) -> BuiltEnvironment:
    """Make it ready for its final place: bytecode, paths in commands, the marker."""
    shutil.rmtree(f"{staged}/tools")
    found = ask_interpreter(python)
    if isinstance(found, str):
        raise _NotBuiltError(f"the environment that was built does not work: {found}")
    packages = [path for path in found.path if path.startswith(f"{staged}/")]
    # A replay writes no bytecode, so that without this each would compile what it imports.
    command = [python, "-I", "-m", "compileall", "-q", "-j", "0", "-s", staged, "-p", folder, *packages]
    subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)  # files for other versions of Python fail
    _move_paths(os.path.dirname(python), staged, folder)
    moved = tuple([path.replace(staged, folder, 1) for path in found.path])
    built = BuiltEnvironment(python.replace(staged, folder, 1), found.implementation, found.version, moved, unavailable, notes)
    with open(f"{staged}/{_MARKER}", "w", encoding="utf-8") as file:
        json.dump(asdict(built), file, indent=1)
    return built


def _move_paths(commands: str, staged: str, folder: str) -> None:
    """Let the scripts of an environment name the interpreter by its final path."""
    for name in os.listdir(commands):
        path = f"{commands}/{name}"
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            content = file.read()
        if staged.encode() in content and b"\0" not in content:
            _replace(path, content.replace(staged.encode(), folder.encode()))


def _replace(path: str, content: bytes) -> None:
    """Write a file anew: the old one may be shared with the cache of uv."""
    mode = os.stat(path).st_mode
    os.unlink(path)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)


def _publish(staged: str, folder: str) -> None:
    if os.path.isdir(folder):  # one that lacks something, or whose interpreter is gone
        old = f"{folder}{_STAGED}old-{secrets.token_hex(4)}"
        os.rename(folder, old)
        shutil.rmtree(old, ignore_errors=True)
    try:
        os.rename(staged, folder)
    except OSError:
        if not os.path.isfile(f"{folder}/{_MARKER}"):  # else another process was quicker, and built the same
            raise


def _remove_unused(cache: str) -> None:
    """Remove environments that nobody used for long, and what killed builders left."""
    limits = {f"{cache}/{name}": option("environment_unused_s") for name in os.listdir(cache) if re.fullmatch(r"[0-9a-f]{32}", name)}
    limits |= dict.fromkeys(_staged(cache), _ABANDONED_S)
    now = time.time()
    for path, limit_s in limits.items():
        marker = f"{path}/{_MARKER}" if os.path.isfile(f"{path}/{_MARKER}") else path
        with contextlib.suppress(OSError):  # another process removes it
            if now - os.stat(marker).st_mtime > limit_s:
                shutil.rmtree(path, ignore_errors=True)
