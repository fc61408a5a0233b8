"""Builds a virtual environment with recorded packages, once. What goes in was decided before; where it is kept is not known here."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from isfdb.exact_json import compact
from isfdb.hashing import digest_of
from isfdb.options import option
from isfdb.replaying.built_environments import BuiltEnvironment, alone, find_built, mark, publish, remove_unused, staged_beside
from isfdb.replaying.installing import Installer, installer_for, is_unreachable, reason
from isfdb.replaying.interpreters import ask_interpreter, find_interpreter, make_virtual_environment, python_in
from isfdb.replaying.own_packages import requirements_of
from isfdb.replaying.wanted_packages import Unavailable, WantedPackages

#: Changes when environments are built in another way, so that those built before are not used.
_WAY: Final = 1

#: An audit asks for the same environment a thousand times. What just could not be built is not tried again for so long.
_PATIENCE_S: Final = 60.0

_failed: dict[tuple[str, bool], tuple[float, BuiltEnvironment | str]] = {}


class _NotBuiltError(Exception):
    """It cannot be built; the text says why."""


def built_environment(
    wanted: WantedPackages, *, matters: Callable[[str], bool], offline: bool, build: bool = True
) -> BuiltEnvironment | str:
    """Return the environment, from the cache or built now; or why there is none, as a sentence.

    Parameters
    ----------
    wanted : WantedPackages
    matters : callable
        Whether a package is needed. Where one that is cannot be had, what could be built is not kept.
    offline : bool
        Install only what is on this computer.
    build : bool
        Build it where it is not in the cache.
    """
    cache = option("cache_folder")
    if cache is None:
        return "there is no folder for caches to build the recorded environment in: set cache_folder"
    folder = f"{cache}/environments/{_name(wanted)}"
    found = find_built(folder, matters) or _just_failed((folder, offline), matters)
    if found is None and not build:
        return "the recorded environment is not built on this computer yet, which can take minutes"
    if found is None:
        found = _built_alone(folder, wanted, matters, offline=offline)
        if isinstance(found, str) or found.unavailable:
            _failed[folder, offline] = (time.monotonic(), found)
    return found if isinstance(found, str) or not found.path else _with_bytecode(found, folder, matters)


def _just_failed(what: tuple[str, bool], matters: Callable[[str], bool]) -> BuiltEnvironment | str | None:
    when, found = _failed.get(what, (0.0, ""))
    is_old = what not in _failed or time.monotonic() - when > _PATIENCE_S
    return found if not is_old and (isinstance(found, str) or any(matters(one.name) for one in found.unavailable)) else None


def _built_alone(folder: str, wanted: WantedPackages, matters: Callable[[str], bool], *, offline: bool) -> BuiltEnvironment | str:
    try:
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
        with alone(folder):
            return find_built(folder, matters) or _build(folder, wanted, _python_for(wanted), matters, offline=offline)
    except _NotBuiltError as error:
        return str(error)
    except TimeoutError:
        return f"the recorded environment was not built within {option('environment_timeout_s'):g} s: see the setting environment_timeout_s"
    except (OSError, subprocess.SubprocessError) as error:
        return f"the recorded environment cannot be built: {getattr(error, 'strerror', None) or type(error).__name__}"


def _python_for(wanted: WantedPackages) -> str:
    found = find_interpreter(wanted.implementation, wanted.minor)
    if found is None or found.is_old:
        raise _NotBuiltError(
            f"the session ran in {wanted.implementation} {wanted.python}, and there is no {wanted.implementation} {wanted.minor} "
            f"that isfdb runs in on this computer. Install one so that python{wanted.minor} is found "
            f"(uv python install {wanted.minor} does), or replay in another environment."
        )
    return found.python


def _name(wanted: WantedPackages) -> str:
    """Return the name of an environment: a digest of what goes in. What a record calls itself is not believed."""
    told = {
        "way": _WAY,
        "python": [wanted.implementation, wanted.minor, sysconfig.get_platform()],
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


# Building --------------------------------------------------------------------------------------------------------------------------


def _build(folder: str, wanted: WantedPackages, interpreter: str, matters: Callable[[str], bool], *, offline: bool) -> BuiltEnvironment:
    remove_unused(os.path.dirname(folder))
    staged = staged_beside(folder)
    os.makedirs(f"{staged}/tools", mode=0o700)
    try:
        for name in ("tools/python", "venv"):
            make_virtual_environment(interpreter, f"{staged}/{name}")
        # Asked now, for once packages are in it, it runs their code when it starts (.pth files), and that is left to the walled process.
        found = ask_interpreter(python_in(f"{staged}/venv"))
        if isinstance(found, str):
            raise _NotBuiltError(f"a virtual environment that was made does not work: {found}")
        unavailable, notes = _fill(_installer(staged, offline=offline), wanted)
        if any(matters(one.name) for one in unavailable):
            return BuiltEnvironment(interpreter, "", "", (), unavailable, notes)
        shutil.rmtree(f"{staged}/tools")
        _move_paths(os.path.dirname(found.python), staged, folder)
        python, *path = (one.replace(staged, folder, 1) for one in (found.python, *found.path))
        built = BuiltEnvironment(python, found.implementation, found.version, tuple(path), unavailable, notes)
        mark(staged, built)
        publish(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return built


def _installer(staged: str, *, offline: bool) -> Installer:
    """Return what installs into the new environment. It runs in another one, which stays empty."""
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    if sys.prefix != sys.base_prefix and os.path.isfile(f"{sys.prefix}/{name}"):
        shutil.copy(f"{sys.prefix}/{name}", f"{staged}/tools/python/{name}")  # what this environment has set for its own pip
    deadline = time.monotonic() + option("environment_timeout_s")
    source_builds = option("environment_source_builds")
    return installer_for(f"{staged}/tools", f"{staged}/venv", deadline, offline=offline, source_builds=source_builds)


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


def _with_bytecode(built: BuiltEnvironment, folder: str, matters: Callable[[str], bool]) -> BuiltEnvironment:
    """Compile the packages that a session had imported: a replay writes no bytecode, and would compile what it imports every time.

    None of their code runs: -S keeps the interpreter from looking at them when it starts.
    """
    folders = {
        normalised: os.path.join(path, name)
        for path in built.path
        if path.startswith(f"{folder}/") and os.path.isdir(path)
        for name in os.listdir(path)
        if name.endswith(".dist-info") and matters(normalised := name_of(name.partition("-")[0])) and normalised not in built.compiled
    }
    if not folders:
        return built
    with contextlib.suppress(OSError):  # where nothing more can be written, it is compiled every time
        _compile(built.python, folder, [path for about in folders.values() for path in _modules(about)])
        built = replace(built, compiled=tuple(sorted({*built.compiled, *folders})))
        mark(folder, built)
    return built


def _compile(python: str, folder: str, paths: list[str]) -> None:
    listed = f"{folder}/compile.{os.getpid()}-{secrets.token_hex(4)}.txt"
    with open(listed, "w", encoding="utf-8") as file:
        file.write("\n".join(paths))
    command = [python, "-I", "-S", "-m", "compileall", "-q", "-j", "0", "-i", listed]
    subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)  # files for other versions of Python fail
    os.unlink(listed)


def _modules(about: str) -> list[str]:
    """Return the Python files of an installed package, but for its tests."""
    try:
        with open(f"{about}/RECORD", encoding="utf-8", errors="replace") as file:
            paths = [line.partition(",")[0].strip('"') for line in file]
    except OSError:
        return []
    place = os.path.dirname(about)
    return [f"{place}/{path}" for path in paths if path.endswith(".py") and not path.startswith("..") and not re.search(r"/tests?/", path)]


def _move_paths(commands: str, staged: str, folder: str) -> None:
    """Let the commands of an environment name its own interpreter by its final path, not the one that installed them."""
    for name in os.listdir(commands):
        path = f"{commands}/{name}"
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            content = file.read()
        if staged.encode() in content and b"\0" not in content:
            content = content.replace(f"{staged}/tools/python/".encode(), f"{folder}/venv/".encode())
            _replace(path, content.replace(staged.encode(), folder.encode()))


def _replace(path: str, content: bytes) -> None:
    """Write a file anew: the old one may be shared with the cache of uv."""
    mode = os.stat(path).st_mode
    os.unlink(path)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)
