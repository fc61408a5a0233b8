"""``%isfdb VERB ...``: parse a line, call the library, return what it returns."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import MagicArgumentParser

from isfdb import display
from isfdb.database import Database
from isfdb.display.safe import visible, visible_lines
from isfdb.errors import IsfdbError
from isfdb.replaying.arguments import add_replay_options, replay_options

_FLAG = re.compile(r"(?<!\S)--(everywhere|stale)(?!\S)")
_NO_DATABASE = "no database is open here. Open one first: %isfdb open results"


def _words(line: str) -> list[str]:
    """Split a line at spaces; quotes hold words together, and backslashes are kept, as Windows paths need."""
    try:
        words = shlex.split(line, posix=False)
    except ValueError as error:
        raise UsageError(f"{visible(line, 80)!r} cannot be split into words: {error}") from error
    return [word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word for word in words]


def _number(text: str | None) -> Any:
    """Return which version is meant: a number, else a date or a digest."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 6 else text


def _parser(verb: str, summary: str) -> Any:
    return MagicArgumentParser(prog=f"%isfdb {verb}", description=summary, add_help=False)


def _parsers() -> dict[str, Any]:
    opening = _parser("open", "Open a database, or make one, and bind it to a variable.")
    opening.add_argument("target", help="a folder, or a name or id in the registry")
    opening.add_argument("--as", dest="name", default="db", help="the variable (default: db)")
    opening.add_argument("--mode", default="a", choices=("r", "r+", "a", "w-"), help='"r": read only (default: a)')
    listing = _parser("ls", "Show the keys of a database as a tree.")
    listing.add_argument("words", nargs="*", metavar="DB", help="a variable, folder, name or id (default: the one opened last)")
    listing.add_argument("--depth", type=int, help="levels to show")
    showing = _parser("show", "Show what one key is and what made it; no value is loaded.")
    showing.add_argument("words", nargs="+", metavar="[DB] KEY", help="the key")
    logging = _parser("log", "Show what was stored when; with --cells also what ran.")
    logging.add_argument("words", nargs="*", metavar="[DB] [KEY]", help="one key only")
    logging.add_argument("--cells", action="store_true", help="the cells of the sessions that stored it")
    logging.add_argument("-n", "--last", type=int, help="only the newest so many versions")
    tracing = _parser("lineage", "Show what a value was made from, or what was made from it.")
    tracing.add_argument("words", nargs="+", metavar="[DB] KEY", help="the key")
    tracing.add_argument("--direction", default="upstream", choices=("upstream", "downstream", "both"), help="default: upstream")
    tracing.add_argument("--depth", type=int, help="how many stored values to follow one after the other")
    tracing.add_argument("--git", action="store_true", help="ask git whether the code that was used differs now")
    whence = _parser("whence", "Find where an exported file came from.")
    whence.add_argument("file", help="a figure, table or other file that a session wrote")
    coding = _parser("code", "Give the script that made a value; nothing is run but with --check.")
    coding.add_argument("words", nargs="+", metavar="[DB] KEY", help="the key")
    coding.add_argument("--version", dest="number", help="a version's number, a date or a digest (default: the newest)")
    coding.add_argument("--level", choices=("statements", "cells", "everything"), help="default: the stored script")
    coding.add_argument("--all", action="store_true", help="all that the session ran, to read")
    coding.add_argument("--check", action="store_true", help="run it in a clean process and compare")
    coding.add_argument("--trust", action="store_true", help="run it though nothing shows that you wrote it")
    coding.add_argument("--notebook", metavar="FILE", help="write it as a notebook, too")
    replaying = _parser("replay", "Make a value again in a clean process, and say what came of it and why.")
    replaying.add_argument("words", nargs="+", metavar="[DB] KEY", help="the key")
    replaying.add_argument("--version", dest="number", help="a version's number, a date or a digest (default: the newest)")
    add_replay_options(replaying)
    differing = _parser("diff", "Show in what two versions, keys or databases differ, and what may explain it.")
    differing.add_argument("words", nargs="+", metavar="DB|KEY|LINK", help="databases, keys with or without @VERSION, or links")
    differing.add_argument("--rtol", type=float, default=0.0, help="numbers that differ by this share are close (default: 0)")
    differing.add_argument("--atol", type=float, default=0.0, help="numbers that differ by this much are close (default: 0)")
    verifying = _parser("verify", "Check that every file is there and is what was stored.")
    verifying.add_argument("words", nargs="*", metavar="[DB] [KEY]", help="one key only")
    verifying.add_argument("--against", metavar="HEAD", help="the head of a seal, from a lab book, or the file of a seal")
    auditing = _parser("audit", "Verify a database, make its values again, and count what came out the same.")
    auditing.add_argument("words", nargs="*", metavar="[DB] [KEY]", help="one key only")
    auditing.add_argument("--only", action="append", metavar="PATTERN", help="keys that fit, or a sub-database")
    auditing.add_argument("--changed-since", metavar="TIME", help='a date, a time, or "last audit"')
    auditing.add_argument("--sample", type=float, metavar="N", help="so many values; below 1: a share of them")
    auditing.add_argument("--max-time", dest="max_time_s", type=float, metavar="S", help="seconds after which no replay is begun")
    auditing.add_argument("--jobs", type=int, default=1, metavar="N", help="replays at once (default: 1)")
    auditing.add_argument("--no-replay", action="store_true", help="run no code")
    add_replay_options(auditing)
    reporting = _parser("report", "Write one HTML page about a database: values, how they were made, whether they could be made again.")
    reporting.add_argument("words", nargs="*", metavar="[DB]", help="a variable, folder, name or id (default: the one opened last)")
    reporting.add_argument("-o", "--output", "--to", dest="to", metavar="FILE", help="the page to write (default: NAME-report.html)")
    finding = _parser("find", "Find keys by what is known about them.")
    exporting = _parser("export", "Write results and their provenance for people and programs that have no isfdb.")
    exporting.add_argument("words", nargs="*", metavar="[DB] [KEY]", help="one key, or a sub-database, only")
    exporting.add_argument("-o", "--to", required=True, help="a .json, a .zip or a folder")
    exporting.add_argument("--format", choices=("bundle", "prov", "ro-crate"), help="default: by the name that -o gives")
    exporting.add_argument("--no-data", action="store_true", help="records and code only")
    return {
        "open": opening,
        "ls": listing,
        "show": showing,
        "log": logging,
        "code": coding,
        "replay": replaying,
        "diff": differing,
        "find": finding,
        "lineage": tracing,
        "whence": whence,
        "verify": verifying,
        "audit": auditing,
        "report": reporting,
        "export": exporting,
    }


@magics_class
class IsfdbMagics(Magics):
    """The line magic ``%isfdb``."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._parsers = _parsers()
        self._opened: Database | None = None

    @property
    def _names(self) -> dict[str, Any]:
        assert self.shell is not None  # IPython registers magics with a shell only
        names: dict[str, Any] = self.shell.user_ns
        return names

    @line_magic
    def isfdb(self, line: str) -> Any:
        """Look into databases of results.

        %isfdb open TARGET [--as NAME] [--mode r|r+|a|w-]   open or make a database, and bind it to a variable
        %isfdb ls [DB] [--depth N]                          its keys, as a tree
        %isfdb show [DB] KEY                                what one key is, and what made it
        %isfdb log [DB] [KEY] [--cells] [-n N]              what was stored when, and which cells ran
        %isfdb code [DB] KEY [--check] [--all]              the script that made it; --check runs it and compares
        %isfdb replay [DB] KEY [--again] [--environment E]  make it again, compare, and say why it differs
        %isfdb diff [DB] KEY[@N] [KEY[@N]] [--rtol R]       in what versions, keys or databases differ, and why
        %isfdb find [DB] QUERY [--stale] [--everywhere]     the keys that match: user:ann numpy<2 *spikes*
        %isfdb lineage [DB] KEY [--direction D] [--depth N] what it was made from, or what was made from it
        %isfdb verify [DB] [KEY] [--against HEAD]           is everything whole and unchanged?
        %isfdb audit [DB] [KEY] [--sample N] [--trust]      and does its code still make it?
        %isfdb report [DB] [-o FILE]                        one HTML page of all that, for reviewers
        %isfdb export [DB] [KEY] -o FILE [--format F]       PROV-JSON, RO-Crate, or a bundle that explains itself

        DB is a variable, a folder, or a name or id in the registry; without it, the database opened last is meant, else the
        variable db. $name and {expression} are replaced by their values. The result is an object: x = %isfdb show rates

        Examples
        --------
        %isfdb open results
        %isfdb ls
        %isfdb show cells/L5PT
        %isfdb log rates --cells
        %isfdb code rates
        %isfdb replay rates
        %isfdb diff rates@1 rates@2
        %isfdb find type:frame since:2 days
        %isfdb verify results
        """
        verb, _, rest = line.strip().partition(" ")
        if verb not in self._parsers:
            known = ", ".join(self._parsers)
            raise UsageError(f"%isfdb knows the verbs {known}{f', not {visible(verb, 40)!r}' if verb else ''}. See %isfdb?")
        # A query has quotes and signs of its own, which are left as they are.
        arguments = rest if verb == "find" else self._parsers[verb].parse_args(_words(rest))
        act: Callable[[Any], Any] = getattr(self, f"_{verb}")
        try:
            return act(arguments)
        except (IsfdbError, OSError) as error:
            # IPython shows a UsageError as its message alone: what failed, what was found, what to do next.
            raise UsageError(visible_lines(error)) from error

    def _open(self, arguments: Any) -> Database:
        if not arguments.name.isidentifier():
            raise UsageError(f"--as {visible(arguments.name, 40)!r} is no name of a variable")
        from isfdb.opening import open as open_database

        self._opened = open_database(arguments.target, mode=arguments.mode)
        self._names[arguments.name] = self._opened
        return self._opened

    def _ls(self, arguments: Any) -> display.Text:
        db, key = self._meant(arguments.words)
        if key is not None:
            found = db[key] if db.is_sub_db(key) else None
            if found is None:
                raise UsageError(f"{visible(key)!r} is a key, not a database. Look at it: %isfdb show {visible(key)}")
            db = found
        text = f"{visible(db.name)}\n{display.tree(db, depth=arguments.depth)}"
        return display.Text(text, display.database_bundle(db, depth=arguments.depth)["text/html"])

    def _show(self, arguments: Any) -> Any:
        *target, key = arguments.words
        db = self._database(target[0]) if target else self._current()
        return db.entry(key)

    def _log(self, arguments: Any) -> Any:
        from isfdb.display.history import log

        db, key = self._meant(arguments.words)
        return log(db, key, last=arguments.last, cells=arguments.cells)

    def _diff(self, arguments: Any) -> Any:
        from isfdb.comparing.differences import diff
        from isfdb.comparing.words import meant

        current = self._opened or self._names.get("db")
        named = meant(arguments.words, self._database, current if isinstance(current, Database) else None)
        return diff(*named, rtol=arguments.rtol, atol=arguments.atol)

    def _find(self, line: str) -> Any:
        from isfdb.asking import find

        flags = _FLAG.findall(line)
        query = _FLAG.sub(" ", line).strip()
        stale = True if "stale" in flags else None
        if "everywhere" in flags:
            return find(query=query, everywhere=True, stale=stale)
        first, _, rest = query.partition(" ")
        current = self._opened or self._names.get("db")
        if isinstance(self._names.get(first), Database) or not isinstance(current, Database):
            return find(self._database(first) if first else self._current(), rest, stale=stale)
        return find(current, query, stale=stale)

    def _lineage(self, arguments: Any) -> Any:
        from isfdb.tracing.walk import lineage

        *target, key = arguments.words
        db = self._database(target[0]) if target else self._current()
        return lineage(db, key, direction=arguments.direction, depth=arguments.depth, git=arguments.git)

    def _code(self, arguments: Any) -> Any:
        from isfdb.explaining.scripts import code

        *target, key = arguments.words
        db = self._database(target[0]) if target else self._current()
        options = {name: getattr(arguments, name) for name in ("level", "all", "check", "trust")}
        script = code(db, key, version=_number(arguments.number), **options)
        if arguments.notebook:
            script.to_notebook(arguments.notebook)
        return script

    def _replay(self, arguments: Any) -> Any:
        from isfdb.replaying.replays import replay

        *target, key = arguments.words
        db = self._database(target[0]) if target else self._current()
        return replay(db, key, version=_number(arguments.number), progress=True, **replay_options(arguments))

    def _whence(self, arguments: Any) -> Any:
        from isfdb.origins import whence

        return whence(arguments.file)

    def _verify(self, arguments: Any) -> Any:
        from isfdb.verifying import verify

        db, key = self._meant(arguments.words)
        return verify(db, key=key, against=arguments.against)

    def _audit(self, arguments: Any) -> Any:
        from isfdb.auditing.audits import audit

        db, key = self._meant(arguments.words)
        only = [*(arguments.only or ()), *([key] if key is not None else [])]
        sample = int(arguments.sample) if arguments.sample is not None and arguments.sample >= 1 else arguments.sample
        options = {name: getattr(arguments, name) for name in ("changed_since", "max_time_s", "jobs")} | replay_options(arguments)
        return audit(db, only=only, sample=sample, replay=not arguments.no_replay, progress=True, **options)

    def _report(self, arguments: Any) -> display.Text:
        from isfdb.reporting.reports import report

        if len(arguments.words) > 1:
            raise UsageError("a report is about one database; put quotes around a name with spaces, and the file after -o")
        db = self._database(arguments.words[0]) if arguments.words else self._current()
        path = report(db, arguments.to or f"{db.name}-report.html")
        return display.Text(visible(path, 4000), display.file_link(path))

    def _export(self, arguments: Any) -> Any:
        from isfdb.exporting.run import export

        db, key = self._meant(arguments.words)
        return export(db, arguments.to, key=key, format=arguments.format, data=not arguments.no_data)

    def _meant(self, words: list[str]) -> tuple[Database, str | None]:
        """Tell which database, and which key in it, up to two words mean."""
        if len(words) > 2:
            raise UsageError("at most a database and a key are meant; put quotes around names with spaces")
        if len(words) == 2:
            return self._database(words[0]), words[1]
        if not words:
            return self._current(), None
        current = self._opened or self._names.get("db")
        if isinstance(current, Database) and not isinstance(self._names.get(words[0]), Database) and words[0] in current:
            return current, words[0]
        return self._database(words[0]), None

    def _database(self, word: str) -> Database:
        variable = self._names.get(word)
        if isinstance(variable, Database):
            return variable
        from isfdb.opening import open as open_database

        return open_database(word, mode="r")

    def _current(self) -> Database:
        current = self._opened or self._names.get("db")
        if not isinstance(current, Database):
            raise UsageError(_NO_DATABASE)
        return current
