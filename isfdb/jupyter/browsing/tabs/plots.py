"""Plots of numbers as PNG, with words for those who do not see them. Drawn by matplotlib's Agg: the user's pyplot is not touched."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from isfdb.display.safe import escape

if TYPE_CHECKING:
    from collections.abc import Callable

#: A line has at most so many points: of longer ones the smallest and largest of each stretch, so that no peak is lost.
_MOST_POINTS: Final = 2_000
_MOST_PIXELS: Final = 800

#: The user's settings, a style or usetex, say, are for the user's figures.
_SETTINGS: Final[dict[Any, Any]] = {
    "axes.edgecolor": "#59636e",
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.labelcolor": "#1f2328",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "text.color": "#1f2328",
    "text.usetex": False,
    "xtick.color": "#1f2328",
    "ytick.color": "#1f2328",
}


def line(values: Any, label: str, *, first: int = 0, axis: str = "") -> str:
    """Draw numbers in their order.

    Parameters
    ----------
    values : numpy.ndarray
        One axis of floats.
    label : str
        What they are, for the words.
    first : int
        The place of the first of them.
    axis : str
        What they are counted along.
    """
    places, heights = _envelope(values)

    def draw(axes: Any) -> None:
        axes.plot(places + first, heights, color="#0969da", linewidth=1.1, marker="." if values.size <= 60 else "")
        axes.set_xlabel(axis or "place", parse_math=False)
        axes.margins(x=0.01)

    return _image(_drawn(draw, (6.4, 2.4)), f"line plot of {label}: {values.size:,} values{_between(values)}")


def _envelope(values: Any) -> tuple[Any, Any]:
    import numpy as np

    if values.size <= _MOST_POINTS:
        return np.arange(values.size, dtype="float64"), values
    edges = np.linspace(0, values.size, _MOST_POINTS // 2 + 1).astype(int)[:-1]
    low = np.fmin.reduceat(values, edges)  # what is missing is left out, not spread over its stretch
    high = np.fmax.reduceat(values, edges)
    return np.repeat(edges, 2).astype("float64"), np.column_stack([low, high]).ravel()


def heat_map(values: Any, label: str, *, first: int = 0, axes_names: tuple[str, str] = ("", "")) -> str:
    """Draw a table of numbers as colours, dark to bright.

    Parameters
    ----------
    values : numpy.ndarray
        Two axes of floats.
    label : str
    first : int
        The place of the first row.
    axes_names : (str, str)
        What the rows and columns are counted along.
    """
    rows, columns = values.shape
    tall = min(max(4.6 * rows / max(columns, 1), 1.8), 4.6)

    def draw(axes: Any) -> None:
        extent = (-0.5, columns - 0.5, first + rows - 0.5, first - 0.5)
        image = axes.imshow(_thinned(values), aspect="auto", cmap="viridis", extent=extent, interpolation="nearest")
        axes.set_ylabel(axes_names[0] or "row", parse_math=False)
        axes.set_xlabel(axes_names[1] or "column", parse_math=False)
        axes.figure.colorbar(image, ax=axes, pad=0.02)

    told = f"heat map of {label}: {rows:,} × {columns:,} values{_between(values)}, dark to bright"
    return _image(_drawn(draw, (6.4, tall)), told)


def _thinned(values: Any) -> Any:
    """Return at most so many rows and columns, each the mean of several."""
    import numpy as np

    for axis in (0, 1):
        length = values.shape[axis]
        if length > _MOST_PIXELS:
            edges = np.linspace(0, length, _MOST_PIXELS + 1).astype(int)
            widths = np.diff(edges).reshape((-1, 1) if axis == 0 else (1, -1))
            values = np.add.reduceat(values, edges[:-1], axis=axis) / widths
    return values


def picture(pixels: Any, label: str) -> str:
    """Show rows × columns × 3 or 4 bytes as the picture that they are; of a large one every so many-th pixel."""
    from matplotlib.image import imsave

    step = max(1, -(-max(pixels.shape[:2]) // _MOST_PIXELS))
    file = io.BytesIO()
    imsave(file, pixels[::step, ::step], format="png")
    return _image(file.getvalue(), f"picture of {label}: {pixels.shape[1]:,} × {pixels.shape[0]:,} pixels")


def _between(values: Any) -> str:
    import numpy as np

    finite = values[np.isfinite(values)]
    return f" between {finite.min():.4g} and {finite.max():.4g}" if finite.size else ", none of them finite"


def _drawn(draw: Callable[[Any], None], inches: tuple[float, float]) -> bytes:
    """Return a PNG of what is drawn."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS):
        figure = Figure(figsize=inches, dpi=110, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        draw(figure.subplots())
        file = io.BytesIO()
        canvas.print_png(file)
    return file.getvalue()


def _image(png: bytes, words: str) -> str:
    source = f"data:image/png;base64,{b64encode(png).decode('ascii')}"
    return f'<p><img style="max-width:100%;height:auto;border-radius:4px" alt="{escape(words, 400)}" src="{source}"></p>'
