"""Keeps a matplotlib figure as pictures, ``figure.svg`` and ``figure.png``, and what makes the Figure again, for those who trust it.

The pictures load for everybody. matplotlib has no other form for a Figure than a pickle, which runs code when loaded: it is read only
on request, and only from a version that is the reader's own or trusted.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import Any, Final

from isfdb.errors import UntrustedDataError
from isfdb.parts import code_may_run, dump_part, load_part

priority: Final = 30
#: Not `runs_code`, nor `has_parts`: the pictures load for everybody. This has the version signed, so that its writer gets the Figure.
imports_classes: Final = True
pickles: Final = ("live",)
requires: Final = {"matplotlib": "3.8"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_figure"
about: Final = {
    "types": ("matplotlib.figure.Figure",),
    "keeps": "pictures of a figure; the Figure itself for those who trust it",
    "format": "SVG, PNG, pickle on request",
    "files": "`figure.svg`, `figure.png`, `live/`",
    "exact": False,
    "lazy": "paths",
    "append": False,
}

_SVG: Final = "figure.svg"
_PNG: Final = "figure.png"
_LIVE: Final = "live"


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


def dump(obj: Any, savedir: str, *, dpi: float | None = None, transparent: bool = False, live: bool = True) -> dict[str, Any]:
    """Draw the figure into ``figure.svg`` and ``figure.png``, and keep the Figure itself where it pickles.

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
    live : bool
        Keep the Figure itself as well, for ``db.get(key, live=True)``. False: the pictures only.
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
        return _dump_live(obj, savedir) if live else {"why_not": "it was stored with live=False"}
    finally:
        if obj.canvas is not canvas:
            obj.set_canvas(canvas)


def _dump_live(obj: Any, savedir: str) -> dict[str, Any]:
    """Pickle the figure; where that fails, note why. The pictures are what is promised, so nothing else is lost."""
    from matplotlib.backend_bases import FigureCanvasBase

    FigureCanvasBase(obj)  # without a window: unpickled, the figure would open one, unasked
    folder = os.path.join(savedir, _LIVE)
    try:
        return {"live": dump_part(obj, folder, dumper="to_cloudpickle")}
    except Exception as error:  # noqa: BLE001 - a figure may hold anything, and fail to pickle in any way
        shutil.rmtree(folder, ignore_errors=True)
        return {"why_not": f"it does not pickle: {type(error).__name__}: {error}"[:300]}


class Loader:
    """Finds the pictures again, and makes the Figure again on request.

    Parameters
    ----------
    live : dict, optional
        Spec of the part that holds the Figure.
    why_not : str, optional
        Why there is none.
    """

    def __init__(self, *, live: dict[str, Any] | None = None, why_not: str = "it was stored by an isfdb that kept pictures only") -> None:
        self._live, self._why_not = live, why_not

    def get(self, savedir: str, *, live: bool = False) -> Any:
        """Return the two pictures, or the Figure.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        live : bool
            Return the matplotlib Figure itself. It runs code from the file, so it needs a version that you wrote or trust; and it needs
            much the same matplotlib. It belongs to no window: ``plt.show()`` does not know it, a notebook shows it.

        Raises
        ------
        ValueError
            The Figure itself was not kept.
        UntrustedDataError
            The version is neither yours nor trusted.
        """
        if live:
            return self._figure(savedir)
        folder = os.path.abspath(savedir)
        found = StoredFigure(os.path.join(folder, _SVG), os.path.join(folder, _PNG))
        for path in (found.svg, found.png):
            if not os.path.exists(path):
                raise FileNotFoundError(f"the picture {path} is missing; restore it from a copy")
        return found

    def _figure(self, savedir: str) -> Any:
        if self._live is None:
            raise ValueError(f"the Figure itself was not kept: {self._why_not}; leave out live=True to get its pictures")
        if not code_may_run():
            raise UntrustedDataError(
                "the Figure itself is a pickle, which runs code when loaded, and this version is neither yours nor in a database you "
                "trust. Leave out live=True to get its pictures; or, if you know who wrote it, trust the database: isfdb trust PATH"
            )
        return load_part(self._live, os.path.join(savedir, _LIVE))
