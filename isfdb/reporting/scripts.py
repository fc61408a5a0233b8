"""The scripts of a report: one that makes many values stands on the page once. It reads what is stored, and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.display import html
from isfdb.display.highlight import python_box
from isfdb.display.safe import escape
from isfdb.display.summaries import UNREADABLE
from isfdb.display.words import count_text
from isfdb.explaining.scripts import known_code

_HEAD: Final = "# What makes "
_LAST: Final = "value = isfdb.load("
_MOST_CHARACTERS: Final = 60_000
_MOST_KEYS: Final = 60


@dataclass
class Shared:
    """One script, and the keys that it makes."""

    text: str
    number: int = 0
    keys: list[tuple[str, str]] = field(default_factory=list)


class Scripts:
    """The scripts of all keys, each distinct one once.

    A loop gives every key a script of its own, which names the key in its first line and fetches it in its last one; what is between
    is the same.
    """

    def __init__(self) -> None:
        self._shared: dict[str, Shared] = {}
        self._of_key: dict[str, tuple[Any, Shared]] = {}
        self._n_shared = 0

    def add(self, key: str, anchor: str, version: Any) -> None:
        """Take up the script of a key."""
        try:
            code = known_code(version)
        except UNREADABLE:
            return  # verify names what is wrong with it
        body = _without_key(str(code))
        shared = self._shared.setdefault(body, Shared(body))
        shared.keys.append((key, anchor))
        if len(shared.keys) == 2:
            self._n_shared += 1
            shared.number = self._n_shared
        self._of_key[key] = (code, shared)

    def of(self, key: str) -> str:
        """Return the script of a key as HTML: the text itself, or where on the page it stands."""
        if key not in self._of_key:
            return '<p class="i-muted">Its script cannot be read.</p>'
        code, shared = self._of_key[key]
        told = "".join([f"<li>{escape(line, 400)}</li>" for line in code.lines()[1:] if line != "linear"])
        labels = f'<ul class="i-lines">{told}</ul>' if told else ""
        if not code.strip():
            return labels or '<p class="i-muted">No script is on record.</p>'
        if len(shared.keys) == 1:
            return labels + python_box(str(code)[:_MOST_CHARACTERS], f"script of {key}")
        others = count_text(len(shared.keys) - 1, "other value")
        link = f'<p><a href="#script-{shared.number}">Script {shared.number}</a> makes this value and {others}.'
        return f"{labels}{link}{_last(str(code))}</p>"

    def shared(self) -> Iterator[str]:
        """Give the scripts that make several values, as HTML."""
        for one in self._shared.values():
            if len(one.keys) > 1 and one.text.strip():
                yield _shared(one)


def _shared(one: Shared) -> str:
    links = ", ".join([f'<a href="#{anchor}">{escape(key, 80)}</a>' for key, anchor in one.keys[:_MOST_KEYS]])
    more = f" and {len(one.keys) - _MOST_KEYS:,} more" if len(one.keys) > _MOST_KEYS else ""
    title = f"Script {one.number} makes {len(one.keys):,} values"
    keys = html.folded("which values", f"<p>{links}{more}</p>")
    body = python_box(one.text[:_MOST_CHARACTERS], f"script {one.number}")
    return f'<article class="r-script" id="script-{one.number}"><h3>{title}</h3>{keys}{body}</article>'


def _last(text: str) -> str:
    last = text.rstrip().rpartition("\n")[2]
    return f" Its last line: <code>{escape(last, 300)}</code>" if last.startswith(_LAST) else ""


def _without_key(text: str) -> str:
    """Return a script without the lines that name the key."""
    lines = text.rstrip().split("\n")
    if lines[0].startswith(_HEAD):
        lines = lines[1:]
    if lines and lines[-1].startswith(_LAST):
        lines = lines[:-1]
    return "\n".join(lines).strip("\n") + "\n"
