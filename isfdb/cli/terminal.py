"""Where a command's answer goes: text that fits the terminal, colour only on a terminal, JSON where it is asked for."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any


class Terminal:
    """Standard output of one command.

    Parameters
    ----------
    as_json : bool
        The user asked for JSON: texts are held back, and one JSON value is printed.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    @property
    def columns(self) -> int | None:
        """Columns of the terminal; None where the output goes into a file or a pipe and must not be cut."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    @property
    def progress(self) -> bool:
        """Whether a progress bar on standard error would be seen."""
        return sys.stderr.isatty() and not self.as_json

    def answer(self, members: Any, text: str) -> None:
        """Print `members` as JSON if asked for, else `text`."""
        print(json.dumps(members, indent=1, sort_keys=True, allow_nan=False) if self.as_json else text)

    def say(self, text: str) -> None:
        """Print a line as it happens; not where JSON is asked for."""
        if not self.as_json:
            print(text, flush=True)

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
        plain = self.as_json or not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return text if plain else f"\x1b[{code}m{text}\x1b[0m"
