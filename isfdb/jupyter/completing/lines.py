"""What may stand at the end of a line that begins with ``%isfdb``: verbs, options, databases and keys."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from isfdb.database import Database
from isfdb.jupyter.here import Here
from isfdb.jupyter.lines import quoted
from isfdb.jupyter.verbs import VERBS
from isfdb.jupyter.verbs.keeping import REGISTRY
from isfdb.key_completion import MOST, names_below
from isfdb.layout.current import DATABASE_FILE

_LINE: Final = re.compile(r"\s*(?:[\w., ]+=\s*)?(?P<magic>%%?isfdb)\s+(?P<rest>.*)", re.DOTALL)
_WORD: Final = re.compile(r"""\s*('[^']*'(?=\s)|"[^"]*"(?=\s)|[^\s'"]\S*(?=\s))""")

#: Verbs whose words are databases, and nothing else.
_OF_DATABASES: Final = frozenset({"collect", "report", "seal", "trust", "import"})
#: How the values of options that are files are called in help.
_FILES: Final = frozenset({"FILE", "KEYFILE"})


@dataclass(frozen=True)
class Typed:
    """A line as far as it was typed.

    Attributes
    ----------
    magic : str
        ``%isfdb`` or ``%%isfdb``.
    words : tuple of str
        Those that are complete, without their quotes.
    word : str
        The one at the cursor, with the quote that it begins with.
    """

    magic: str
    words: tuple[str, ...]
    word: str


def typed_of(text: str) -> Typed | None:
    """Read a line up to the cursor; None where it is none of ours."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    rest, words = found["rest"], []
    while word := _WORD.match(rest):
        words.append(word[1][1:-1] if word[1][0] in "'\"" else word[1])
        rest = rest[word.end() :]
    return Typed(found["magic"], tuple(words), rest.lstrip())


def endings(typed: Typed, here: Here, parser_of: Callable[[str], Any]) -> list[str]:
    """Return what the word at the cursor may become, with quotes where it needs them.

    Parameters
    ----------
    typed : Typed
    here : Here
    parser_of : callable
        Gives the parser of a verb.
    """
    if not typed.words:
        known = ("cache",) if typed.magic == "%%isfdb" else tuple(VERBS)
        return _beginning(known, typed.word)
    verb = typed.words[0]
    parser = parser_of(verb)
    if parser is None:
        return []
    if typed.word.startswith("-"):
        return _beginning(sorted(parser._option_string_actions), typed.word)
    before = parser._option_string_actions.get(typed.words[-1])
    if before is not None and before.nargs != 0:
        return _values(before, typed.word, here)
    return list(dict.fromkeys(_positional(verb, _without_options(typed.words[1:], parser), typed.word, here)))


def _values(action: Any, word: str, here: Here) -> list[str]:
    """Return what may stand behind an option."""
    if action.choices:
        return _beginning(action.choices, word)
    if action.metavar in _FILES:
        return _files(word)
    return _keys(here.current_or_none(), word) if action.dest == "only" else []


def _without_options(words: Sequence[str], parser: Any) -> list[str]:
    """Return the words that are neither options nor what belongs to these."""
    found, is_value = [], False
    for word in words:
        action = parser._option_string_actions.get(word)
        if action is None and not is_value:
            found.append(word)
        is_value = action is not None and action.nargs != 0
    return found


def _positional(verb: str, before: Sequence[str], word: str, here: Here) -> list[str]:
    if verb == "whence":
        return _files(word)
    if verb == "open":
        return [] if before else [*_registered(word), *_files(word, folders_only=True)]
    if verb == "registry":
        return _action(before, word)
    if verb in _OF_DATABASES:
        return [*_databases(word, here), *_files(word, folders_only=True)]
    if not before:
        return [*_keys(here.current_or_none(), word), *_databases(word, here)]
    is_wanted = verb == "diff" or (len(before) == 1 and verb != "find")
    return _keys(_database(before[0], here), word) if is_wanted else []


def _action(before: Sequence[str], word: str) -> list[str]:
    """Return what may follow ``%isfdb registry``."""
    if not before:
        return _beginning(REGISTRY, word)
    return _registered(word) if before[0] in ("find", "forget") else _files(word)


def _keys(db: Database | None, word: str) -> list[str]:
    return [_as_typed(name, word) for name in names_below(db, _bare(word))] if db is not None else []


def _bare(word: str) -> str:
    """Return a word without the quote that it begins with."""
    return word[1:] if word[:1] in ("'", '"') else word


def _as_typed(name: str, word: str) -> str:
    """Return a name in the quotes that were begun, else in those it needs; a sub-database may go on, so that its quote stays open."""
    quote = word[0] if word[:1] in ("'", '"') else quoted(name)[0] if quoted(name) != name else ""
    return f"{quote}{name}" if name.endswith("/") else f"{quote}{name}{quote}"


def _databases(word: str, here: Here) -> list[str]:
    return [*_beginning(sorted(here.variables()), word), *_registered(word)]


def _registered(word: str) -> list[str]:
    from isfdb import registry

    return [_as_typed(name, word) for name in sorted(registry.names()) if name.startswith(_bare(word))]


def _database(word: str, here: Here) -> Database | None:
    """Return the database that a word means, where it is known to be one: what is only being typed is not opened."""
    found = here.names.get(word)
    if isinstance(found, Database):
        return found
    is_known = os.path.isfile(os.path.join(word, DATABASE_FILE)) or bool(_registered(word))
    return here.database(word) if is_known else here.current_or_none()


def _files(word: str, *, folders_only: bool = False) -> list[str]:
    """Return the files and folders whose paths begin with what was typed."""
    folder, slash, beginning = _bare(word).rpartition("/")
    with os.scandir(f"{os.path.expanduser(folder)}{slash}" or ".") as entries:
        names = [f"{one.name}/" if one.is_dir() else one.name for one in entries if one.name.startswith(beginning)]
    wanted = [name for name in sorted(names) if (name.endswith("/") or not folders_only) and (beginning or not name.startswith("."))]
    return [_as_typed(f"{folder}{slash}{name}", word) for name in wanted[:MOST]]


def _beginning(known: Iterable[str], word: str) -> list[str]:
    return [one for one in known if one.startswith(word)]
