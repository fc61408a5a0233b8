"""``isfdb code``: print the script that made a value, or check that it still does; exit status 1 if it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isfdb.cli.common import add_database, add_json, database_members, open_to_note, open_to_read, version_of_text

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "print the script that made a value, and check it"
EXAMPLES = """
isfdb code results rates                        the script; nothing is run
isfdb code results rates -o rates.py            into a new file
isfdb code results rates --notebook rates.ipynb as a notebook
isfdb code results rates --check                run it in a clean process and compare
isfdb code results rates --level everything     all that ran until the value was stored
isfdb code results rates --all                  all that the session ran, to read
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", metavar="KEY", help="the key, with / between sub-databases")
    parser.add_argument("--version", dest="number", metavar="N", help="a version's number, a date or a digest (default: the newest)")
    levels = ("statements", "cells", "everything")
    parser.add_argument("--level", choices=levels, help="the statements needed, all of their cells, or all that ran")
    parser.add_argument("--all", action="store_true", help="all that the session ran, to read")
    parser.add_argument("--check", action="store_true", help="run it in a clean process and compare; try wider ones where it differs")
    parser.add_argument("--trust", action="store_true", help="with --check: run it though nothing shows that you wrote it")
    parser.add_argument("--timeout", type=float, metavar="S", help="with --check: seconds that each run may take")
    parser.add_argument("--notebook", metavar="FILE", help="write a notebook to a new file; - for standard output")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the script to a new file")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the script; 1 if a check failed."""
    from isfdb.explaining.scripts import code

    db = open_to_note(arguments.db) if arguments.check else open_to_read(arguments.db)  # a check leaves a note
    script = code(
        db,
        arguments.key,
        version=version_of_text(arguments.number),
        level=arguments.level,
        all=arguments.all,
        check=arguments.check,
        trust=arguments.trust,
        timeout_s=arguments.timeout,
    )
    if arguments.output:
        with open(arguments.output, "x", encoding="utf-8", errors="replace") as file:
            file.write(str(script))
    if arguments.notebook:
        _write_notebook(script, arguments.notebook, terminal)
    elif terminal.as_json or not arguments.output:
        terminal.answer({"database": database_members(db), **script.to_json()}, script.told())
    return 1 if script.status == "failed" and arguments.check else 0


def _write_notebook(script: Any, path: str, terminal: Terminal) -> None:
    import json

    if path != "-":
        script.to_notebook(path)
        terminal.say(f"wrote {path}")
    else:
        print(json.dumps(script.to_notebook(), indent=1))
