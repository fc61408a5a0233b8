"""What the browser shows of one key, a tab each. Which key is chosen, and where the tabs stand, is the browser's part.

Each module has ``tab(subject)``, which makes the widget, and ``static(subject)``, which gives the same as HTML, without controls.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from isfdb.jupyter.browsing.tabs.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

#: Titles in the order in which they are shown, and the module of each.
TABS: Final[tuple[tuple[str, str], ...]] = (
    ("Preview", "preview"),
    ("Code", "code"),
    ("Provenance", "provenance"),
    ("Lineage", "lineage"),
    ("Versions", "versions"),
    ("Attributes", "attributes"),
    ("Actions", "actions"),
)


def make(db: Any, key: str, title: str, *, on_change: Callable[[], None] | None = None) -> Any:
    """Make the widget of one tab.

    Parameters
    ----------
    db : Database
    key : str
        Of a value in it.
    title : str
        One of :data:`TABS`.
    on_change : callable, optional
        Is called after the tab changed something in the database.

    Returns
    -------
    ipywidgets.Widget
        What cannot be shown is told in it: nothing is raised for what lies in the database.
    """
    from isfdb.jupyter.browsing.tabs.pieces import Notice, told

    module = _module(title)
    notice = Notice()
    made: list[Any] = []
    with told(notice):
        made.append(module.tab(Subject(db, key, on_change)))
    return made[0] if made else notice.widget


def static(db: Any, key: str, title: str) -> str:
    """Return what a tab shows at first, as HTML that stands alone; without its controls.

    Parameters
    ----------
    db : Database
    key : str
    title : str
        One of :data:`TABS`.
    """
    from isfdb.display import html
    from isfdb.jupyter.browsing.tabs.pieces import problem

    try:
        return html.fragment(_module(title).static(Subject(db, key)))
    except Exception as error:  # noqa: BLE001 - a page about a damaged value tells what is damaged
        return html.fragment(problem(error))


def _module(title: str) -> Any:
    return importlib.import_module(f"{__name__}.{dict(TABS)[title]}")
