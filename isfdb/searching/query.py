"""The query language: one line of words that a hurried scientist guesses right, or the same as keyword arguments. It searches nothing."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from isfdb.display.words import size_text
from isfdb.errors import QueryError
from isfdb.searching.combinations import AllOf, AnyOf, Not
from isfdb.searching.full_text import Anything, OfCode, OfInput
from isfdb.searching.terms import OfAttribute, OfFlag, OfHost, OfKey, OfNumber, OfPackage, OfShape, OfText, Term, time_shown
from isfdb.searching.values import is_wild, shape_test, size_of, span_of, version_test

_OPERATOR = r"==|!=|<=|>=|=|<|>|:(?!//)"
_TERM = re.compile(rf"(?P<name>[^\W\d][\w.-]*)\s*(?P<operator>{_OPERATOR})\s*")
_MEMBER = re.compile(r"\s*(==|!=|<=|>=|=|<|>)\s*")
_FLAGS: Final = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False, "off": False}
_NUMBER_OR_LAST = re.compile(r"[0-9]+(\.[0-9]+)?|last", re.IGNORECASE)
_UNIT = re.compile(r"\s+((?:sec(?:ond)?|min(?:ute)?|hour|day|week|month|year)s?(?:\s+ago)?|[kmgt]i?b|bytes)(?=\s|$)", re.IGNORECASE)
_ORDER: Final = ("<", ">", "<=", ">=")


class Field(NamedTuple):
    """Something that can be asked for by name.

    Attributes
    ----------
    make : callable
        Makes the condition from operator and text.
    meaning : str
        For the help and the reference.
    is_list : bool
        A comma separates alternatives.
    """

    make: Callable[[str, str], Term]
    meaning: str
    is_list: bool = True


def _text(name: str, column: str, **how: bool) -> Callable[[str, str], Term]:
    def make(operator: str, text: str) -> Term:
        _only(name, operator, (":", "=", "==", "!="))
        kept = how if operator == ":" or how.get("beginning") else {}
        return _unless(operator, OfText(name, column, text, **kept), f"{name}:{text}")

    return make


def _only(name: str, operator: str, allowed: tuple[str, ...]) -> None:
    if operator not in allowed:
        raise QueryError(f"{name}{operator} makes no sense: {name!r} takes {' '.join(allowed)} as in {name}{allowed[0]}...", field=name)


def _unless(operator: str, term: Term, said: str) -> Term:
    return Not(term, said) if operator == "!=" else term


def _key(operator: str, text: str) -> Term:
    _only("key", operator, (":", "=", "==", "!="))
    return _unless(operator, OfKey(text, within=operator == ":"), f"key:{text}")


def _host(operator: str, text: str) -> Term:
    _only("host", operator, (":", "=", "==", "!="))
    return _unless(operator, OfHost("host", "host", text), f"host:{text}")


def _size(operator: str, text: str) -> Term:
    return OfNumber("size", "nbytes", operator, size_of(text), size_text)


def _version(operator: str, text: str) -> Term:
    if not text.isdecimal():
        raise QueryError(f"{text!r} is no number of a version. Write version>1.", field="version")
    return OfNumber("version", "number", operator, int(text))


def _since(operator: str, text: str) -> Term:
    _only("since", operator, (":", "=", ">", ">="))
    return OfNumber("stored", "created", ">=", span_of(text, _now())[0], time_shown)


def _before(operator: str, text: str) -> Term:
    _only("before", operator, (":", "=", "<"))
    return OfNumber("stored", "created", "<", span_of(text, _now())[0], time_shown)


def _created(operator: str, text: str) -> Term:
    begin, end = span_of(text, _now())
    if operator in _ORDER:
        return OfNumber("stored", "created", operator, begin if operator in ("<", ">=") else end, time_shown)
    # A moment ago has no length: what is meant is the time since then.
    before: tuple[Term, ...] = (OfNumber("stored", "created", "<", end, time_shown),) if end > begin else ()
    return _unless(operator, AllOf((OfNumber("stored", "created", ">=", begin, time_shown), *before)), f"time:{text}")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _shape(operator: str, text: str) -> Term:
    _only("shape", operator, (":", "=", "==", "!="))
    return _unless(operator, OfShape(text, shape_test(text)), f"shape:{text}")


def _flag(name: str, operator: str, text: str) -> bool:
    _only(name, operator, (":", "=", "==", "!="))
    if text.casefold() not in _FLAGS:
        raise QueryError(f"{name}{operator}{text} makes no sense: {name!r} is yes or no, as in {name}:yes.", field=name)
    return _FLAGS[text.casefold()] is (operator != "!=")


def _dirty(operator: str, text: str) -> Term:
    return OfFlag(_flag("dirty", operator, text))


def _package(operator: str, text: str) -> Term:
    _only("package", operator, (":", "=", "==", "!="))
    name, relation, version = _relation(text)
    if relation:
        version_test(relation, version)  # says now what is wrong with it
    return _unless(operator, OfPackage(name, relation, version), f"package:{text}")


def _attribute(operator: str, text: str) -> Term:
    _only("attribute", operator, (":", "=", "==", "!="))
    name, relation, value = _relation(text)
    return _unless(operator, OfAttribute(name, relation, value), f"attribute:{text}")


def _relation(text: str) -> tuple[str, str, str]:
    match = _MEMBER.search(text)
    if match is None:
        return text.strip(), "", ""
    return text[: match.start()].strip(), match[1], text[match.end() :].strip()


def _input(operator: str, text: str) -> Term:
    _only("input", operator, (":", "=", "==", "!="))
    return _unless(operator, OfInput(text), f"input:{text}")


def _code(operator: str, text: str) -> Term:
    _only("text", operator, (":", "=", "==", "!="))
    return _unless(operator, OfCode(text), f"text:{text}")


#: What can be asked for by name. Help, reference and error messages are made from this.
FIELDS: Final[Mapping[str, Field]] = {
    "key": Field(_key, "a part of the key; with * and ? a pattern for the whole key or its last name"),
    "since": Field(_since, 'stored then or later: 2026-11-01, today, "2 days"', is_list=False),
    "before": Field(_before, "stored earlier than that", is_list=False),
    "time": Field(_created, "stored on that day, in that month or year; also time>2026-11-01", is_list=False),
    "user": Field(_text("user", "user"), "who stored it"),
    "host": Field(_host, "the computer it was stored from, with or without its domain"),
    "commit": Field(_text("commit", "commit", beginning=True), "the first digits of the commit of the sources"),
    "branch": Field(_text("branch", "branch"), "the branch of the sources"),
    "dirty": Field(_dirty, "yes: the sources had changes that were not committed", is_list=False),
    "package": Field(_package, "a package that was installed, and its version: numpy, numpy=2.4, numpy<2", is_list=False),
    "dumper": Field(_text("dumper", "dumper", within=True), "a part of the name of the loaderdumper"),
    "type": Field(_text("type", "what", within=True), "a part of the name of the value's type"),
    "shape": Field(_shape, "the shape: 344x8, 344x*", is_list=False),
    "size": Field(_size, "bytes of its files: size>1MB", is_list=False),
    "attribute": Field(_attribute, "an attribute, and its value: unit, unit=Hz, depth>100", is_list=False),
    "input": Field(_input, "a file or link that it was made from: a part of the path, or a pattern for the whole"),
    "risk": Field(_text("risk", "risks", within=True), "a part of a risk that was recorded"),
    "label": Field(_text("label", "labels", within=True), 'a part of a label of the slice: "out of order", widened'),
    "text": Field(_code, "a text in code.py or in the cell that stored it", is_list=False),
    "digest": Field(_text("digest", "digest", beginning=True), "the first digits of the digest"),
    "version": Field(_version, "the number of the version: version>1"),
}

_ALIASES: Final = {
    "after": "since",
    "created": "time",
    "on": "time",
    "by": "user",
    "machine": "host",
    "computer": "host",
    "revision": "commit",
    "attributes": "attribute",
    "attr": "attribute",
    "packages": "package",
    "inputs": "input",
    "used": "input",
    "file": "input",
    "risks": "risk",
    "labels": "label",
    "code": "text",
    "name": "key",
    "keys": "key",
    "nbytes": "size",
    "format": "dumper",
}


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
    match = _MEMBER.match(value) if isinstance(value, str) and name in ("size", "version", "time") else None
    if match:
        return FIELDS[name].make(match[1], str(value)[match.end() :])
    if isinstance(value, str) and name == "package":
        return AllOf(tuple(_package(":", one) for one in _constraints(value)))
    return FIELDS[name].make(":", _word(name, value))


def _constraints(text: str) -> list[str]:
    """Return ``["numpy>=1.26", "numpy<2"]`` for ``numpy>=1.26,<2``."""
    first, *others = text.split(",")
    return [first, *[f"{_relation(first)[0]}{one.strip()}" for one in others]]


def _word(name: str, value: Any) -> str:
    """Return a keyword's value as it would be written in a query."""
    if isinstance(value, datetime.timedelta):
        return (_now() - value).isoformat()
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
        wanted = _flag(name, operator, value)
        if name == "dirty":
            return OfFlag(wanted)
        self.stale = wanted is not negated
        return None

    def _of_field(self, name: str, operator: str, values: list[str]) -> Term:
        field = FIELDS.get(_ALIASES.get(name.casefold(), name.casefold()))
        if field is not None:
            parts = values if field.is_list else [",".join(values)]
            if field is FIELDS["package"]:
                return AllOf(tuple(field.make(operator, one) for one in _constraints(parts[0])))
            made = tuple(field.make(operator, one) for one in parts)
            return made[0] if len(made) == 1 else (AllOf(made) if operator == "!=" else AnyOf(made))
        if operator == ":":
            raise _no_field(name, ",".join(values))
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
    constraints = _constraints(f"{name}{operator}{','.join(values)}")
    relations = [_relation(one) for one in constraints]
    if not all(relation and version[:1].isdigit() for _, relation, version in relations):
        return AnyOf(())
    return AllOf(tuple(OfPackage(*relation) for relation in relations))


def _noted(name: str, operator: str, values: list[str]) -> Term:
    """Take a name that is no field for that of an attribute."""
    made = tuple(OfAttribute(name, operator, one) for one in values)
    return AllOf(made) if operator == "!=" else AnyOf(made)


def _no_field(name: str, value: str) -> QueryError:
    close = get_close_matches(name.casefold(), [*FIELDS, *_ALIASES, "stale"], 1, 0.6)
    meant = f"did you mean {close[0]}:{value}? " if close else ""
    known = ", ".join([*FIELDS, "stale"])
    quoted = f'"{name}:{value}"'
    return QueryError(
        f"there is no field {name!r}: {meant}The fields are {known}. Attributes and packages are written {name}={value}; "
        f"a word with a colon goes in quotes: {quoted}.",
        field=name,
    )


def explain_fields() -> Iterable[tuple[str, str]]:
    """Return each field with its meaning, for help."""
    return [(name, field.meaning) for name, field in FIELDS.items()]
