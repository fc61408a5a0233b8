"""``isfdb audit``: verify databases, make their values again, and say what is explained, repeatable and repeated; for people and for CI."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from isfdb.cli.common import add_json, count, open_to_note
from isfdb.replaying.arguments import add_replay_options, replay_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from isfdb.auditing.audited import Audit
    from isfdb.cli.terminal import Terminal

SUMMARY = "verify databases, make their values again, and count what came out the same"
EXAMPLES = """
isfdb audit results                                everything: files, records, and every value made again
isfdb audit results old_results                    several databases
isfdb audit results --no-replay                    run no code: files, records, and what is explained
isfdb audit results --only "cells/*" --sample 0.1  a tenth of some keys
isfdb audit results --max-time 10m --jobs 4        four at once; the next call goes on where this one ends
isfdb audit results --changed-since "last audit"   what was stored since
isfdb audit results --no-replay --seal             one digest over everything, to write in a lab book
isfdb audit results --junit audit.xml --trust      for CI, which did not write the code; exit status 1 if anything is not as it should be
"""

#: What counts as the same value, strictest first.
_LEVELS: Final = ("identical", "equal", "close")
_ALLOWED: Final = ("findings", "unexplained", "different", "not-runnable")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    parser.add_argument("databases", nargs="+", metavar="DB", help="databases: their folders, or their names or ids in the registry")
    what = parser.add_argument_group("what is looked at")
    what.add_argument("--only", action="append", metavar="PATTERN", help="keys that fit, or a sub-database; may be given several times")
    what.add_argument("--changed-since", metavar="TIME", help='versions stored then or later: a date, a time, or "last audit"')
    what.add_argument("--sample", type=_sample, metavar="N", help="so many values, or a share of them: 20, 0.1")
    what.add_argument("--seed", type=count, default=1, metavar="N", help="of the sample (default: 1)")
    what.add_argument("--all-versions", action="store_true", help="all versions; default: the newest of each key")
    what.add_argument("--no-verify", action="store_true", help="do not check files against their digests")
    what.add_argument("--no-replay", action="store_true", help="make nothing again: no code is run")
    how = parser.add_argument_group("how values are made again")
    add_replay_options(how)
    run_ = parser.add_argument_group("how long it takes")
    run_.add_argument("--jobs", type=count, default=1, metavar="N", help="replays at once (default: 1)")
    run_.add_argument(
        "--max-time", type=_duration, metavar="S", help="begin no replay after this time: 600, 10m, 2h; the next call goes on"
    )
    run_.add_argument("--from-start", action="store_true", help="do not go on with an audit that was interrupted")
    result = parser.add_argument_group("what is passed, and what is written")
    result.add_argument(
        "--allow", action="append", default=[], choices=_ALLOWED, metavar="WHAT", help=f"no reason for exit status 1: {', '.join(_ALLOWED)}"
    )
    result.add_argument(
        "--at-least", default="close", choices=_LEVELS, metavar="S", help="what counts as the same: identical, equal, close (default)"
    )
    result.add_argument("--junit", metavar="FILE", help="write JUnit XML there; a file of that name is replaced")
    result.add_argument("--seal", action="store_true", help="afterwards seal each database: print one head digest for a lab book")
    result.add_argument("--sign", metavar="KEYFILE", help="sign the seal with a private Ed25519 key (PEM); implies --seal")
    result.add_argument("--rows", type=count, default=100, metavar="N", help="rows of the table to print (default: 100)")
    add_json(parser, lines="a value, with its verdict")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the audit; 1 if it is not passed."""
    from isfdb.auditing.audits import audit
    from isfdb.sealing.seals import seal
    from isfdb.sealing.signatures import SigningKey

    databases = [open_to_note(target) for target in arguments.databases]
    # What cannot be read or written is refused now, not after hours of replays.
    if arguments.junit:
        _write(arguments.junit, "", mode="a")
    for db in databases if arguments.sign else ():
        SigningKey.read(arguments.sign, db.root.path)
    found = audit(databases, progress=terminal.progress or _teller(terminal), **_options(arguments))
    problems = found.problems(allow=arguments.allow, at_least=arguments.at_least)
    if arguments.junit:
        _write(arguments.junit, found.to_junit())
    seals = [seal(db, sign=arguments.sign) for db in databases] if arguments.seal or arguments.sign else []
    text = _coloured(found, terminal, arguments.rows, is_good=not problems)
    told = {**found.to_json(), "problems": problems, "seals": [one.to_json() for one in seals]}
    terminal.answer(told, "\n".join([text, *map(str, seals)]), told["rows"])
    return 1 if problems else 0


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    names = ("only", "changed_since", "sample", "seed", "all_versions", "jobs")
    options = {name: getattr(arguments, name) for name in names} | replay_options(arguments)
    steps = {"verify": not arguments.no_verify, "replay": not arguments.no_replay, "resume": not arguments.from_start}
    return options | steps | {"max_time_s": arguments.max_time}


def _teller(terminal: Terminal) -> Callable[[int, int, str], None]:
    """Return what prints a line for each replay, where there is no terminal to draw a bar on: a log should show that it goes on."""
    from isfdb.display.safe import visible

    def tell(number: int, n_all: int, name: str) -> None:
        if not terminal.as_json:
            print(f"isfdb audit: replay {number} of {n_all}: {visible(name)}", file=sys.stderr, flush=True)

    return tell


def _coloured(found: Audit, terminal: Terminal, rows: int, *, is_good: bool) -> str:
    head, _, rest = found.to_text(columns=terminal.columns, most=rows).partition("\n")
    return f"{(terminal.good if is_good else terminal.bad)(head)}\n{rest}"


def _write(path: str, text: str, *, mode: str = "w") -> None:
    with open(path, mode, encoding="utf-8") as file:
        file.write(text)


# Arguments -----------------------------------------------------------------------------------------------------------------------


def _sample(text: str) -> int | float:
    if text.isdecimal():
        return count(text)
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 nor a share such as 0.1")
    return share


def _duration(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|h|)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time. Write 600, 90s, 10m or 2h")
    return float(found[1]) * _SECONDS[found[2]]
