"""The command ``isfdb VERB ...``: calls the verb, and turns every outcome, Ctrl-C included, into a message and an exit status.

Nearly nothing is imported here before :func:`main` runs: while modules are imported, too, Ctrl-C shall show no traceback.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from isfdb.cli.verbs import VERBS

if TYPE_CHECKING:
    import argparse

DONE, FINDINGS, MISUSE = 0, 1, 2
INTERRUPTED, PIPE_CLOSED = 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit status."""
    try:
        _open_what_is_closed()
        if "_ARGCOMPLETE" in os.environ:
            _complete()
        status = _run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = PIPE_CLOSED
    except KeyboardInterrupt:
        if arguments is None:  # what was cut off, a coroutine of a kernel's say, is no news to who cut it off
            warnings.simplefilter("ignore")
        print("isfdb: interrupted", file=sys.stderr)
        status = INTERRUPTED
    if arguments is None:
        # What Python does at its end is no place for a traceback. Work that is done stays done; who was interrupted need not wait.
        signal.signal(signal.SIGINT, signal.SIG_DFL if status == INTERRUPTED else signal.SIG_IGN)
    return status


def _open_what_is_closed() -> None:
    """Give a process started with ``>&-`` or ``2>&-`` somewhere to write: what is to be seen is the exit status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that knows no line-drawing characters is no reason to fail


def _complete() -> None:
    """Answer a shell's Tab key and end; no more verbs are imported than the line needs."""
    from isfdb.cli.completing import complete
    from isfdb.cli.parsing import parser

    typed = os.environ.get("COMP_LINE", "").split()
    complete(parser((typed[1],) if len(typed) > 2 and typed[1] in VERBS else VERBS))


def _run(words: list[str]) -> int:
    import warnings

    from isfdb.cli.parsing import parsed, parser

    arguments = parsed(words)
    if arguments.version:
        from isfdb._version import get_versions

        print(f"isfdb {get_versions()['version']}")
        return DONE
    if arguments.verb is None:
        parser().print_help()
        return MISUSE
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        return _call(arguments)


def _call(arguments: argparse.Namespace) -> int:
    from isfdb.cli.terminal import Terminal
    from isfdb.display.safe import visible_lines
    from isfdb.errors import IsfdbError

    asked = {name: getattr(arguments, name, False) for name in ("json", "jsonl", "no_pager")}
    terminal = Terminal(as_json=asked["json"], as_lines=asked["jsonl"], may_page=not asked["no_pager"])
    try:
        return int(arguments.run(arguments, terminal))
    except BrokenPipeError:
        raise
    except (IsfdbError, OSError) as error:
        print(f"isfdb {arguments.verb}: {visible_lines(error)}", file=sys.stderr)
    except Exception as error:  # noqa: BLE001 - Python's own traceback has status 1, which says "found", and shows keys as they are
        import traceback

        print(visible_lines(traceback.format_exc()), file=sys.stderr)
        print(f"isfdb {arguments.verb}: a fault in isfdb: {type(error).__name__}. Please report it with the lines above.", file=sys.stderr)
    return MISUSE


def _show_warning(message: Any, category: Any, *_: Any, **__: Any) -> None:
    """Show a warning as one that a user reads: no line of source, nothing that acts on the terminal."""
    from isfdb.display.safe import visible_lines

    print(f"isfdb: {category.__name__}: {visible_lines(message)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
