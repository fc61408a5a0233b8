"""Arrays of any size as plots: sliders choose from the leading axes, pages what lies in the others. Only what is shown is read."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.display import html
from isfdb.display.glimpses import of_array
from isfdb.display.safe import visible
from isfdb.display.style import PREVIEW_STYLE
from isfdb.jupyter.browsing.tabs import plots
from isfdb.jupyter.browsing.tabs.pieces import Notice, Pager, column, fitted, guarded, is_plain, note, piece, row, show, told

#: So many numbers are read for one plot.
MOST_NUMBERS: Final = 1_000_000
_FEW: Final = 12
_MOST_LISTED: Final = 200


@dataclass(frozen=True)
class ArraySource:
    """An array of which parts can be read.

    Attributes
    ----------
    label : str
        What it is, for the words.
    shape : tuple of int
    read : callable
        Is given an index, a number or slice for each axis, and returns that part.
    names : tuple of str
        Of the axes, where they have some.
    is_picture : bool
        The last axis holds the colours of pixels.
    """

    label: str
    shape: tuple[int, ...]
    read: Callable[[tuple[Any, ...]], Any]
    names: tuple[str, ...] = ()
    is_picture: bool = False
    n_shown: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_shown", min(len(self.shape), 3 if self.is_picture else 2))

    @property
    def leading(self) -> tuple[int, ...]:
        """Lengths of the axes that are chosen from."""
        return self.shape[: len(self.shape) - self.n_shown]

    @property
    def shown(self) -> tuple[int, ...]:
        """Lengths of the axes that are shown."""
        return self.shape[len(self.shape) - self.n_shown :]

    @property
    def n_rows(self) -> int:
        """How many members of the first shown axis make a page."""
        if not self.shown:
            return 1
        return max(1, min(self.shown[0], MOST_NUMBERS // max(math.prod(self.shown[1:]), 1)))

    @property
    def n_pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.shown[0] // self.n_rows)) if self.shown else 1

    def name(self, axis: int) -> str:
        """Return what an axis is called."""
        return self.names[axis] if axis < len(self.names) else f"axis {axis}"

    def index(self, chosen: Sequence[int], page: int) -> tuple[Any, ...]:
        """Return the index of what is shown: so much of it that it fits into memory and onto a screen."""
        if not self.shown:
            return ()
        rest = [slice(0, MOST_NUMBERS)] if len(self.shown) > 1 else []
        rest += [slice(None)] * (len(self.shown) - 2)
        return (*chosen, slice((page - 1) * self.n_rows, page * self.n_rows), *rest)


def described_source(
    describe: Mapping[str, Any], label: str, read: Callable[[Any], Any], names: tuple[str, ...] = ()
) -> ArraySource | None:
    """Return a source for a stored array, by what was noted about it; None where that tells no shape.

    Parameters
    ----------
    describe : Mapping
        From the disk: nothing in it is relied upon but to know what may be asked for.
    label : str
    read : callable
        Is given what the option ``select`` takes.
    names : tuple of str
        Of the axes, where they have some.
    """
    shape = describe.get("shape")
    if not isinstance(shape, list) or not all(type(n) is int and 0 <= n < 2**62 for n in shape) or len(shape) > 32:
        return None
    is_picture = describe.get("dtype") == "uint8" and len(shape) >= 3 and shape[-1] in (3, 4) and min(shape[-3:-1]) > 1
    return ArraySource(label, tuple(shape), read, names, is_picture)


def array_html(source: ArraySource, chosen: Sequence[int], page: int) -> str:
    """Return a part of an array as HTML: a plot, or the numbers themselves where they are few or no numbers."""
    import numpy as np

    if 0 in source.shape:
        return note("It is empty.")
    index = source.index(chosen, page)
    values = np.asanyarray(source.read(index))
    if isinstance(values, np.ma.MaskedArray):
        values = values.astype("float64").filled(np.nan) if values.dtype.kind in "biuf" else values.filled()
    return _values_html(source, np.asarray(values), (page - 1) * source.n_rows) + _cut(source, index)


def _values_html(source: ArraySource, values: Any, first: int) -> str:
    import numpy as np

    if source.is_picture and values.dtype == np.uint8 and values.ndim == 3:
        return plots.picture(values, source.label)
    if values.dtype.kind == "c":
        return note("Complex numbers: their absolute values are drawn.") + _values_html(source, np.abs(values), first)
    if values.dtype.kind not in "biuf" or values.ndim not in (1, 2) or values.size <= _FEW:
        return _listed(values, source.label)
    with np.errstate(all="ignore"):
        numbers = values.astype("float64", copy=False)
        return _plot(source, numbers, first) + _statistics(numbers)


def _plot(source: ArraySource, numbers: Any, first: int) -> str:
    if importlib.util.find_spec("matplotlib") is None:
        shown = of_array(source.label, numbers)
        return f"<style>{PREVIEW_STYLE}</style>{shown.html}"
    at = len(source.leading)
    if numbers.ndim == 2 and min(numbers.shape) > 1:
        names = (source.name(at), source.name(at + 1)) if source.names else ("", "")
        return plots.heat_map(numbers, source.label, first=first, axes_names=names)
    is_row = numbers.ndim == 2 and numbers.shape[0] == 1
    axis = (source.name(at + 1) if is_row else source.name(at)) if source.names else ""
    return plots.line(numbers.ravel(), source.label, first=0 if is_row else first, axis=axis)


def _statistics(numbers: Any) -> str:
    import numpy as np

    finite = numbers[np.isfinite(numbers)]
    facts = [f"smallest {finite.min():.6g}", f"mean {finite.mean():.6g}", f"largest {finite.max():.6g}"] if finite.size else []
    missing = numbers.size - finite.size
    return note(" · ".join([f"{numbers.size:,} values shown", *facts, *([f"{missing:,} missing or infinite"] if missing else [])]))


def _listed(values: Any, label: str) -> str:
    import numpy as np

    few = values.ravel()[:_MOST_LISTED] if values.size > _MOST_LISTED else values
    text = np.array2string(few, threshold=_MOST_LISTED, max_line_width=100)
    more = note(f"The first {_MOST_LISTED} of {values.size:,} values.") if values.size > _MOST_LISTED else ""
    return html.code(text, f"values of {label}") + more


def _cut(source: ArraySource, index: tuple[Any, ...]) -> str:
    if len(source.shown) > 1 and source.shown[1] > MOST_NUMBERS:
        return note(f"Only the first {MOST_NUMBERS:,} of {source.shown[1]:,} columns are shown.")
    return ""


class ArrayView:
    """Shows an array: a slider for each leading axis, pages of what is too long, and the plot.

    Parameters
    ----------
    source : ArraySource
    notice : Notice
        Where it is told if a part cannot be read.
    """

    def __init__(self, source: ArraySource, notice: Notice) -> None:
        self.source = source
        self._notice = notice
        self.sliders = tuple([self._slider(axis, length) for axis, length in enumerate(source.leading)])
        self.pager = Pager(source.n_pages, source.name(len(source.leading)) if source.shown else "values", self.draw, notice)
        self.picture = piece()
        self.widget = column(row(*self.sliders) if self.sliders else None, self.pager.widget, self.picture)
        self.draw()

    def _slider(self, axis: int, length: int) -> Any:
        import ipywidgets as widgets

        name = visible(self.source.name(axis), 60)
        slider = widgets.IntSlider(
            value=0,
            min=0,
            max=max(length - 1, 0),
            description=name if is_plain(name) else f"axis {axis}",
            tooltip=f"place along {name}, of {length:,}",
            continuous_update=False,
        )
        fitted(slider, width="20em")
        slider.observe(guarded(self._notice, self.draw), "value")
        return slider

    def draw(self) -> None:
        """Read what is chosen, and show it."""
        with told(self._notice):
            show(self.picture, array_html(self.source, [slider.value for slider in self.sliders], self.pager.number.value))
            self._notice.say("")
