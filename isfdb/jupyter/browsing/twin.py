"""What stands for a widget where no front end shows it: on GitHub, in nbconvert, in a terminal, in a notebook opened without a kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from isfdb.display.html import fragment
from isfdb.display.safe import escape, visible_lines
from isfdb.display.summaries import UNREADABLE
from isfdb.options import set_options

WIDGET: Final = "application/vnd.jupyter.widget-view+json"


def with_twin(view: Mapping[str, Any], static: Callable[[], Mapping[str, str]]) -> dict[str, Any]:
    """Return all forms in which a widget is shown.

    Parameters
    ----------
    view : Mapping
        What ipywidgets says of it.
    static : callable
        Gives text and HTML.
    """
    try:
        with set_options(capture=False):
            forms = dict(static())
    except UNREADABLE as error:
        forms = {"text/plain": visible_lines(error), "text/html": fragment(f'<p class="i-bad">{escape(error, 1000)}</p>')}
    return {**forms, WIDGET: view[WIDGET]}
