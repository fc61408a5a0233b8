"""Lets git act on a repository that nobody vouches for, through GitPython. It knows how to ask, not what to do.

A repository's own settings can name programs: hooks, filters, diff drivers, file system monitors. None of them is run, nothing is
fetched from a network, and submodules are left alone. What only looks at a work tree goes through
:mod:`isfdb.provenance.collectors.git_process`, which needs no GitPython and is quicker to start.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.provenance.collectors.git_process import FOREIGN_VARIABLES, SAFE_OPTIONS, without_programs
from isfdb.provenance.redaction import redact

_TIMEOUT_S: Final = 60.0
_OPTIONS: Final = (*SAFE_OPTIONS, "-c", "core.sparseCheckout=false", "-c", "advice.detachedHead=false", "-c", "apply.ignoreWhitespace=no")
_NAMES_A_PROGRAM: Final = re.compile(r"(?:filter|diff|merge)\.(.+)\.[^.]+", re.DOTALL)


class GitFailedError(Exception):
    """Git did not do it. The text says why, in words for a verdict; `errors` is all that git said."""

    def __init__(self, text: str, errors: str = "") -> None:
        super().__init__(text)
        self.errors = errors


@dataclass(frozen=True)
class SafeGit:
    """Git in one folder.

    Attributes
    ----------
    folder : str
        A work tree, or a bare repository.
    variables : mapping
        What takes their commands from filters and drivers; see :func:`safe_git`.
    settings : mapping
        More of git's settings, as ``{"core.autocrlf": "true"}``.
    """

    folder: str
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    def ask(self, *arguments: str, timeout_s: float = _TIMEOUT_S) -> bytes:
        """Run one command and return what it printed.

        Raises
        ------
        GitFailedError
            There is no git, it took too long, or it says no.
        """
        given = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        status, output, errors = _execute([*_OPTIONS, *given, "-C", self.folder, *arguments], dict(self.variables), timeout_s)
        if status == 0:
            return output
        raise GitFailedError(_in_words(arguments[0], status, errors), errors)

    def succeeds(self, *arguments: str) -> bool:
        """Say whether a command that only looks ends well."""
        with contextlib.suppress(GitFailedError):
            self.ask(*arguments)
            return True
        return False


def safe_git(folder: str) -> SafeGit:
    """Return git for a folder, with every filter, diff and merge driver that any of its settings name taken out of use.

    Raises
    ------
    GitFailedError
        There is no git, or it refuses this repository.
    """
    names = SafeGit(folder).ask("config", "--null", "--name-only", "--list").split(b"\0")
    programs = {match[1] for name in names if (match := _NAMES_A_PROGRAM.fullmatch(os.fsdecode(name)))}
    variables = without_programs(sorted(programs)) | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    return SafeGit(folder, variables)


def _execute(arguments: list[str], variables: dict[str, str], timeout_s: float) -> tuple[int, bytes, str]:
    git = _gitpython()
    # GitPython hands on all variables of this process; those that lead elsewhere, as in a git hook, are taken off by `env`.
    foreign = [part for name in sorted(FOREIGN_VARIABLES & os.environ.keys()) for part in ("-u", name)]
    command = [*(["env", *foreign] if foreign else []), str(git.Git.GIT_PYTHON_GIT_EXECUTABLE or "git"), *arguments]
    try:
        status, output, errors = git.Git(os.sep).execute(
            command,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
            kill_after_timeout=timeout_s,
            env=variables,
            start_new_session=True,
        )
    except (git.exc.GitError, OSError, ValueError) as error:
        raise GitFailedError(f"git could not be started: {redact(str(error))[0][:200]}") from error
    return status, output, errors


def _gitpython() -> Any:
    """Import GitPython, which takes a while, and which refuses to be imported where there is no git."""
    try:
        import git
    except ImportError as error:
        words = str(error).strip().splitlines() or [""]
        raise GitFailedError(f"git is not installed, or not on PATH ({words[0][:100]}): install it") from error
    return git


def _in_words(command: str, status: int, errors: str) -> str:
    if "dubious ownership" in errors or "unsafe repository" in errors:
        return "git refuses this repository because it belongs to somebody else (git's setting safe.directory)"
    if errors.startswith("Timeout:"):
        return f"git {command} did not end in time"
    first = next((line for line in errors.splitlines() if line.startswith(("fatal:", "error:"))), "")
    return f"git {command} failed: {redact(first or errors.strip() or f'exit status {status}')[0][:300]}"
