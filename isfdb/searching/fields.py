"""What a query may ask for by name, and the condition that each makes of an operator and a text. Reads no query."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final, NamedTuple

from isfdb.display.words import size_text
from isfdb.errors import QueryError
from isfdb.searching.combinations import AllOf, Not
from isfdb.searching.full_text import OfCode, OfInput
from isfdb.searching.terms import OfAttribute, OfFlag, OfHost, OfKey, OfNumber, OfPackage, OfShape, OfText, Term, time_shown
from isfdb.searching.values import shape_test, size_of, span_of, version_test

RELATION = re.compile(r"\s*(==|!=|<=|>=|=|<|>)\s*")
_FLAGS: Final = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False, "off": False}
_ORDER: Final = ("<", ">", "<=", ">=")


class Field(NamedTuple):
    """Something that can be asked for by name.

    Attributes
    ----------
    make : callable
        Makes the condition from operator and text.
    meaning : str
        What can be asked, in words.
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
    return OfNumber("stored", "created", ">=", span_of(text, now())[0], time_shown)


def _before(operator: str, text: str) -> Term:
    _only("before", operator, (":", "=", "<"))
    return OfNumber("stored", "created", "<", span_of(text, now())[0], time_shown)


def _created(operator: str, text: str) -> Term:
    begin, end = span_of(text, now())
    if operator in _ORDER:
        return OfNumber("stored", "created", operator, begin if operator in ("<", ">=") else end, time_shown)
    # A moment ago has no length: what is meant is the time since then.
    before: tuple[Term, ...] = (OfNumber("stored", "created", "<", end, time_shown),) if end > begin else ()
    return _unless(operator, AllOf((OfNumber("stored", "created", ">=", begin, time_shown), *before)), f"time:{text}")


def now() -> datetime.datetime:
    """Return the moment from which "2 days" are counted back."""
    return datetime.datetime.now(datetime.UTC)


def _shape(operator: str, text: str) -> Term:
    _only("shape", operator, (":", "=", "==", "!="))
    return _unless(operator, OfShape(text, shape_test(text)), f"shape:{text}")


def flag_of(name: str, operator: str, text: str) -> bool:
    """Return what is asked of a fact that is true or false."""
    _only(name, operator, (":", "=", "==", "!="))
    if text.casefold() not in _FLAGS:
        raise QueryError(f"{name}{operator}{text} makes no sense: {name!r} is yes or no, as in {name}:yes.", field=name)
    return _FLAGS[text.casefold()] is (operator != "!=")


def _dirty(operator: str, text: str) -> Term:
    return OfFlag(flag_of("dirty", operator, text))


def _package(operator: str, text: str) -> Term:
    _only("package", operator, (":", "=", "==", "!="))
    name, relation, version = relation_of(text)
    if relation:
        version_test(relation, version)  # says now what is wrong with it
    return _unless(operator, OfPackage(name, relation, version), f"package:{text}")


def _attribute(operator: str, text: str) -> Term:
    _only("attribute", operator, (":", "=", "==", "!="))
    name, relation, value = relation_of(text)
    return _unless(operator, OfAttribute(name, relation, value), f"attribute:{text}")


def relation_of(text: str) -> tuple[str, str, str]:
    """Return ``("unit", "=", "Hz")`` for ``unit = Hz``; without a relation, two empty texts."""
    match = RELATION.search(text)
    if match is None:
        return text.strip(), "", ""
    return text[: match.start()].strip(), match[1], text[match.end() :].strip()


def _input(operator: str, text: str) -> Term:
    _only("input", operator, (":", "=", "==", "!="))
    return _unless(operator, OfInput(text), f"input:{text}")


def _code(operator: str, text: str) -> Term:
    _only("text", operator, (":", "=", "==", "!="))
    return _unless(operator, OfCode(text), f"text:{text}")


#: What can be asked for by name.
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

ALIASES: Final = {
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


def constraints_of(text: str) -> list[str]:
    """Return ``["numpy>=1.26", "numpy<2"]`` for ``numpy>=1.26,<2``."""
    first, *others = text.split(",")
    return [first, *[f"{relation_of(first)[0]}{one.strip()}" for one in others]]


def no_field(name: str, value: str) -> QueryError:
    """Return the error for a name that is no field, with the one that may be meant."""
    close = get_close_matches(name.casefold(), [*FIELDS, *ALIASES, "stale"], 1, 0.6)
    meant = f"did you mean {close[0]}:{value}? " if close else ""
    known = ", ".join([*FIELDS, "stale"])
    quoted = f'"{name}:{value}"'
    return QueryError(
        f"there is no field {name!r}: {meant}The fields are {known}. Attributes and packages are written {name}={value}; "
        f"a word with a colon goes in quotes: {quoted}.",
        field=name,
    )
