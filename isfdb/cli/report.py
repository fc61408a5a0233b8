"""``isfdb report``: write one HTML page about a database: values, how they were made, whether they could be made again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from isfdb.cli.common import add_database, add_json, open_to_read
from isfdb.errors import OptionError

if TYPE_CHECKING:
    import argparse

    from isfdb.auditing.audited import Audit
    from isfdb.cli.terminal import Terminal

SUMMARY = "write one HTML page about a database"
EXAMPLES = """
isfdb report results                               writes results-report.html here
isfdb report results -o audit.html                 somewhere else
isfdb audit results --json > audit.json
isfdb report results --audit audit.json            of one audit, not of all that is on record
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("-o", "--output", "--to", dest="to", metavar="FILE", help="the page to write (default: NAME-report.html)")
    parser.add_argument("--audit", metavar="FILE", help="what 'isfdb audit --json' printed (default: the verdicts on record)")
    parser.add_argument("--no-verify", action="store_true", help="do not check the files")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Write the page and say where."""
    from isfdb.display.safe import visible
    from isfdb.reporting.reports import report

    db = open_to_read(arguments.db)
    audit = _read(arguments.audit) if arguments.audit else None
    path = report(db, arguments.to or f"{db.name}-report.html", audit=audit, verify=not arguments.no_verify)
    terminal.answer({"path": path}, visible(path, 4000))
    return 0


def _read(path: str) -> Audit:
    from isfdb.auditing.audited import Audit

    try:
        with open(path, encoding="utf-8") as file:
            members: Any = json.load(file)
        return Audit.from_json(members)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OptionError(f"{path} holds no audit: {error}. Make one: isfdb audit DB --json > {path}", path=path) from error
