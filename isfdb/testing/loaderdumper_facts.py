"""What a loaderdumper says of itself, checked: its optional facts are of the right kind, and what it notes of a value is small JSON."""

from __future__ import annotations

import json
import re
from typing import Any, Final

#: What an ``about`` says, and of which kind: its row in the reference.
ABOUT: Final = {"types": tuple, "keeps": str, "format": str, "files": str, "exact": bool, "lazy": str, "append": bool}

_FLAGS: Final = ("runs_code", "mutable", "explicit_only", "has_parts", "imports_classes")
_FUNCTIONS: Final = ("describe", "summarise", "snapshot")
_MOST_CHARACTERS: Final = 20_000
_VERSION: Final = re.compile(r"\d+(\.\d+)*")
_EXTRA: Final = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")


def check_facts(module: Any) -> None:
    """Raise AssertionError unless the module has what a loaderdumper needs, and its optional facts are of the right kind."""
    name = name_of(module)
    for needed in ("check", "dump", "Loader"):
        if not callable(getattr(module, needed, None)):
            raise AssertionError(f"{name} has no {needed}; a loaderdumper needs check, dump and class Loader")
    if not callable(getattr(module.Loader, "get", None)):
        raise AssertionError(f"{name}.Loader has no get; write def get(self, savedir)")
    for fact, kind in {"priority": int, **dict.fromkeys(_FLAGS, bool)}.items():
        if hasattr(module, fact) and type(getattr(module, fact)) is not kind:
            raise AssertionError(f"{name}.{fact} is {getattr(module, fact)!r}; make it {_article(kind)}, or leave it out")
    for fact in _FUNCTIONS:
        if not callable(getattr(module, fact, len)):
            raise AssertionError(f"{name}.{fact} is {getattr(module, fact)!r}; make it a function, or leave it out")
    if getattr(module, "runs_code", False) and getattr(module, "priority", 50) < 80:
        raise AssertionError(f"{name} runs code when loading and would be asked before open formats; give it a priority of 80 or more")
    plainly = getattr(module, "load_plainly", len)
    if not callable(plainly) and not (type(plainly) is str and plainly.count(":") == 1):
        raise AssertionError(f"{name}.load_plainly is {plainly!r}; make it a function, or 'module:function', or leave it out")
    _check_libraries(module, name)
    _check_about(module, name)


def _article(kind: type) -> str:
    return f"an {kind.__name__}" if kind.__name__[0] in "aeiou" else f"a {kind.__name__}"


def _check_libraries(module: Any, name: str) -> None:
    extra, requires = getattr(module, "extra", "x"), getattr(module, "requires", {})
    if type(extra) is not str or not _EXTRA.fullmatch(extra):
        raise AssertionError(f"{name}.extra is {extra!r}; make it the name of an extra, as in pip install 'isfdb[xarray]', or leave it out")
    is_sound = type(requires) is dict and all(type(one) is str for pair in requires.items() for one in pair)
    if not is_sound or not all(_VERSION.fullmatch(lowest) for lowest in requires.values()):
        raise AssertionError(
            f"{name}.requires is {requires!r}; make it a dict of distribution to lowest version, as {{'xarray': '2024.10'}}"
        )


def _check_about(module: Any, name: str) -> None:
    about = getattr(module, "about", None)
    if about is None:
        return
    kinds = {fact: type(value) for fact, value in about.items()} if type(about) is dict else None
    if kinds != ABOUT:
        wanted = ", ".join(f"{fact!r} ({kind.__name__})" for fact, kind in ABOUT.items())
        raise AssertionError(f"{name}.about is {about!r}; make it a dict of {wanted}, or leave it out")
    if not about["types"] or not all(type(one) is str and one for one in about["types"]):
        raise AssertionError(f"{name}.about['types'] is {about['types']!r}; give the dotted names of the types that it keeps")
    texts = [*about["types"], *(text for text in about.values() if type(text) is str)]
    if any(set("|\n") & set(text) for text in texts):
        raise AssertionError(f"{name}.about is to be one row of a table; leave out line ends and upright strokes")


def check_told(module: Any, value: Any, what: str) -> None:
    """Raise AssertionError unless what ``describe`` and ``summarise`` say of a value is a small dict, ready for JSON."""
    for function in ("describe", "summarise"):
        if hasattr(module, function):
            _check_small(getattr(module, function)(value), function, what)


def _check_small(facts: Any, function: str, what: str) -> None:
    try:
        text = json.dumps(facts, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(
            f"{function} returned {facts!r} for {what}, which is no JSON ({error}); return text, numbers and lists"
        ) from error
    if not isinstance(facts, dict) or len(text) > _MOST_CHARACTERS:
        raise AssertionError(f"{function} returned a {type(facts).__name__} of {len(text)} characters for {what}; return a small dict")


def name_of(module: Any) -> str:
    """Return the module's name."""
    return str(getattr(module, "__name__", module))
