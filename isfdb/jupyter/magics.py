"""``%isfdb VERB ...``: parse a line, call the library, return what it returns. The verbs are in :mod:`isfdb.jupyter.verbs`."""

from __future__ import annotations

import textwrap
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from isfdb import display
from isfdb.display.safe import visible, visible_lines
from isfdb.errors import IsfdbError
from isfdb.jupyter.caching import cell_magic as caching
from isfdb.jupyter.here import Here
from isfdb.jupyter.lines import LineParser, near, words_of
from isfdb.jupyter.verbs import VERBS

_HELP = ("-h", "--help")


@magics_class
class IsfdbMagics(Magics):
    """The magic ``%isfdb``.

    Attributes
    ----------
    here : Here
        What the magics of this session share.
    matcher : callable
        What completes their lines; the extension registers it with IPython, and takes it away again.
    """

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.here = Here(shell)
        self.matcher: Any = None
        self._parsers: dict[str, LineParser] = {}

    @line_magic
    def isfdb(self, line: str) -> Any:
        """Look into databases of results. Its text is put together from the verbs, below."""
        verb, _, rest = line.strip().partition(" ")
        if verb in ("", "help", *_HELP):
            return display.Text(overview())
        if verb not in VERBS:
            raise UsageError(f"%isfdb has no verb {visible(verb, 40)!r}.{near(verb, VERBS)} It has {', '.join(VERBS)}. See %isfdb?")
        try:
            return self._run(verb, rest)
        except (IsfdbError, OSError) as error:
            # IPython shows a UsageError as its message alone: what failed, what was found, what to do next.
            raise UsageError(visible_lines(error)) from error

    @cell_magic("isfdb")  # type: ignore[arg-type]  # its annotation knows functions only, no names
    def isfdb_cell(self, line: str, cell: str) -> Any:
        """Run a cell whose value is cached; see :func:`isfdb.jupyter.caching.cell_magic.run`."""
        __tracebackhide__ = True
        verb, _, rest = line.strip().partition(" ")
        if verb in ("", *_HELP) or not {*_HELP, "?"}.isdisjoint(rest.split()):
            return display.Text(caching.parser().format_help())
        if verb != "cache":
            line_magic_hint = f" The line magic has it: %isfdb {verb}" if verb in VERBS else ""
            raise UsageError(f"%%isfdb has one verb, cache, and not {visible(verb, 40)!r}.{line_magic_hint}")
        arguments = caching.parser().parse_args(words_of(rest))
        return caching.run(arguments, cell, self.here)

    def _run(self, verb: str, rest: str) -> Any:
        parser = self.parser_of(verb)
        if not {*_HELP, "?"}.isdisjoint(rest.split()):
            return display.Text(parser.format_help())
        if verb == "find":  # a query has quotes and signs of its own, which are left as they are
            return VERBS[verb].run(rest, self.here)
        return VERBS[verb].run(parser.parse_args(words_of(rest)), self.here)

    def parser_of(self, verb: str) -> LineParser:
        """Return the parser of a verb, made when it is first asked for: each takes the options of its command."""
        if verb not in self._parsers:
            self._parsers[verb] = VERBS[verb].parser()
        return self._parsers[verb]

    def parser_or_none(self, verb: str) -> LineParser | None:
        """Return the parser of a verb; None for what is none."""
        if verb == "cache":
            return caching.parser()
        return self.parser_of(verb) if verb in VERBS else None


def overview() -> str:
    """Return the help of the magic: its verbs, the words that they share, and examples."""
    width = max(map(len, VERBS)) + 2
    verbs = [f"%isfdb {verb.name:{width}}{verb.summary}" for verb in VERBS.values()]
    examples = [f"%isfdb {verb.examples.strip().splitlines()[0]}" for verb in VERBS.values()]
    return "\n".join(
        ["Look into databases of results.", "", *verbs, "", *_SHARED.strip().splitlines(), "", "Examples", "--------", *examples]
    )


_SHARED = """
%%isfdb cache KEY above a cell runs it only where its value is not stored yet, or its code or inputs changed: %%isfdb cache --help
%isfdb VERB --help, or %isfdb VERB?, tells the options of a verb, with examples. The Tab key completes verbs, options and keys.
DB is a variable, a folder, or a name or id in the registry; without it, the database opened last is meant, else the variable db.
$name and {expression} are replaced by their values. The result is an object: x = %isfdb show rates
"""

IsfdbMagics.isfdb.__doc__ = textwrap.indent(overview(), " " * 8).strip()
