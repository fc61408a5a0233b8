"""Makes any text from a database safe to show: in a terminal, in a line of a tree, in HTML. Decides nothing about layout."""

from __future__ import annotations

import html
import re
import unicodedata

# Control characters (ANSI escapes among them), characters that turn the direction of writing or have no width, separators that
# break lines, halves of surrogate pairs and tag characters: shown as escapes, or a key could forge what a reader sees.
_HIDDEN_CLASS = (
    "\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb"
    "\\ud800-\\udfff\\U000e0000-\\U000e007f"
)
_HIDDEN = re.compile(f"[{_HIDDEN_CLASS}]")
_HIDDEN_IN_LINES = re.compile(f"(?![\\n\\t])[{_HIDDEN_CLASS}]")
_COLOUR = re.compile("(\x1b\\[[0-9]{1,2}m)")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}


def _escape_code(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: object, limit: int = 200) -> str:
    """Return `text` on one line, at most `limit` characters, with everything invisible or misleading shown as an escape.

    Parameters
    ----------
    text : object
        Usually a text; anything else is shown as ``str()`` would.
    limit : int
        Longest result; what is cut is replaced by ``…``.
    """
    raw = text if isinstance(text, str) else str(text)
    shown = _HIDDEN.sub(_escape_code, raw[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def visible_lines(text: object, limit: int = 20_000) -> str:
    """Return `text` with its lines kept and everything else invisible shown as an escape; cut at `limit` characters."""
    raw = str(text).replace("\r\n", "\n")
    shown = _HIDDEN_IN_LINES.sub(_escape_code, raw[:limit])
    return shown if len(raw) <= limit else f"{shown}\n… ({len(raw) - limit:,} characters more)"


def for_terminal(text: str) -> str:
    """Return a text as a terminal may get it: everything that acts on it is shown as an escape, but for plain colours.

    What is printed into a file or a pipe stays as it is: a script, a value, a listing for another program.
    """
    parts = _COLOUR.split(text)
    return "".join([part if number % 2 else _HIDDEN_IN_LINES.sub(_escape_code, part) for number, part in enumerate(parts)])


def escape(text: object, limit: int = 200) -> str:
    """Return one line of `text` for HTML, in an element or in an attribute."""
    return html.escape(visible(text, limit), quote=True)


def escape_lines(text: object, limit: int = 20_000) -> str:
    """Return `text` for a ``<pre>`` element."""
    return html.escape(visible_lines(text, limit), quote=True)


def width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200c\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, columns: int) -> str:
    """Cut `text` to `columns` columns of a terminal and fill it up with spaces to exactly that many."""
    taken = width(text)
    if taken <= columns:
        return text + " " * (columns - taken)
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > columns - 1:
            break
        kept.append(character)
    return fit("".join(kept) + "…", columns)


def fit_end(text: str, columns: int) -> str:
    """Cut the beginning of `text`, a path for example, where it takes more than so many columns of a terminal."""
    if width(text) <= columns:
        return text
    used, kept = 1, ""
    for character in reversed(text):
        used += _columns(character)
        if used > columns:
            break
        kept = character + kept
    return "…" + kept
