"""What a command line and a magic let a user ask of a replay, once for both and for the audit. It imports nothing that takes time."""

from __future__ import annotations

from typing import Any

_OPTIONS = (
    "level",
    "all",
    "environment",
    "rtol",
    "atol",
    "changed_inputs",
    "offline",
    "trust",
    "timeout_s",
    "memory_bytes",
    "budget",
    "again",
)


def add_replay_options(parser: Any) -> None:
    """Add how a value is to be made again.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    levels = ("statements", "cells", "everything")
    parser.add_argument("--level", choices=levels, help="the statements needed, all of their cells, or all that ran (default: as stored)")
    parser.add_argument("--all", action="store_true", help="all that ran until the value was stored")
    parser.add_argument("--environment", default="current", metavar="E", help='"current" (default), "recorded", or an interpreter')
    parser.add_argument(
        "--rtol", type=float, metavar="R", help="numbers that differ by this share are close (default: a few units in the last place)"
    )
    parser.add_argument("--atol", type=float, metavar="A", help="numbers that differ by this much are close")
    parser.add_argument("--changed-inputs", action="store_true", help="run it though files that it reads have changed")
    parser.add_argument("--offline", action="store_true", help="without network, where the platform allows")
    parser.add_argument("--trust", action="store_true", help="run it though nothing shows that you wrote it")
    parser.add_argument("--timeout", dest="timeout_s", type=float, metavar="S", help="seconds that each run may take")
    parser.add_argument("--memory", dest="memory_bytes", type=int, metavar="BYTES", help="memory that each process may take for its data")
    parser.add_argument(
        "--budget",
        type=int,
        metavar="N",
        help="runs to spend on finding out why it differs (default: 2); given, it may build the recorded environment",
    )
    parser.add_argument("--again", action="store_true", help="run it though what came of it is known")


def replay_options(arguments: Any) -> dict[str, Any]:
    """Return what was asked for, by the names that :func:`isfdb.replay` gives it."""
    return {name: getattr(arguments, name) for name in _OPTIONS}
