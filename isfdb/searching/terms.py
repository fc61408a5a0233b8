"""What a condition of a query is, and those on one fact: whether each holds for a row of the table, and why. It parses nothing."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from isfdb.searching.table import Table, attributes_of, package_name
from isfdb.searching.values import COMPARISONS, is_wild, pattern_test, version_test

Holds = Callable[[int], bool]

_PLAIN = re.compile(r"[a-z0-9_.-]+")  # the same in JSON, and of one form in small letters

#: Characters of a text that a reason quotes.
MOST_SHOWN: Final = 80


class Term(Protocol):
    """One condition.

    Attributes
    ----------
    columns : tuple of str
        The columns of the table it looks at.
    is_costly : bool
        It may have to read a file for each key, so the others come first.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns."""
        ...

    @property
    def is_costly(self) -> bool:
        """Say whether others come first."""
        ...

    def holds(self, table: Table) -> Holds:
        """Return what tells whether the condition holds for a row."""
        ...

    def why(self, table: Table, row: int) -> str:
        """Return, for a row for which it holds, the fact that made it so."""
        ...


@dataclass(frozen=True)
class OfKey:
    """The key, or the last name in it, follows a pattern. The one condition for which no record needs to be read."""

    pattern: str
    within: bool = False
    columns = ("key",)
    is_costly = False

    def matches(self) -> Callable[[str], bool]:
        """Return what tells whether a key is meant."""
        test = pattern_test(self.pattern, within=self.within)
        if self.within and not is_wild(self.pattern):
            return test
        return lambda key: test(key) or ("/" in key and test(key.rpartition("/")[2]))

    def holds(self, table: Table) -> Holds:
        """Look at the key."""
        keys, test = table.column("key"), self.matches()
        return lambda row: test(keys[row])

    def why(self, table: Table, row: int) -> str:
        """Say that it was the key."""
        return "key"


@dataclass(frozen=True)
class OfText:
    """A text, or one of its lines, follows a pattern.

    Attributes
    ----------
    within : bool
        A pattern without wild characters may stand anywhere in it.
    beginning : bool
        The pattern is how it begins.
    """

    name: str
    column: str
    pattern: str
    within: bool = False
    beginning: bool = False
    is_costly = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the one column."""
        return (self.column,)

    def _test(self) -> Callable[[str], bool]:
        if self.beginning and not is_wild(self.pattern):
            wanted = self.pattern.casefold()
            return lambda text: text.casefold().startswith(wanted)
        test = pattern_test(self.pattern, within=self.within)
        return lambda text: bool(text) and (test(text) or ("\n" in text and any(map(test, text.split("\n")))))

    def holds(self, table: Table) -> Holds:
        """Look at the text; many keys share theirs."""
        texts, test = table.column(self.column), self._test()
        answers = {text: test(text) for text in set(texts)}
        return lambda row: answers[texts[row]]

    def why(self, table: Table, row: int) -> str:
        """Quote the line."""
        test = self._test()
        lines = table.column(self.column)[row].split("\n")
        return f"{self.name}: {next(filter(test, lines), lines[0])[:MOST_SHOWN]}"


@dataclass(frozen=True)
class OfHost(OfText):
    """The host, in full or without its domain."""

    def _test(self) -> Callable[[str], bool]:
        test = pattern_test(self.pattern)
        return lambda host: bool(host) and (test(host) or test(host.partition(".")[0]))


def needles_of(terms: Iterable[Term]) -> list[bytes]:
    """Return what stands, in small letters, in the text of every record for which conditions hold; what cannot be told is left out."""
    runs = [_PLAIN.findall(term.pattern.lower()) for term in terms if isinstance(term, OfText) and not is_wild(term.pattern)]
    return [max(found, key=len).encode() for found in runs if found]


@dataclass(frozen=True)
class OfNumber:
    """A number lies where it should."""

    name: str
    column: str
    operator: str
    limit: float
    shown: Callable[[Any], str] = str
    is_costly = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the one column."""
        return (self.column,)

    def holds(self, table: Table) -> Holds:
        """Compare."""
        numbers, compare, limit = table.column(self.column), COMPARISONS[self.operator], self.limit
        return lambda row: compare(numbers[row], limit)

    def why(self, table: Table, row: int) -> str:
        """Give the number."""
        return f"{self.name}: {self.shown(table.column(self.column)[row])}"


def time_shown(seconds: float) -> str:
    """Return a time as reasons give it."""
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class OfShape:
    """The shape is the one that is meant."""

    text: str
    test: Callable[[str], bool]
    columns = ("shape",)
    is_costly = False

    def holds(self, table: Table) -> Holds:
        """Compare."""
        shapes = table.column("shape")
        answers = {shape: self.test(shape) for shape in set(shapes)}
        return lambda row: answers[shapes[row]]

    def why(self, table: Table, row: int) -> str:
        """Give the shape."""
        return f"shape: {table.column('shape')[row]}"


@dataclass(frozen=True)
class OfFlag:
    """The sources were dirty, or clean; where that is not known, neither holds."""

    is_set: bool
    columns = ("dirty",)
    is_costly = False

    def holds(self, table: Table) -> Holds:
        """Look at the flag."""
        flags, wanted = table.column("dirty"), int(self.is_set)
        return lambda row: flags[row] == wanted

    def why(self, table: Table, row: int) -> str:
        """Say it in a word."""
        return "dirty" if self.is_set else "not dirty"


@dataclass(frozen=True)
class OfPackage:
    """A package was installed in a version that is meant; without operator: in any."""

    package: str
    operator: str = ""
    version: str = ""
    columns = ("environment",)
    is_costly = False

    def holds(self, table: Table) -> Holds:
        """Look into the environment, once for all keys that share it."""
        environments = table.column("environment")
        name, test = package_name(self.package), version_test(self.operator, self.version) if self.operator else None
        answers: dict[str, bool] = {}

        def look(row: int) -> bool:
            digest = environments[row]
            if digest not in answers:
                found = table.packages(row).get(name)
                answers[digest] = found is not None and (test is None or test(found))
            return answers[digest]

        return look

    def why(self, table: Table, row: int) -> str:
        """Give the version."""
        return f"{self.package} {table.packages(row)[package_name(self.package)]}"


@dataclass(frozen=True)
class OfAttribute:
    """An attribute has a value that is meant; without operator: it is there."""

    attribute: str
    operator: str = ""
    value: str = ""
    columns = ("attributes",)
    is_costly = False

    def holds(self, table: Table) -> Holds:
        """Look into the attributes, once for all keys that share them."""
        texts = table.column("attributes")
        answers = {text: bool(text) and self._is_meant(attributes_of(text)) for text in set(texts)}
        return lambda row: answers[texts[row]]

    def _is_meant(self, attributes: Mapping[str, Any]) -> bool:
        name = self._name_in(attributes)
        return name is not None and (not self.operator or _compares(attributes[name], self.operator, self.value))

    def _name_in(self, attributes: Mapping[str, Any]) -> str | None:
        if self.attribute in attributes:
            return self.attribute
        return next((name for name in attributes if name.casefold() == self.attribute.casefold()), None)

    def why(self, table: Table, row: int) -> str:
        """Give name and value."""
        attributes = attributes_of(table.column("attributes")[row])
        name = self._name_in(attributes) or self.attribute
        return f"{name} = {str(attributes.get(name))[:MOST_SHOWN]}"


def _compares(found: Any, operator: str, wanted: str) -> bool:
    """Compare a value with what was written: as numbers where both are, else as texts; one of a list will do."""
    if isinstance(found, list):
        return any(_compares(one, operator, wanted) for one in found)
    if isinstance(found, bool) or found is None:
        words = {True: ("true", "yes", "1"), False: ("false", "no", "0"), None: ("none", "null")}[found]
        return (wanted.casefold() in words) is (operator != "!=") if operator in ("=", "==", ":", "!=") else False
    left, right = _number(found), _number(wanted)
    if left is not None and right is not None:
        return COMPARISONS[operator](left, right)
    if operator in ("=", "==", ":", "!="):
        return pattern_test(wanted)(str(found)) is (operator != "!=")
    return left is None and right is None and COMPARISONS[operator](str(found).casefold(), wanted.casefold())


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class OneOf:
    """The key is among those that somebody else found, for reasons of their own."""

    reasons: Mapping[str, str]
    columns = ("key",)
    is_costly = True

    def holds(self, table: Table) -> Holds:
        """Look the key up."""
        keys = table.column("key")
        return lambda row: keys[row] in self.reasons

    def why(self, table: Table, row: int) -> str:
        """Repeat their reason."""
        return self.reasons[table.column("key")[row]]
