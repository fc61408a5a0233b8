"""What the shell's Tab key offers: verbs, options, files, registered databases, and the keys of the database already typed.

Lists names, never loads a value, writes nothing. Names that a shell might act on are not offered: they can be typed, in quotes.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

#: So many names are offered at most: a screen or two.
MOST: Final = 400

# Letters of any script, digits, and signs that mean nothing to bash, zsh or fish inside a word; nothing that begins an option, a
# home folder, a comment or an expansion. Blanks are escaped by argcomplete.
_HARMLESS: Final = re.compile(r"[\w./+@%,][\w./+@%,:= -]*")

_Completer = Callable[..., Iterable[str]]


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer the shell, which asks through its environment, and end the process."""
    from argcomplete.completers import SuppressCompleter
    from argcomplete.finders import CompletionFinder

    for one in _all(parser):
        for action in one._actions:
            _equip(action)
    finder = CompletionFinder()
    finder(parser, always_complete_options=False, default_completer=SuppressCompleter())


def _all(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _all(below)


def _equip(action: Any) -> None:
    """Give an argument what completes it, by the word that stands for it in help."""
    from argcomplete.completers import DirectoriesCompleter, FilesCompleter

    offered: dict[str, _Completer] = {
        "DB": databases,
        "KEY": keys,
        "SUB": sub_databases,
        "DB|KEY|LINK": words,
        "DB QUERY": words,
        "FILE": FilesCompleter(),
        "PATH": FilesCompleter(),
        "KEYFILE": FilesCompleter(),
        "OLD": databases,
        "NEW": databases,
        "DIR": DirectoriesCompleter(),
        "TARGET": databases,
        "NAME": attribute_names,
    }
    completer = offered.get(str(action.metavar))
    if completer is not None and action.choices is None:
        action.completer = completer


# What there is ------------------------------------------------------------------------------------------------------------------------


def databases(prefix: str, **_: Any) -> list[str]:
    """Return folders and names in the registry that begin so."""
    from argcomplete.completers import DirectoriesCompleter

    folders = [str(name) for name in DirectoriesCompleter()(prefix)]
    return _offered([*folders, *([] if os.sep in prefix else _registered())], prefix)


def keys(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Return the keys of the database that was typed, one level of sub-databases at a time."""
    return _level(getattr(parsed_args, "db", None), prefix, with_keys=True)


def sub_databases(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Return the sub-databases of the database that was typed."""
    return _level(getattr(parsed_args, "db", None), prefix, with_keys=False)


def words(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Return databases for the first word, for those after it the keys of the first."""
    typed = list(getattr(parsed_args, "words", None) or [])
    found = keys(prefix, argparse.Namespace(db=typed[0])) if typed else []
    return found or databases(prefix)


def attribute_names(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Return the names of what was noted about the key that was typed."""
    target, key = getattr(parsed_args, "db", None), getattr(parsed_args, "key", None)
    if not target or not key:
        return []
    return _offered(_quietly(lambda: list(_opened(target).attributes[key])), prefix)


def _level(target: str | None, prefix: str, *, with_keys: bool) -> list[str]:
    if not target:
        return []
    above, slash, _ = prefix.rpartition("/")

    def names() -> list[str]:
        db = _opened(target)
        here = (db[above] if above else db)._list()
        below = [f"{above}{slash}{name}/" for name in here.sub_databases]
        return [*below, *([f"{above}{slash}{name}" for name in here.keys] if with_keys else [])]

    return _offered(_quietly(names), prefix)


def _opened(target: str) -> Any:
    from isfdb.opening import open as open_database
    from isfdb.options import set_options

    with set_options(register=False):  # a look from the command line is no use of the database
        return open_database(os.path.expanduser(target), mode="r")


def _registered() -> list[str]:
    from isfdb.registry.nearby import given_names

    return _quietly(given_names)


def _quietly(ask: Callable[[], list[str]]) -> list[str]:
    """Return what there is; nothing where it cannot be read, for nobody waits for a message while typing."""
    from isfdb.errors import IsfdbError

    try:
        return ask()
    except (IsfdbError, OSError, ValueError):
        return []


def _offered(names: Iterable[str], prefix: str) -> list[str]:
    """Return the names that begin so and that no shell could act on."""
    fitting = sorted([name for name in names if name.startswith(prefix)])
    return list(islice((name for name in fitting if _HARMLESS.fullmatch(name)), MOST))
