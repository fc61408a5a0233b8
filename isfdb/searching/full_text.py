"""Conditions that look for a text in what a value was made from, or anywhere. Those on a single fact are in `terms.py`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from isfdb.searching.facts import PARTS
from isfdb.searching.table import Table
from isfdb.searching.terms import MOST_SHOWN, Holds
from isfdb.searching.values import pattern_test

_HEX = re.compile(r"[0-9a-f]{6,64}")


@dataclass(frozen=True)
class OfInput:
    """A value was made from a file or a stored value: the end of a path, a part of it, a pattern, or a link."""

    pattern: str
    columns = ("inputs",)
    is_costly = False

    def _test(self) -> Callable[[str], bool]:
        return pattern_test(self.pattern.removeprefix("./"), within=True)

    def holds(self, table: Table) -> Holds:
        """Look through the list, once for all keys that share it."""
        texts, test = table.column("inputs"), self._test()
        answers: dict[str, bool] = {}

        def look(row: int) -> bool:
            text = texts[row]
            if text not in answers:
                answers[text] = bool(text) and any(map(test, table.inputs(row).split("\n")))
            return answers[text]

        return look

    def why(self, table: Table, row: int) -> str:
        """Name the input."""
        return f"input: {next(filter(self._test(), table.inputs(row).split(chr(10))), '')[:MOST_SHOWN]}"


@dataclass(frozen=True)
class OfCode:
    """A text stands in ``code.py`` or in the cell that stored the value; upper and lower case count only where the text has both."""

    text: str
    columns = ("code", "session", "line", "key", "number")
    is_costly = True

    def _test(self) -> Callable[[str], bool]:
        if self.text != self.text.casefold():
            return lambda source: self.text in source
        return lambda source: self.text in source.casefold()

    def holds(self, table: Table) -> Holds:
        """Look through the sources."""
        test = self._test()
        answers: dict[str, bool] = {"": False}

        def look(row: int) -> bool:
            for source in table.sources(row):
                if source not in answers:
                    answers[source] = test(source)
                if answers[source]:
                    return True
            return False

        return look

    def why(self, table: Table, row: int) -> str:
        """Quote the first line."""
        test = self._test()
        lines = (line.strip() for source in table.sources(row) for line in source.split("\n"))
        return f"code: {next(filter(test, lines), self.text)[:MOST_SHOWN]}"


@dataclass(frozen=True)
class Anything:
    """A word stands anywhere in what is known of a value: its key, description, maker, risks, inputs, attributes or code."""

    word: str
    columns = ("everything", "commit", "digest", "inputs", "code", "session", "line", "key", "number")
    is_costly = True

    def holds(self, table: Table) -> Holds:
        """Look everywhere, last in the code."""
        texts, wanted = table.column("everything"), self.word.casefold()
        in_code, in_inputs, in_digests = OfCode(self.word).holds(table), OfInput(self.word).holds(table), self._in_digests(table)

        def look(row: int) -> bool:
            return wanted in texts[row].casefold() or in_digests(row) or in_inputs(row) or in_code(row)

        return look

    def _in_digests(self, table: Table) -> Holds:
        wanted = self.word.casefold()
        if not _HEX.fullmatch(wanted):
            return lambda row: False
        commits, digests = table.column("commit"), table.column("digest")
        return lambda row: commits[row].startswith(wanted) or digests[row].startswith(wanted)

    def why(self, table: Table, row: int) -> str:
        """Name the first place where it stands."""
        for name, part in zip(PARTS, table.column("everything")[row].split("\t"), strict=False):
            if self.word.casefold() in part.casefold():
                return "key" if name == "key" else f"{name}: {_around(part, self.word)}"
        if self._in_digests(table)(row):
            return "commit" if table.column("commit")[row].startswith(self.word.casefold()) else "digest"
        in_inputs = OfInput(self.word)
        return in_inputs.why(table, row) if in_inputs.holds(table)(row) else OfCode(self.word).why(table, row)


def _around(text: str, word: str) -> str:
    place = text.casefold().find(word.casefold())
    begin = max(place - 20, 0)
    return ("…" if begin else "") + text[begin : begin + MOST_SHOWN - 20]
