"""Keys inside Python code: what may follow ``db["``, ``db["cells"]["``, ``db.entry("``. The code is read, and nothing of it is run."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any, Final

from isfdb.database import Database
from isfdb.jupyter.here import Here
from isfdb.key_completion import names_below, sub_database

_METHODS: Final = "append|attach|copy|create_sub_db|entry|get|is_sub_db|maybe_calculate|pin|rename|set|snapshot|versions"
_FUNCTIONS: Final = "audit|code|export|find|lineage|pin|replay|verify"
_TEXT: Final = r"""(?:"[^"\\\n]*"|'[^'\\\n]*')"""
_KEYS: Final = rf"(?:\s*\[\s*{_TEXT}\s*\])*"
_BEGUN: Final = r"""(?P<quote>["']?)(?P<typed>[^"'\\\n]*)"""

_SUBSCRIPT: Final = re.compile(
    rf"(?<![\w.])(?P<name>[^\W\d]\w*)(?P<keys>{_KEYS})\s*(?:\.(?:attributes|metadata)\s*\[|\.(?:{_METHODS})\s*\(|\[)\s*{_BEGUN}$"
)
_ARGUMENT: Final = re.compile(rf"(?<![\w])(?:{_FUNCTIONS})\(\s*(?P<name>[^\W\d]\w*)(?P<keys>{_KEYS})\s*,\s*(?:key\s*=\s*)?{_BEGUN}$")


@dataclass(frozen=True)
class Begun:
    """A key that was begun in Python code.

    Attributes
    ----------
    db : Database
        In which it is looked for.
    quote : str
        That the text begins with; empty where none was typed.
    typed : str
    """

    db: Database
    quote: str
    typed: str


def begun_in(text: str, here: Here) -> Begun | None:
    """Read a line up to the cursor; None where it does not end within a key."""
    found = _SUBSCRIPT.search(text) or _ARGUMENT.search(text)
    if found is None or (not found["quote"] and found["typed"]):
        return None  # a number, or a variable
    db: Any = here.names.get(found["name"])
    for key in re.findall(_TEXT, found["keys"]):
        db = sub_database(db, ast.literal_eval(key)) if isinstance(db, Database) else None
    return Begun(db, found["quote"], found["typed"]) if isinstance(db, Database) else None


def endings(begun: Begun) -> list[str]:
    """Return the keys as they stand in code, from the quote on; the quote that ends them is the front end's."""
    names = names_below(begun.db, begun.typed)
    if not begun.quote:
        return [repr(name) if not name.endswith("/") else repr(name)[:-1] for name in names]
    return [f"{begun.quote}{_escaped(name, begun.quote)}" for name in names]


def _escaped(name: str, quote: str) -> str:
    return name.replace("\\", "\\\\").replace(quote, f"\\{quote}")
