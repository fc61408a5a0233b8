"""Installs packages into a virtual environment with uv, or else with pip, and finds out which of them cannot be had.

Only wheels are installed, unless a setting allows more: building from sources runs the code of whoever wrote them. Indexes, proxies and
credentials are those of the user's own settings of pip or uv; none is ever taken from a record, and none appears in what is told here.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from isfdb.provenance.redaction import redact
from isfdb.replaying.interpreters import find_uv, python_in
from isfdb.replaying.package_indexes import indexes_for_uv

#: From this on, pip installs into an environment that has no pip itself.
_PIP_THAT_SERVES_OTHERS: Final = (22, 3)

#: Settings of the tools that lead elsewhere than into the environment, or allow what only a setting of isfdb allows.
_NOT_HANDED_ON: Final = re.compile(
    r"PYTHON(?:PATH|HOME|STARTUP|USERBASE)|VIRTUAL_ENV|(?:PIP|UV)_(?:NO_BINARY|ONLY_BINARY|NO_BUILD\w*|NO_VERIFY_HASHES|BUILD\w*|CONSTRAINT"
    r"|OVERRIDE|REQUIREMENT|TARGET|PREFIX|ROOT|USER|SYSTEM_PYTHON|PYTHON|REQUIRE_VIRTUALENV|REQUIRE_HASHES|DRY_RUN|NO_DEPS|QUIET"
    r"|VERBOSE|LOG|REPORT|PROJECT\w*|WORKING_DIR|COMPILE_BYTECODE|FORCE_REINSTALL|UPGRADE|IGNORE_INSTALLED|EXTRA|PRE|PRERELEASE|RESOLUTION)"
)

_UNREACHABLE: Final = re.compile(
    r"(?i)newconnectionerror|name resolution|name or service not known|max retries|connection (?:broken|refused|reset|aborted)|proxyerror"
    r"|sslerror|certificate verify failed|read timed out|connecttimeout|failed to fetch|error sending request|network is unreachable"
)


@dataclass(frozen=True)
class Installer:
    """A tool that installs, and how it is to do it.

    Attributes
    ----------
    command : tuple of str
        Up to and with the word ``install``, and the options that always hold.
    folder : str
        An empty folder, where the tool runs: it reads no settings from a project.
    name : str
        ``"uv"`` or ``"pip"``.
    variables : Mapping
        Environment variables besides those of this process.
    deadline : float
        By ``time.monotonic``.
    """

    command: tuple[str, ...]
    folder: str
    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    deadline: float = float("inf")

    def install(self, requirements: Sequence[str], options: Sequence[str] = (), *, only_try: bool = False) -> str:
        """Install packages exactly as they are named, without others they need; return what the tool said where it failed.

        Raises
        ------
        TimeoutError
            The time for the whole environment is over.
        """
        if not requirements:
            return ""
        path = f"{self.folder}/requirements.txt"
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join([*requirements, ""]))
        more = [one for one in options if one not in self.command]  # uv takes none twice
        command = [*self.command, *more, *(["--dry-run"] if only_try else []), "-r", path]
        status, said = self._run(command)
        return "" if status == 0 else said.strip() or f"{self.name} ended with status {status}"

    def _run(self, command: list[str]) -> tuple[int, str]:
        environment = {name: text for name, text in os.environ.items() if not _NOT_HANDED_ON.fullmatch(name)} | dict(self.variables)
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=max(0.1, self.deadline - time.monotonic()) if self.deadline != float("inf") else None,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def unavailable(self, requirements: Sequence[str], options: Sequence[str] = (), *, only_try: bool) -> tuple[list[str], str]:
        """Find out which of the packages cannot be had: of those that fail together, each half, and in the end each alone.

        Parameters
        ----------
        requirements, options : sequence of str
        only_try : bool
            Install none. That is quick, but uv then compares no digests and opens no addresses.

        Returns
        -------
        missing : list of str
            All requirements that cannot be fulfilled.
        said : str
            What the tool said where the reason is not a package but the way to it; then `missing` is not known.
        """
        said = self.install(requirements, options, only_try=only_try)
        if not said:
            return [], ""
        if is_unreachable(said):
            return [], said
        if len(requirements) == 1:
            return list(requirements), ""
        middle = len(requirements) // 2
        missing = []
        for half in (requirements[:middle], requirements[middle:]):
            found, said = self.unavailable(half, options, only_try=only_try)
            if said:
                return [], said
            missing += found
        return missing, ""


def installer_for(folder: str, target: str, deadline: float, *, offline: bool, source_builds: bool) -> Installer:
    """Return what installs into a virtual environment: uv where there is one, else pip.

    Parameters
    ----------
    folder : str
        For the tool. It holds an empty virtual environment, ``python``: both tools start the interpreter they install for, and in the
        environment itself that would run code of the packages that are already there.
    target : str
        The virtual environment.
    deadline : float
        By ``time.monotonic``.
    offline : bool
        Take only what is on this computer: uv's cache, and folders of wheels.
    source_builds : bool
        Whether packages may be built from sources.
    """
    always = ("--prefix", target, "--no-deps", *(() if source_builds else ("--only-binary", ":all:")), "-q")
    python = python_in(f"{folder}/python")
    uv = find_uv()
    if uv is not None:
        command = (uv, "pip", "install", "--python", python, *always, "--no-progress", "--color", "never")
        pip = _own_pip()
        options, variables = indexes_for_uv(pip) if pip else ((), {})
        return Installer((*command, *options, *(("--offline",) if offline else ())), folder, "uv", variables, deadline)
    quiet = ("--no-compile", "--no-warn-script-location", "--disable-pip-version-check", "--no-input")
    command = (*(_own_pip() or _new_pip(folder)), "--python", python, "install", *always, *quiet)
    return Installer((*command, "--no-index") if offline else command, folder, "pip", {}, deadline)


def _own_pip() -> tuple[str, ...]:
    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError:
        return ()
    numbers = re.findall(r"\d+", version)[:2]
    return (sys.executable, "-I", "-m", "pip") if tuple([int(one) for one in numbers]) >= _PIP_THAT_SERVES_OTHERS else ()


def _new_pip(folder: str) -> tuple[str, ...]:
    """Return the pip that comes with Python, in an environment of its own."""
    place = f"{folder}/pip"
    subprocess.run([sys.executable, "-I", "-m", "venv", place], capture_output=True, stdin=subprocess.DEVNULL, check=True)
    return (python_in(place), "-I", "-m", "pip")


def is_unreachable(said: str) -> bool:
    """Say whether a tool failed because it could not reach an index."""
    return _UNREACHABLE.search(said) is not None


def reason(said: str) -> str:
    """Return the end of what a tool said, without addresses, names of hosts and secrets: it may get into a database."""
    if is_unreachable(said):
        return "a package index cannot be reached"
    lines = [line for line in said.strip().splitlines() if line.strip()]
    line = next((line for line in reversed(lines) if line.lower().startswith("error")), lines[-1] if lines else "")
    line = re.sub(r"[A-Za-z+]+://\S+", "<address>", line)
    line = re.sub(r"(?<![\w.-])(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?(?![\w.-])|\b\d+\.\d+\.\d+\.\d+(?::\d+)?\b|\blocalhost\b\S*", "<host>", line)
    return redact(line.strip())[0][:300]
