"""What ``isfdb.diff`` returns: how two values differ, and how their making did; printed, shown in a notebook, as JSON."""

from __future__ import annotations

import html as std_html
from dataclasses import dataclass
from typing import Any, Final

from isfdb.comparing.axis import DIFFERS, Axis
from isfdb.comparing.comparison import NOT_COMPARED, Comparison
from isfdb.display import html
from isfdb.display.safe import escape, visible, visible_lines

#: What a page with several differences carries once.
DIFF_STYLE: Final = (
    ".isfdb .i-del{color:var(--i-bad)}.isfdb .i-add{color:var(--vscode-gitDecoration-addedResourceForeground,"
    "color-mix(in srgb,#1a8a3a 70%,currentColor))}.isfdb .i-part{margin:0 0 0 1.2em}.isfdb .i-part p{margin:0}"
)


@dataclass(frozen=True)
class Difference:
    """How two values differ; true where they do.

    Attributes
    ----------
    names : pair of str
        How the two are called.
    value : Comparison
        The values.
    axes : tuple of Axis
        How they were made: ``inputs``, ``code``, ``packages``, ``machine``, ``risks``, ``made``. Empty for values in memory.
    because : str
        What may explain the difference, by a plain rule; empty where there is none.
    subject : str
        The key, where it is one; else empty.
    """

    names: tuple[str, str]
    value: Comparison
    axes: tuple[Axis, ...] = ()
    because: str = ""
    subject: str = ""

    @property
    def same(self) -> bool:
        """Whether the values are the same: identical, equal, or close where a tolerance was asked for."""
        return self.value.same

    @property
    def status(self) -> str:
        """``"identical"``, ``"equal"``, ``"close"``, ``"different"`` or ``"not compared"``."""
        return self.value.status

    def __bool__(self) -> bool:
        return not self.same

    def axis(self, name: str) -> Axis:
        """Return one axis by its name.

        Raises
        ------
        KeyError
            There is none of that name.
        """
        found = {axis.name: axis for axis in self.axes}
        return found[name]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "first": self.names[0],
            "second": self.names[1],
            "status": self.status,
            "same": self.same,
            "value": self.value.to_json(),
            "axes": [axis.to_json() for axis in self.axes],
            "because": self.because or None,
        }

    def __str__(self) -> str:
        lines = [visible(self._title(), 400), *self._value_lines()]
        if self.because:
            lines.append(visible(self.because, 1000))
        for axis in self.axes:
            lines += _axis_lines(axis)
        return "\n".join(lines)

    __repr__ = __str__

    def _title(self) -> str:
        return f"{f'{self.subject}: ' if self.subject else ''}{self.names[0]} → {self.names[1]}"

    def _value_lines(self) -> list[str]:
        first, *rest = self.value.text_lines()
        return [f"the values: {first}" if self.status == NOT_COMPARED else f"the values are {first}", *rest]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._html()}

    def _html(self) -> str:
        return html.fragment(f"<style>{DIFF_STYLE}</style>", html.heading(self._title()), *self.html_parts())

    def html_parts(self) -> list[str]:
        """Return it below its heading, as pieces of HTML for a page that has the style."""
        colour = "" if self.same else ' class="i-bad"'
        status = f'<p class="i-head"><b{colour}>{escape(self.status)}</b> {escape(self.value.because, 400)}</p>'
        because = f'<p class="i-head">{escape(self.because, 1000)}</p>' if self.because else ""
        return [status, _inside(self.value), because, *map(_axis_html, self.axes)]


def _axis_lines(axis: Axis) -> list[str]:
    said = f"{axis.name + ':':<10}{axis.status}{f': {axis.because}' if axis.because else ''}"
    lines = [visible(said, 600), *[f"  {visible(line, 600)}" for line in axis.lines]]
    return lines + [f"  {line}" for line in visible_lines(axis.text).split("\n") if axis.text]


def _axis_html(axis: Axis) -> str:
    title = f"{axis.name}: {axis.status}{f': {axis.because}' if axis.because else ''}"
    body = _list(axis.lines) + (diff_html(axis.text, f"difference of the {axis.name}") if axis.text else "")
    if not body:
        return f'<p class="i-head">{escape(title, 400)}</p>'
    return html.folded(title[:200], body, is_open=axis.status == DIFFERS and axis.name in ("code", "inputs", "packages"))


def _list(lines: tuple[str, ...]) -> str:
    return f'<div class="i-part">{"".join(f"<p>{escape(line, 600)}</p>" for line in lines)}</div>' if lines else ""


def _inside(comparison: Comparison) -> str:
    """Return what stands below the first line of a comparison."""
    more = f'<p class="i-muted">… and {comparison.n_more:,} more</p>' if comparison.n_more else ""
    text = diff_html(comparison.text, "difference of the texts") if comparison.text else ""
    return _list((*comparison.lines, *comparison.notes)) + text + "".join(map(_part, comparison.parts)) + more


def _part(part: Comparison) -> str:
    title = f"{part.where}: {part.status}{f': {part.because}' if part.because else ''}"
    body = _inside(part)
    return f'<div class="i-part">{html.folded(title[:300], body, is_open=not part.same) if body else f"<p>{escape(title, 300)}</p>"}</div>'


def diff_html(text: str, label: str) -> str:
    """Return a unified diff with its removed and added lines coloured."""
    lines = []
    for line in visible_lines(text).split("\n"):
        sign = {"-": "i-del", "+": "i-add", "@": "i-muted"}.get(line[:1], "")
        shown = std_html.escape(line, quote=True)
        lines.append(f'<span class="{sign}">{shown}</span>' if sign else shown)
    joined = "\n".join(lines)
    return f'<pre class="i-code" tabindex="0" aria-label="{escape(label)}"><code>{joined}</code></pre>'
