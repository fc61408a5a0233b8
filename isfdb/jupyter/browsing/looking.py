"""What all browsers have in common: errors told in place, no trace of what was looked at, following, closing, the static twin."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import ipywidgets as widgets
import traitlets

from isfdb.jupyter.browsing.live import Live
from isfdb.jupyter.browsing.look import CLASS, close_all, style_sheet
from isfdb.jupyter.browsing.tabs.pieces import Notice, told
from isfdb.jupyter.browsing.twin import with_twin
from isfdb.options import set_options

#: For so long after it was shown or used, a widget counts as looked at, though no front end has said so.
SHOWN_S: Final = 30.0


class Looking(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A widget through which somebody looks at databases."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a front end may run callbacks in a thread of their own, beside the cell and its event loop
        self._shown_until = 0.0
        self._notice = Notice()
        self._has_failed = False
        self._pools: list[Any] = []  # what has widgets that may not be shown now
        self._live = Live(self._follow, self._is_looked_at)
        super().__init__(layout={"width": "100%"})
        self.add_class(CLASS)
        self._view_count = 0  # front ends count their views from now on

    def _show_parts(self, head: Any, *parts: Any) -> None:
        """Put what was made below the head and the line for errors."""
        self.children = [style_sheet(), head, self._notice.widget, *parts]

    def refresh(self) -> None:
        """Look at everything again, now."""
        with self._acting():
            self._look(again=True)

    def close(self) -> None:
        """Take it off the page; nothing of it is left behind."""
        if not hasattr(self, "_live"):
            return  # ipywidgets closes what could not be made, too
        self._live.end()
        for pool in self._pools:
            pool.close()
        for child in self.children:
            close_all(child)
        self.layout.close()
        super().close()

    @contextlib.contextmanager
    def _acting(self) -> Iterator[None]:
        """Do something for the user who looks: its errors stand in the widget, and nobody's cell has read what is read."""
        self._note_shown()
        with self._lock, set_options(capture=False, register=False), told(self._notice):
            self._notice.say("")
            yield

    def _note_shown(self) -> None:
        self._shown_until = time.monotonic() + SHOWN_S
        self._live.start()

    # Following -------------------------------------------------------------------------------------------------------------------

    def _look(self, *, again: bool = False) -> None:
        """Show what has changed; with `again`, look at everything."""
        raise NotImplementedError

    def _is_looked_at(self) -> bool:
        return self.comm is not None and ((self._view_count or 0) > 0 or time.monotonic() < self._shown_until)

    @traitlets.observe("_view_count")
    def _viewed(self, change: Any) -> None:
        if change["new"]:
            self._live.start()

    def _follow(self) -> None:
        """Look whether something has changed, unless a callback is at work in another thread: the next look comes soon."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            with set_options(capture=False, register=False), told(self._notice):
                had_failed, self._has_failed = self._has_failed, True
                self._look()
                self._has_failed = False
                if had_failed:
                    self._notice.say("")  # what was wrong is right again
        finally:
            self._lock.release()

    # As notebooks and terminals show it --------------------------------------------------------------------------------------------

    def _static(self) -> Mapping[str, str]:
        """Return what is shown where there is no front end for widgets, as text and HTML."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, Any]:
        """Return the widget, and what stands for it where there is no front end for it."""
        self._note_shown()
        return with_twin(super()._repr_mimebundle_(), self._static)


def refresh_button(browser: Looking) -> Any:
    """Return the button that has everything looked at again."""
    made = widgets.Button(description="Refresh", tooltip="look at everything again now", layout={"width": "auto", "flex": "0 0 auto"})
    made.on_click(lambda _: browser.refresh())
    return made


def headed(title: Any, *controls: Any) -> Any:
    """Return a title with controls beside it."""
    title.layout.flex = "1 1 0"
    return widgets.HBox([title, *controls], layout={"width": "100%", "align_items": "flex-start"})


def box_of(children: Sequence[Any], flex: str = "") -> Any:
    """Return widgets below each other, in a box that gets narrower with the page."""
    return widgets.VBox(list(children), layout={"min_width": "0", "max_width": "100%", **({"flex": flex} if flex else {"width": "100%"})})
