"""The query language: one line of words that a hurried scientist guesses right, or the same as keyword arguments. It searches nothing."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isfdb.errors import QueryError
from isfdb.searching.combinations import AllOf, AnyOf, Not
from isfdb.searching.fields import ALIASES, FIELDS, RELATION, constraints_of, flag_of, no_field, now, relation_of
from isfdb.searching.full_text import Anything
from isfdb.searching.terms import OfAttribute, OfFlag, OfKey, OfPackage, Term
from isfdb.searching.values import is_wild

_OPERATOR = r"==|!=|<=|>=|=|<|>|:(?!//)"
_TERM = re.compile(rf"(?P<name>[^\W\d][\w.-]*)\s*(?P<operator>{_OPERATOR})\s*")
_NUMBER_OR_LAST = re.compile(r"[0-9]+(\.[0-9]+)?|last", re.IGNORECASE)
_UNIT = re.compile(r"\s+((?:sec(?:ond)?|min(?:ute)?|hour|day|week|month|year)s?(?:\s+ago)?|[kmgt]i?b|bytes)(?=\s|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """What was asked.

    Attributes
    ----------
    terms : tuple of Term
        All must hold.
    wants_stale : bool or None
        Only what is stale, only what is not, or both.
    guessed : tuple of str
        Names that were taken for packages or attributes, because they are no field.
    """

    terms: tuple[Term, ...]
    wants_stale: bool | None = None
    guessed: tuple[str, ...] = ()

    @property
    def of_key(self) -> tuple[OfKey, ...]:
        """The conditions for which no record needs to be read."""
        return tuple(term for term in self.terms if isinstance(term, OfKey))

    @property
    def of_record(self) -> tuple[Term, ...]:
        """The others, those last that may have to read files."""
        return tuple(sorted([term for term in self.terms if not isinstance(term, OfKey)], key=lambda term: term.is_costly))


def parse(text: str, keywords: Mapping[str, Any] | None = None) -> Query:
    """Understand a query.

    Parameters
    ----------
    text : str
        Words and conditions, of which all must hold.
    keywords : Mapping, optional
        Conditions by name; None says nothing. A value may be a list of alternatives.

    Raises
    ------
    QueryError
    """
    reader = _Reader(text)
    terms = reader.terms()
    stale = reader.stale
    for name, value in (keywords or {}).items():
        if name == "stale":
            stale = stale if value is None else bool(value)
        elif value is not None:
            terms.append(_from_keyword(name, value))
    return Query(tuple(terms), stale, tuple(reader.guessed))


def _from_keyword(name: str, value: Any) -> Term:
    if isinstance(value, Mapping):
        return AllOf(tuple(FIELDS[name].make(":", f"{one}={_word(name, wanted)}") for one, wanted in value.items()))
    if isinstance(value, (list, tuple, set, frozenset)) and name != "shape":
        return AnyOf(tuple(_from_keyword(name, one) for one in value))
    match = RELATION.match(value) if isinstance(value, str) and name in ("size", "version", "time") else None
    if match:
        return FIELDS[name].make(match[1], str(value)[match.end() :])
    if isinstance(value, str) and name == "package":
        return AllOf(tuple(FIELDS[name].make(":", one) for one in constraints_of(value)))
    return FIELDS[name].make(":", _word(name, value))


def _word(name: str, value: Any) -> str:
    """Return a keyword's value as it would be written in a query."""
    if isinstance(value, datetime.timedelta):
        return (now() - value).isoformat()
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, tuple):
        return "x".join(["*" if one is None else str(one) for one in value])
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    if isinstance(value, (str, bool, int, float)) or type(value).__module__ == "numpy":
        return str(value)
    raise QueryError(f"{name}={value!r:.80} cannot be searched for: give text, a number, a time, or a list of them.", field=name)


class _Reader:
    """Reads a query from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self.stale: bool | None = None
        self.guessed: list[str] = []

    def terms(self) -> list[Term]:
        terms = []
        while self._skip_spaces():
            negated = self._take_not()
            begin = self._place
            term = self._term(negated=negated)
            if term is not None:
                terms.append(Not(term, self._text[begin : self._place].strip()) if negated else term)
        return terms

    def _skip_spaces(self) -> bool:
        while self._place < len(self._text) and self._text[self._place].isspace():
            self._place += 1
        return self._place < len(self._text)

    def _take_not(self) -> bool:
        match = re.compile(r"-(?=\S)|not\s+(?=\S)", re.IGNORECASE).match(self._text, self._place)
        if match:
            self._place = match.end()
        return match is not None

    def _term(self, *, negated: bool) -> Term | None:
        match = _TERM.match(self._text, self._place)
        if match is None:
            return self._plain()
        self._place = match.end()
        name, operator = match["name"], match["operator"]
        values = self._values()
        if name.casefold() == "stale" or (name.casefold() == "is" and values[0].casefold() in ("stale", "dirty")):
            return self._is(name.casefold(), operator, values[0], negated=negated)
        return self._of_field(name, operator, values)

    def _is(self, name: str, operator: str, value: str, *, negated: bool) -> Term | None:
        if name == "is":
            name, value = value.casefold(), "yes"
        wanted = flag_of(name, operator, value)
        if name == "dirty":
            return OfFlag(wanted)
        self.stale = wanted is not negated
        return None

    def _of_field(self, name: str, operator: str, values: list[str]) -> Term:
        field = FIELDS.get(ALIASES.get(name.casefold(), name.casefold()))
        if field is not None:
            parts = values if field.is_list else [",".join(values)]
            if field is FIELDS["package"]:
                return AllOf(tuple(field.make(operator, one) for one in constraints_of(parts[0])))
            made = tuple(field.make(operator, one) for one in parts)
            return made[0] if len(made) == 1 else (AllOf(made) if operator == "!=" else AnyOf(made))
        if operator == ":":
            raise no_field(name, ",".join(values))
        self.guessed.append(name)
        return AnyOf((_installed(name, operator, values), _noted(name, operator, values)))

    def _plain(self) -> Term:
        word = self._value("")
        if word.casefold() in ("or", "|", "||"):
            message = "alternatives are written with a comma, user:ann,bob; other words must all match, so leave out and / or."
            raise QueryError(f"{word!r} is not understood here: {message}", text=self._text)
        if not word:
            raise QueryError(f"{self._text!r} has an empty word in it. Take the quotes away, or put a word between them.", text=self._text)
        return OfKey(word) if is_wild(word) else Anything(word)

    def _values(self) -> list[str]:
        """Read what comes after an operator: one value, or several with commas between them."""
        values = [self._value(",")]
        if (more := self._unit_after(values[0])) is not None:
            return [more]
        while self._place < len(self._text) and self._text[self._place] == ",":
            self._place += 1
            values.append(self._value(","))
        if not any(values):
            raise QueryError(f"{self._text!r} lacks a value after {self._text[: self._place].split()[-1]!r}.", text=self._text)
        return values

    def _unit_after(self, value: str) -> str | None:
        """Return ``2 days`` where the unit of a time stands apart from its number, or the word after ``last``."""
        match = _UNIT.match(self._text, self._place) if _NUMBER_OR_LAST.fullmatch(value) else None
        if match is None:
            return None
        self._place = match.end()
        return f"{value} {match[1]}"

    def _value(self, ends: str) -> str:
        """Read up to a space, or to one of `ends`; quotes hold spaces together."""
        found: list[str] = []
        while self._place < len(self._text):
            character = self._text[self._place]
            if character.isspace() or character in ends:
                break
            if character in "\"'" and (not found or found[-1][-1:] in "=<>"):
                found.append(self._quoted(character))
                continue
            found.append(character)
            self._place += 1
        return "".join(found)

    def _quoted(self, quote: str) -> str:
        end = self._text.find(quote, self._place + 1)
        if end < 0:
            raise QueryError(f"{self._text!r} has a {quote} that is not closed. Close it, or leave it out.", text=self._text)
        word, self._place = self._text[self._place + 1 : end], end + 1
        return word


def _installed(name: str, operator: str, values: list[str]) -> Term:
    """Take a name that is no field for that of a package: ``numpy>=1.26,<2``."""
    constraints = constraints_of(f"{name}{operator}{','.join(values)}")
    relations = [relation_of(one) for one in constraints]
    if not all(relation and version[:1].isdigit() for _, relation, version in relations):
        return AnyOf(())
    return AllOf(tuple(OfPackage(*relation) for relation in relations))


def _noted(name: str, operator: str, values: list[str]) -> Term:
    """Take a name that is no field for that of an attribute."""
    made = tuple(OfAttribute(name, operator, one) for one in values)
    return AllOf(made) if operator == "!=" else AnyOf(made)
