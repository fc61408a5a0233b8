"""Splits the line of a magic into words and parses them. It knows argparse and quotes, no verbs and no databases."""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
from collections.abc import Iterable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

from isfdb.display.safe import visible, visible_lines

_UNKNOWN = re.compile(r"unrecognized arguments: (.*)", re.DOTALL)
_NEEDS_QUOTES = re.compile(r"[\s'\"]|^$")


class LineParser(MagicArgumentParser):
    """IPython's parser of arguments, which ends with a message and not with the kernel; it knows what may have been meant."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self.allow_abbrev = False  # as in the shell: an option that comes later must not change what a notebook says

    def error(self, message: str) -> Any:
        """Say what was wrong with a line, and where help is."""
        unknown = _UNKNOWN.fullmatch(message)
        hint = near(unknown[1].split()[0], self._option_string_actions) if unknown else ""
        raise UsageError(visible_lines(f"{self.prog}: {message}.{hint} Help with examples: {self.prog} --help"))


def near(word: str, known: Iterable[str]) -> str:
    """Return what may have been meant by a word, as the end of a message; nothing where nothing is near."""
    found = difflib.get_close_matches(word, list(known), n=2, cutoff=0.7)
    return f" Did you mean {' or '.join(found)}?" if found else ""


def words_of(line: str) -> list[str]:
    """Split a line at spaces; quotes hold words together, and backslashes are kept, as Windows paths need."""
    try:
        words = shlex.split(line, posix=False)
    except ValueError as error:
        raise UsageError(f"{visible(line, 80)!r} cannot be split into words: {error}. Close the quotes.") from error
    return [word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word for word in words]


def quoted(word: str) -> str:
    """Return a word as it must stand in a line to be one word; what has quotes of both kinds cannot be written, and stays."""
    if not _NEEDS_QUOTES.search(word):
        return word
    return f'"{word}"' if "'" in word and '"' not in word else f"'{word}'"


def number_of(text: str | None) -> Any:
    """Return which version is meant: a number, else a date or a digest."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 6 else text
