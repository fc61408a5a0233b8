"""Code that loads a value, for the next cell: shown to be copied, and handed to IPython where one runs."""

from __future__ import annotations

import sys
from typing import Any

from isfdb.jupyter.browsing.tabs.pieces import Notice, button
from isfdb.jupyter.browsing.tabs.subject import Subject


def loading_code(subject: Subject) -> str:
    """Return the line that loads the value: by the variable that holds the database, where there is one."""
    name = _variable(subject.db)
    if name:
        return f"value = {name}[{subject.key!r}]"
    return f"import isfdb\n\nvalue = isfdb.open({subject.db.path!r})[{subject.key!r}]"


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _variable(db: Any) -> str:
    shell = _shell()
    names = [name for name, value in list(shell.user_ns.items()) if type(value) is type(db) and value == db] if shell else []
    public = [name for name in names if not name.startswith("_")]
    return "db" if "db" in public else min(public, default="")


def loading_button(subject: Subject, notice: Notice) -> tuple[Any, Any]:
    """Return a button that inserts the code, and the field that shows it once it was clicked."""
    import ipywidgets as widgets

    field = widgets.Textarea(description="", rows=1, layout={"display": "none", "width": "auto"}, tooltip="code that loads the value")

    def insert() -> None:
        field.value = loading_code(subject)
        field.rows = field.value.count("\n") + 1
        field.layout.display = ""
        shell = _shell()
        if shell is not None:
            shell.set_next_input(field.value)
        below = "It is put into a new cell below the next one that you run; or copy it:" if shell is not None else "Copy it:"
        notice.say(below)

    return button("insert loading code", "Put code that loads this value into the next cell", notice, insert, icon="code"), field
