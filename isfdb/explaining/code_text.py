"""``Code``: the script that made a value, as a text that knows what is to be known about it and how to show itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from isfdb.display import html
from isfdb.display.highlight import python_html
from isfdb.display.safe import escape, visible, visible_lines
from isfdb.explaining.check_records import Check
from isfdb.explaining.notebooks import notebook_of, write_notebook

#: What a status means, for those who read it.
_MEANING = {
    "unchecked": "nobody ran it yet",
    "checked": "run in a clean process, it made the value again",
    "widened": "a narrower script did not make the value again; run in a clean process, this one did",
    "failed": "run in a clean process, it did not make the value again",
}


class Code(str):
    """The script that made a value: a text, with what is to be known about it. Made by :func:`isfdb.code`.

    Attributes
    ----------
    key : str
    link : str
        Of the version it is about.
    level : str
        ``"statements"``: the statements that are needed. ``"cells"``: all of each cell with one of them. ``"everything"``: all that ran
        until the value was stored. ``"as it ran"``: the cell or script that stored it, where there is no slice. ``"history"``: all that
        the session ran.
    labels : tuple of (str, str)
        What is to be known about it, and why: ``("out of order", "cell [3] ran after cell [5]")``.
    widened : tuple of str
        Why it may hold more than it must.
    status : str
        ``"unchecked"``, ``"checked"``, ``"widened"`` or ``"failed"``.
    check : Check or None
        What running it showed.
    notes : tuple of str
        What else is to be known, as why a check was not kept.
    """

    key: str
    link: str
    level: str
    labels: tuple[tuple[str, str], ...]
    widened: tuple[str, ...]
    status: str
    check: Check | None
    notes: tuple[str, ...]

    def __new__(
        cls,
        text: str,
        *,
        key: str = "",
        link: str = "",
        level: str = "statements",
        labels: Sequence[tuple[str, str]] = (),
        widened: Sequence[str] = (),
        check: Check | None = None,
        notes: Sequence[str] = (),
    ) -> Code:
        """Make a text that knows what is to be known about it."""
        made = super().__new__(cls, text)
        made.key, made.link, made.level = key, link, level
        made.labels, made.widened, made.notes = tuple(labels), tuple(widened), tuple(notes)
        made.check, made.status = check, check.status if check else "unchecked"
        return made

    def with_check(self, check: Check, note: str = "") -> Code:
        """Return the same script with what running it showed."""
        facts = {name: getattr(self, name) for name in ("key", "link", "level", "labels", "widened")}
        return Code(str(self), check=check, notes=(*self.notes, *([note] if note else [])), **facts)

    def __repr__(self) -> str:
        return self.told()

    def told(self) -> str:
        """Return the script below what is to be known about it, as a terminal shows it."""
        return "\n".join([*[f"# {visible(line, 400)}" for line in self.lines()], "", visible_lines(str(self), 1_000_000).rstrip("\n")])

    def lines(self) -> list[str]:
        """Return what is to be known about it, a line each."""
        failed = [str(one) for one in self.check.attempts if one.outcome != "same"] if self.check else []
        because = [f"{label}: {why}" if why else label for label, why in self.labels]
        wider = [f"may hold more than it must: {'; '.join(self.widened)}"] if self.widened else []
        notes = [*(self.check.notes if self.check else ()), *self.notes]
        return [f"{self.key} - {self.level} - {self.status}: {_MEANING[self.status]}", *because, *wider, *failed, *notes]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "check": self.check.to_json() if self.check else None,
            "code": str(self),
            "key": self.key,
            "labels": [list(one) for one in self.labels],
            "level": self.level,
            "link": self.link,
            "notes": list(self.notes),
            "status": self.status,
            "widened": list(self.widened),
        }

    def to_notebook(self, path: str | os.PathLike[str] | None = None) -> dict[str, Any]:
        """Return the script as a notebook (nbformat 4), a cell for each cell that ran; write it to `path`, if one is given.

        Raises
        ------
        FileExistsError
            There is a file at `path`.
        """
        notebook = notebook_of(str(self), self.lines(), self.link)
        if path is not None:
            write_notebook(notebook, path)
        return notebook

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bad = " i-bad" if self.status == "failed" else ""
        tag = f'<span class="i-tag{bad}" title="{escape(_MEANING[self.status])}">{escape(self.status)}</span>'
        tags = " ".join([tag, *[f'<span class="i-tag" title="{escape(why)}">{escape(label)}</span>' for label, why in self.labels]])
        told = "".join([f"<li>{escape(line, 400)}</li>" for line in self.lines()[1:]])
        head = f'<p class="i-head"><b>{escape(self.key)}</b> <span class="i-muted">{escape(self.level)}</span> {tags}</p>'
        more = html.folded("what is to be known", f"<ul>{told}</ul>") if told else ""
        return {"text/plain": self.told(), "text/html": html.fragment(head, more, python_html(str(self), f"script of {self.key}"))}

    def __reduce__(self) -> tuple[Any, ...]:
        facts = {name: getattr(self, name) for name in ("key", "link", "level", "labels", "widened", "check", "notes")}
        return _rebuilt, (str(self), facts)


def _rebuilt(text: str, facts: dict[str, Any]) -> Code:
    return Code(text, **facts)
