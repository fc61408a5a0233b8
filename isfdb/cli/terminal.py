"""Where a command's answer goes: text that fits the terminal, colour only on a terminal, a pager for long text, JSON where asked for."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from typing import Any


class Terminal:
    """Standard output of one command.

    Parameters
    ----------
    as_json : bool
        The user asked for JSON: texts are held back, and one JSON value is printed.
    as_lines : bool
        The user asked for one JSON object a line.
    may_page : bool
        A text longer than the terminal may go through a pager.
    """

    def __init__(self, *, as_json: bool = False, as_lines: bool = False, may_page: bool = True) -> None:
        self.as_json = as_json or as_lines
        self.as_lines = as_lines
        self._may_page = may_page

    @property
    def columns(self) -> int | None:
        """Columns of the terminal; None where the output goes into a file or a pipe and must not be cut."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    @property
    def progress(self) -> bool:
        """Whether a progress bar on standard error would be seen."""
        return sys.stderr.isatty() and not self.as_json

    def answer(self, members: Any, text: str, rows: Iterable[Any] = ()) -> None:
        """Print `members` as JSON or `rows` as lines of JSON, if asked for, else `text`."""
        if self.as_lines:
            self.lines(rows)
        elif self.as_json:
            print(json.dumps(members, indent=1, sort_keys=True, allow_nan=False))
        else:
            self._show(text)

    def lines(self, rows: Iterable[Any]) -> None:
        """Print each row as one line of JSON, as soon as it comes."""
        for row in rows:
            print(json.dumps(row, sort_keys=True, allow_nan=False, separators=(",", ":")), flush=True)

    def say(self, text: str) -> None:
        """Print a line as it happens; not where JSON is asked for."""
        if not self.as_json:
            print(text, flush=True)

    def _show(self, text: str) -> None:
        """Print a text, through a pager where it is longer than the terminal; on a terminal, nothing in it acts on that."""
        if sys.stdout.isatty():
            from isfdb.display.safe import for_terminal

            text = for_terminal(text)
        is_long = self._may_page and sys.stdout.isatty() and text.count("\n") + 2 > shutil.get_terminal_size().lines
        if not is_long or not page(text):
            print(text)

    # Colour ------------------------------------------------------------------------------------------------------------------------

    @property
    def is_coloured(self) -> bool:
        """Whether text has colour: on a terminal, unless the user says otherwise (no-color.org, bixense.com/clicolors)."""
        if self.as_json or os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
            return True
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and os.environ.get("CLICOLOR") != "0"

    def strong(self, text: str) -> str:
        """Return a heading."""
        return self._in("1", text)

    def good(self, text: str) -> str:
        """Return good news."""
        return self._in("32", text)

    def bad(self, text: str) -> str:
        """Return bad news."""
        return self._in("31", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_coloured else text


def page(text: str) -> bool:
    """Show a text in the user's pager, ``less`` by default; False where there is none."""
    import shlex
    import signal
    import subprocess

    words = shlex.split(os.environ.get("PAGER", "less"))
    if not words or words == ["cat"] or os.environ.get("TERM") == "dumb":
        return False
    # Of less: leave at once what fits (F), pass colours on (R), leave the text on the screen (X). A user's own LESS wins.
    surroundings = {"LESS": "FRX", "LV": "-c", **os.environ}
    try:
        pager = subprocess.Popen(words, stdin=subprocess.PIPE, env=surroundings, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return False
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's, which goes on; it was started before, and hears it
    try:
        pager.communicate(f"{text}\n")
    finally:
        signal.signal(signal.SIGINT, before)
    return True
