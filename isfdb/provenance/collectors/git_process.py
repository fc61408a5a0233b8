"""Asks the git program one question, safely and for a limited time. It knows how to ask, not what the answers mean.

A repository may come from anywhere, and its own configuration can name programs to run. So nothing of the kind is left on: no file
system monitor, no hooks, no external diff, no filters of the repository's own configuration, no prompts, no pager; and no optional
locks, so that the user's index is never written. Whether git trusts the folder (safe.directory) is left to git.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from isfdb.provenance.collectors.spawning import start

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from isfdb.provenance.collectors.spawning import Child

#: Variables that would send git to another repository, or make it run or print something else.
FOREIGN_VARIABLES = frozenset({
    "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE",
    "GIT_CEILING_DIRECTORIES", "GIT_CONFIG", "GIT_EXEC_PATH", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_PAGER", "GIT_ASKPASS",
    "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_PROXY_COMMAND", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_TRACE", "GIT_TRACE2", "GIT_TRACE2_EVENT", "GIT_TRACE2_PERF", "GIT_TRACE_PACKET",
    "GIT_TRACE_PERFORMANCE", "GIT_TRACE_SETUP", "GIT_REDIRECT_STDIN", "GIT_REDIRECT_STDOUT", "GIT_REDIRECT_STDERR",
})  # fmt: skip

#: What stands before every question.
SAFE_OPTIONS = (
    "--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.untrackedCache=keep",
    "-c", "submodule.recurse=false", "-c", "status.submoduleSummary=false", "-c", "status.relativePaths=false",
    "-c", "gc.auto=0", "-c", "maintenance.auto=false",
    "-c", "protocol.allow=never",  # a partial clone would fetch what it lacks
)  # fmt: skip


class GitUnavailableError(Exception):
    """Git gave no answer; the text says why, in words for the record."""


@dataclass(frozen=True)
class Answer:
    """What one git process said."""

    status: int
    output: bytes
    errors: str


def ask_git(arguments: Sequence[str], *, folder: str, deadline: float, most_bytes: int = 32 << 20, programs: Iterable[str] = ()) -> Answer:
    """Run git in `folder` until it ends, `deadline` (``time.monotonic()``) passes or it has said more than `most_bytes`.

    Parameters
    ----------
    programs : iterable of str
        Names of filters and diff drivers of the repository's own configuration, to be switched off.

    Raises
    ------
    GitUnavailableError
        Git is not installed, too slow, or says too much.
    """
    process = _start(["git", "-C", folder, *SAFE_OPTIONS, *arguments], folder, programs)
    try:
        output, errors = _read(process, deadline, most_bytes, arguments[0])
        status = process.ended(max(0.05, deadline - time.monotonic()))
        if status is None:
            raise GitUnavailableError(f"git {arguments[0]} did not end in time")
        return Answer(status, output, errors)
    finally:
        process.leave()


def _start(command: list[str], folder: str, programs: Iterable[str]) -> Child:
    if not os.path.isdir(folder):
        raise GitUnavailableError("the folder of the repository is gone")
    try:
        return start(command, _environment(programs))
    except FileNotFoundError as error:
        raise GitUnavailableError("git is not installed (not on PATH)") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise GitUnavailableError(f"git could not be started: {error}") from error


def _environment(programs: Iterable[str]) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    variables |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    return variables | without_programs(programs)


def without_programs(programs: Iterable[str]) -> dict[str, str]:
    """Return the variables that take their commands from the filters and diff drivers of these names."""
    # Through the environment, not -c: there a name may hold a "=" that would hide where it ends.
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    variables: dict[str, str] = {}
    for name in programs:
        settings = dict.fromkeys([f"filter.{name}.{one}" for one in ("clean", "smudge", "process")], "")
        settings |= {f"diff.{name}.command": "", f"diff.{name}.textconv": "", f"filter.{name}.required": "false"}
        for setting, value in settings.items():
            variables |= {f"GIT_CONFIG_KEY_{count}": setting, f"GIT_CONFIG_VALUE_{count}": value}
            count += 1
    return variables | {"GIT_CONFIG_COUNT": str(count)} if count else {}


def _read(process: Child, deadline: float, most_bytes: int, question: str) -> tuple[bytes, str]:
    import selectors

    streams: dict[int, list[bytes]] = {process.output: [], process.errors: []}
    size = 0
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise GitUnavailableError(f"git {question} did not answer in time")
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(key.fd)
                streams[key.fd].append(chunk)
                size += len(chunk)
            if size > most_bytes:
                raise GitUnavailableError(f"git {question} said more than {most_bytes >> 20} MB")
    return b"".join(streams[process.output]), b"".join(streams[process.errors]).decode("utf-8", "replace")[:2000]
