"""Keeps a matplotlib figure as pictures, ``figure.svg`` and ``figure.png``. The live Figure is not restored: a picture comes back.

To change a figure later, store the data it shows and the function that draws it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any, Final

priority: Final = 30

_SVG: Final = "figure.svg"
_PNG: Final = "figure.png"


@dataclass(frozen=True)
class StoredFigure:
    """The pictures of a stored figure; shows itself in a notebook.

    Attributes
    ----------
    svg, png : str
        Paths of the two files.
    """

    svg: str
    png: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        # Only the PNG is shown: an SVG from a stranger's database could carry a script into the notebook.
        from base64 import b64encode

        with open(self.png, "rb") as file:
            return {"image/png": b64encode(file.read()).decode("ascii"), "text/plain": repr(self)}


def check(obj: Any) -> bool:
    """Say whether `obj` is a matplotlib Figure."""
    module = sys.modules.get("matplotlib.figure")
    return module is not None and type(obj) is getattr(module, "Figure", None)


def describe(obj: Any) -> dict[str, Any]:
    """Return the size in inches and the titles of the axes."""
    titles = [text for text in (axes.get_title() for axes in obj.axes[:20]) if text]
    facts = {"type": "Figure", "inches": [round(float(side), 3) for side in obj.get_size_inches()], "axes": len(obj.axes)}
    return {**facts, "titles": [title[:80] for title in titles]} if titles else facts


def dump(obj: Any, savedir: str, *, dpi: float | None = None, transparent: bool = False) -> None:
    """Draw the figure into ``figure.svg`` and ``figure.png``.

    The same figure gives the same bytes: element ids do not vary and no date is written.

    Parameters
    ----------
    obj : matplotlib.figure.Figure
        The figure; its canvas is used and left as it was.
    savedir : str
        Empty folder.
    dpi : float, optional
        Dots per inch of the PNG; default: the figure's own.
    transparent : bool
        Leave the background out.
    """
    if not check(obj):
        raise TypeError(f"figure keeps a matplotlib Figure, not {type(obj).__qualname__}; pass plt.gcf() or axes.figure")
    import matplotlib

    canvas = obj.canvas
    try:
        with matplotlib.rc_context({"svg.hashsalt": "isfdb", "svg.fonttype": "path"}):
            obj.savefig(os.path.join(savedir, _SVG), format="svg", metadata={"Date": None, "Creator": None}, transparent=transparent)
            size = "figure" if dpi is None else dpi
            obj.savefig(os.path.join(savedir, _PNG), format="png", metadata={"Software": None}, dpi=size, transparent=transparent)
    finally:
        if obj.canvas is not canvas:
            obj.set_canvas(canvas)


class Loader:
    """Finds the pictures again."""

    def get(self, savedir: str) -> StoredFigure:
        """Return the two pictures; the live Figure cannot be restored."""
        folder = os.path.abspath(savedir)
        found = StoredFigure(os.path.join(folder, _SVG), os.path.join(folder, _PNG))
        for path in (found.svg, found.png):
            if not os.path.exists(path):
                raise FileNotFoundError(f"the picture {path} is missing; restore it from a copy")
        return found
