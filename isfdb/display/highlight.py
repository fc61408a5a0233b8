"""Python source in colour, as HTML: by the standard library's tokens, with the front end's colours and no script."""

from __future__ import annotations

import html
import io
import keyword
import tokenize
from collections.abc import Iterator
from typing import Final

from isfdb.display.safe import escape, visible_lines

MOST_CHARACTERS: Final = 200_000

_KINDS: Final = {tokenize.COMMENT: "c", tokenize.STRING: "s", tokenize.NUMBER: "n"}

#: Colours of JupyterLab, elsewhere ones of ours; mixed with that of the text, so that they can be read on light and on dark.
STYLE: Final = (
    ".isfdb .i-k{color:color-mix(in srgb,var(--jp-mirror-editor-keyword-color,#0a8a3a) 70%,currentColor);font-weight:600}"
    ".isfdb .i-s{color:color-mix(in srgb,var(--jp-mirror-editor-string-color,#c0392b) 70%,currentColor)}"
    ".isfdb .i-n{color:color-mix(in srgb,var(--jp-mirror-editor-number-color,#1f7a8c) 70%,currentColor)}"
    ".isfdb .i-c{color:color-mix(in srgb,var(--jp-mirror-editor-comment-color,currentColor) 65%,currentColor);font-style:italic}"
)


def python_html(source: str, label: str) -> str:
    """Return Python source in a box that a keyboard can scroll; in plain colour where it cannot be read as Python."""
    return f"<style>{STYLE}</style>{python_box(source, label)}"


def python_box(source: str, label: str) -> str:
    """Return the same without its style, which a page with many boxes carries once."""
    shown = visible_lines(source, MOST_CHARACTERS)
    try:
        body = "".join(_spans(shown))
    except (tokenize.TokenError, SyntaxError, ValueError):
        body = html.escape(shown, quote=True)
    return f'<pre class="i-code" tabindex="0" role="group" aria-label="{escape(label)}"><code>{body}</code></pre>'


def _spans(source: str) -> Iterator[str]:
    lines = source.splitlines(keepends=True)
    at = (1, 0)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = _KINDS.get(token.type) or ("k" if token.type == tokenize.NAME and keyword.iskeyword(token.string) else "")
        if kind:
            yield html.escape(_between(lines, at, token.start), quote=True)
            yield f'<span class="i-{kind}">{html.escape(token.string, quote=True)}</span>'
            at = token.end
    yield html.escape(_between(lines, at, (len(lines) + 1, 0)), quote=True)


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the text from one place to another: lines counted from 1, columns from 0."""
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]] if start[0] <= len(lines) else ""
    first = lines[start[0] - 1][start[1] :] if start[0] <= len(lines) else ""
    last = lines[end[0] - 1][: end[1]] if end[0] <= len(lines) else ""
    return first + "".join(lines[start[0] : end[0] - 1]) + last
