"""The command ``isfdb VERB ...``: finds the verb's file, calls it, and turns every outcome into a message and an exit status."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import textwrap
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from isfdb.cli.terminal import Terminal
from isfdb.cli.verbs import GROUPS, VERBS, groups_text, module_of
from isfdb.display.safe import visible_lines
from isfdb.errors import IsfdbError
from isfdb.nearness import hint, nearest

__all__ = ["GROUPS", "VERBS", "main", "parser"]

DONE, FINDINGS, MISUSE = 0, 1, 2
INTERRUPTED, PIPE_CLOSED = 130, 141

_ABOUT = "Look into databases of results: what is there, what made it, is it whole."
_EPILOG = """\
exit status:
  0  done
  1  done, and something was found: a changed file, a difference, a failed demo
  2  not done: misuse, or an error that the message names
  130 interrupted by Ctrl-C

examples:
  isfdb demo                     a first look: makes the folder isfdb-demo
  isfdb ls results               the tree of keys
  isfdb show results rates       what one key is, and what made it
  isfdb diff results rates       what changed since the version before, and why
  isfdb code results rates       the script that made it
  isfdb verify results           is everything whole and unchanged?
  isfdb audit results            and does its code still make it?
  isfdb registry list            where all the databases are
  isfdb VERB --help              what a verb can do, with examples
"""


class _Parser(argparse.ArgumentParser):
    """argparse, with examples kept as they are written and nothing from the command line able to act on the terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> Any:
        super().error(visible_lines(message))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, and refuse what is left over here, where the verb's own options are known."""
        found, extras = super().parse_known_args(args, namespace)
        if extras:
            options = [text for action in self._actions for text in action.option_strings if text.startswith("--")]
            self.error(f"unrecognized arguments: {' '.join(extras)}.{hint(nearest(extras[0], options))}")
        return found, extras


def parser(verbs: Sequence[str] = VERBS) -> argparse.ArgumentParser:
    """Return the parser of the command line, or of some of its verbs: only their modules are imported."""
    is_whole = tuple(verbs) == VERBS
    about = f"{_ABOUT}\n\n{groups_text()}" if is_whole else _ABOUT
    top = _Parser(prog="isfdb", usage="isfdb [--version] VERB ...", description=about, epilog=_EPILOG)
    top.add_argument("--version", action="store_true", help="print the version and stop")
    choices = top.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser, prog="isfdb", help=argparse.SUPPRESS)
    for verb in verbs:
        _add(choices, verb)
    return top


def _add(choices: Any, verb: str) -> None:
    module = module_of(verb)
    summary = str(module.SUMMARY)
    epilog = "examples:\n" + textwrap.indent(module.EXAMPLES.strip("\n"), "  ")
    one = choices.add_parser(verb, description=summary[0].upper() + summary[1:], epilog=epilog)
    module.add_arguments(one)
    one.set_defaults(run=module.run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit status."""
    _open_what_is_closed()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that knows no line-drawing characters is no reason to fail
    if "_ARGCOMPLETE" in os.environ:
        _complete()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            status = _run(_parsed(sys.argv[1:] if arguments is None else list(arguments)))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever cannot wait for the end ends it at once, without a traceback
        print("isfdb: interrupted", file=sys.stderr)
        return INTERRUPTED
    return status


def _complete() -> None:
    """Answer a shell's Tab key and end; no more verbs are imported than the line needs."""
    from isfdb.cli.completing import complete

    typed = os.environ.get("COMP_LINE", "").split()
    complete(parser((typed[1],) if len(typed) > 2 and typed[1] in VERBS else VERBS))


def _show_warning(message: Any, category: Any, *_: Any, **__: Any) -> None:
    """Show a warning as one that a user reads: no line of source, nothing that acts on the terminal."""
    print(f"isfdb: {category.__name__}: {visible_lines(message)}", file=sys.stderr)


def _open_what_is_closed() -> None:
    """Give a process started with ``>&-`` or ``2>&-`` somewhere to write: what is to be seen is the exit status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process


def _parsed(words: list[str]) -> argparse.Namespace:
    """Parse a command line with no more modules than its verb's."""
    verb = words[0] if words else ""
    if verb in VERBS:
        return parser((verb,)).parse_args(words)
    if verb and not verb.startswith("-"):
        parser(()).error(f"there is no verb {verb!r}.{hint(nearest(verb, VERBS))} All verbs: isfdb --help")
    return parser(() if verb == "--version" else VERBS).parse_args(words)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.version:
        from isfdb._version import get_versions

        print(f"isfdb {get_versions()['version']}")
        return DONE
    if arguments.verb is None:
        parser().print_help()
        return MISUSE
    try:
        return int(arguments.run(arguments, _terminal(arguments)))
    except BrokenPipeError:
        raise
    except (IsfdbError, OSError) as error:
        print(f"isfdb {arguments.verb}: {visible_lines(error)}", file=sys.stderr)
        return MISUSE
    except Exception as error:  # noqa: BLE001 - Python's own traceback has status 1, which says "found", and shows keys as they are
        print(visible_lines(traceback.format_exc()), file=sys.stderr)
        print(f"isfdb {arguments.verb}: a fault in isfdb: {type(error).__name__}. Please report it with the lines above.", file=sys.stderr)
        return MISUSE


def _terminal(arguments: argparse.Namespace) -> Terminal:
    asked = {name: getattr(arguments, name, False) for name in ("json", "jsonl", "no_pager")}
    return Terminal(as_json=asked["json"], as_lines=asked["jsonl"], may_page=not asked["no_pager"])


if __name__ == "__main__":
    sys.exit(main())
