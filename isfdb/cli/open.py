"""``isfdb open``: start IPython with a database ready as ``db``, for looking only unless writing is asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from isfdb.cli.common import add_database

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal
    from isfdb.database import Database

SUMMARY = "start IPython with a database ready as db"
EXAMPLES = """
isfdb open results                   look around: db["rates"], %isfdb ls, %isfdb show rates
isfdb open results --write           and store, rename, delete
isfdb open results -c 'len(db)'      run a line and stop; exit status 1 if it fails
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("--write", action="store_true", help="open it for writing (default: for reading only)")
    parser.add_argument("-c", dest="code", metavar="CODE", help="run this code instead of asking for some, and stop")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Start IPython; 1 if the code of ``-c`` failed."""
    from isfdb.opening import open as open_database

    db = open_database(arguments.db, mode="r+" if arguments.write else "r")
    config = _config(banner(db), is_coloured=terminal.is_coloured)
    return _start(db, arguments.code, config)


def banner(db: Database) -> str:
    """Return three lines: what is open, how it is used, how to leave."""
    from isfdb.display.safe import visible
    from isfdb.display.words import count_text

    may = "open for reading and writing" if not db.read_only else "read-only (isfdb open DB --write to change it)"
    return (
        f"db is {visible(db.name)} with {count_text(len(db), 'name')}, {may}: {visible(db.path, 400)}\n"
        '  db["<tab>  %isfdb ls  %isfdb show KEY  %isfdb code KEY  %isfdb?\n'
        "Ctrl-D or exit leaves.\n"
    )


def _config(text: str, *, is_coloured: bool) -> Any:
    from IPython.terminal.interactiveshell import TerminalInteractiveShell
    from traitlets.config import Config

    config = Config()
    config.InteractiveShellApp.extensions = ["isfdb"]
    config.TerminalInteractiveShell.banner1 = text
    config.TerminalInteractiveShell.banner2 = ""
    config.TerminalInteractiveShell.confirm_exit = False
    if hasattr(TerminalInteractiveShell, "enable_tip"):  # IPython 9
        config.TerminalInteractiveShell.enable_tip = False
    if not is_coloured:
        config.InteractiveShell.colors = "nocolor"
    return config


def _start(db: Database, code: str | None, config: Any) -> int:
    from IPython.terminal.ipapp import TerminalIPythonApp

    if code is not None:
        config.InteractiveShellApp.code_to_run = code
    app: Any = TerminalIPythonApp.instance(config=config, user_ns={"db": db, "isfdb": sys.modules["isfdb"]})
    app.initialize([])
    if code is None:
        app.start()
        return 0
    result = app.shell.last_execution_result
    return 0 if result is None or result.success else 1
