"""The tab Attributes: what the user noted about a key, to be read, changed, added to and removed. Each change is one revision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from isfdb.display import html
from isfdb.display.safe import escape, visible
from isfdb.display.words import count_text
from isfdb.errors import ConflictError, OptionError
from isfdb.jupyter.browsing.tabs.pieces import Notice, button, column, fitted, is_plain, note, piece, row, told
from isfdb.jupyter.browsing.tabs.subject import Subject

_MOST_SHOWN: Final = 100
_MISSING: Final = object()


def tab(subject: Subject) -> Any:
    """Return the widget."""
    return _Attributes(subject).widget


def static(subject: Subject) -> str:
    """Return the attributes as HTML."""
    return table_of(dict(subject.db.attributes[subject.key]))


def table_of(values: Mapping[str, Any]) -> str:
    """Return attributes as a table."""
    rows = [(name, as_text(value)) for name, value in values.items()]
    return html.table(("attribute", "value"), rows, limit=1000) if rows else note("Nothing is noted about this key so far.")


def as_text(value: Any) -> str:
    """Return a value as it can be typed: JSON; what JSON has no words for as Python writes it."""
    text = _json_of(value)
    return repr(value) if text is None else text


def _json_of(value: Any) -> str | None:
    """Return a value as JSON, where that gives the very same value again."""
    try:
        text = json.dumps(value, ensure_ascii=False)
        if visible(text, len(text)) != text:  # what turns the direction of writing, say, is typed as an escape
            text = json.dumps(value)
        return text if _same(json.loads(text), value) else None
    except (TypeError, ValueError, RecursionError):
        return None


def _same(read: Any, value: Any) -> bool:
    if type(read) is not type(value):
        return False
    if isinstance(read, dict):
        return read.keys() == value.keys() and all(_same(read[name], value[name]) for name in read)
    if isinstance(read, list):
        return len(read) == len(value) and all(map(_same, read, value))
    return bool(read == value)


def value_of(text: str) -> Any:
    """Return the value that a text means: JSON, or a word or two as they stand.

    Raises
    ------
    OptionError
        It is neither.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        bare = text.strip()
        if bare[:1].isalpha():
            return bare
        hint = f"For a text type {json.dumps(bare, ensure_ascii=False)[:200]}." if bare else 'Type 3.5, "Hz", [1, 2] or {"low": 1}.'
        raise OptionError(f"this is no value: {str(error)[:200]}. {hint}", text=text) from error


class _Attributes:
    """A row for each attribute, and one to add another."""

    def __init__(self, subject: Subject) -> None:
        import ipywidgets as widgets

        self.subject = subject
        self.notice = Notice()
        self.rows = widgets.VBox(layout={"width": "100%"})
        self.widget = column(self.rows, None if subject.db.read_only else self._adding(), self.notice.widget)
        self._fill()

    def _attributes(self) -> Any:
        return self.subject.db.attributes[self.subject.key]

    def _fill(self) -> None:
        """Show the attributes as they are now."""
        values = dict(self._attributes())
        if self.subject.db.read_only:
            why = note("The database is open for reading, so nothing can be changed here. Open it with mode='a'.")
            self.rows.children = [piece(table_of(values) + why)]
            return
        shown = [self._row(name, value) for name, value in list(values.items())[:_MOST_SHOWN]]
        hidden = len(values) - len(shown)
        more = (
            [piece(note(f"{count_text(hidden, 'more attribute')}, not shown: see db.attributes[{self.subject.key!r}]."))] if hidden else []
        )
        self.rows.children = [*shown, *more] or [piece(table_of({}))]

    def _row(self, name: str, value: Any) -> Any:
        remove = button("remove", f"Remove the attribute {visible(name, 60)}", self.notice, lambda: self._remove(name), icon="trash")
        text = _json_of(value)
        if text is None:
            return row(_label(name), piece(f"<code>{escape(as_text(value), 400)}</code>"), remove)
        field = _field(text, name if is_plain(name) else "", f"value of {visible(name, 60)}, as JSON")
        tooltip = f"Keep the changed value of {visible(name, 60)}"
        change = button("change", tooltip, self.notice, lambda: self._change(name, value, field.value), icon="check")
        return row(None if is_plain(name) else _label(name), field, change, remove)

    def _adding(self) -> Any:
        self.name = _field("", "new attribute", "name of a new attribute")
        self.value = _field("", "value", 'its value, as JSON: 3.5, "Hz", [1, 2]; a word is a text')
        return row(self.name, self.value, button("add", "Note one more attribute", self.notice, self._add, icon="plus"))

    def _add(self) -> None:
        name = self.name.value.strip()
        if not name:
            raise OptionError("give the new attribute a name.")
        self._note(name, _MISSING, value_of(self.value.value), f"{name} is noted.")
        self.name.value = self.value.value = ""

    def _change(self, name: str, before: Any, text: str) -> None:
        self._note(name, before, value_of(text), f"{name} is changed.")

    def _note(self, name: str, before: Any, value: Any, done: str) -> None:
        attributes = self._attributes()
        standing = dict(attributes).get(name, _MISSING)
        if standing is not before and not _same(standing, before):
            self._fill()
            is_there = "it is gone" if standing is _MISSING else f"it is {as_text(standing)[:200]}"
            what = "is noted already" if before is _MISSING else "is not what was shown here any more"
            raise ConflictError(f"{visible(name, 60)!r} {what}: {is_there}. Look at it, and change it in its row.", key=self.subject.key)
        attributes[name] = value
        self._after(done)

    def _remove(self, name: str) -> None:
        attributes = self._attributes()
        if name in attributes:
            del attributes[name]
        self._after(f"{name} is removed; the history keeps it.")

    def _after(self, done: str) -> None:
        with told(self.notice):
            self._fill()
            self.notice.say(done)
        self.subject.changed()


def _label(name: str) -> Any:
    label = piece(f"<code>{escape(name, 80)}</code>")
    label.layout.width = "12em"
    return label


def _field(value: str, description: str, tooltip: str) -> Any:
    import ipywidgets as widgets

    # Not with each key: of fast typing the last keys would reach the kernel after a click on the button beside it.
    field = fitted(widgets.Text(value=value, description=description, tooltip=tooltip, continuous_update=False), width="18em")
    field.layout.flex = "1 1 14em"
    return field
