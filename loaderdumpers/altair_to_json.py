"""Keeps altair charts as their Vega-Lite specification in ``data.json``, data included. What a chart shows, not the frame it was made from.

The specification is what altair itself saves: columns become JSON, missing values null. Store the frame as well where its dtypes matter.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

from isfdb.exact_json import loads

priority: Final = 30
extra: Final = "altair"
requires: Final = {"altair": "5.5"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_altair"
about: Final = {
    "types": ("altair.Chart", "altair.LayerChart", "altair.HConcatChart", "altair.VConcatChart", "altair.FacetChart", "altair.RepeatChart"),
    "keeps": "charts of every kind, as their specification with the data",
    "format": "Vega-Lite JSON",
    "files": "`data.json`, sometimes `figure.svg`, `figure.png`",
    "exact": False,
    "lazy": "",
    "append": False,
}

_FILE: Final = "data.json"
_KINDS: Final = ("Chart", "LayerChart", "HConcatChart", "VConcatChart", "ConcatChart", "FacetChart", "RepeatChart")


def check(obj: Any) -> bool:
    """Say whether `obj` is an altair chart: single, layered, concatenated, faceted or repeated; no subclass."""
    altair = sys.modules.get("altair")
    return altair is not None and type(obj) in [getattr(altair, kind, None) for kind in _KINDS]


def describe(obj: Any) -> dict[str, Any]:
    """Return the kind, the mark and the title where they are plain."""
    facts: dict[str, Any] = {"type": type(obj).__name__}
    for name in ("mark", "title"):
        value = getattr(obj, name, None)
        if type(value) is str:
            facts[name] = value[:80]
    return facts


def dump(obj: Any, savedir: str, *, picture: bool = False) -> dict[str, Any]:
    """Write the specification, with all rows of the data.

    Parameters
    ----------
    obj : altair chart
        Any kind of chart.
    savedir : str
        Empty folder.
    picture : bool
        Draw ``figure.svg`` and ``figure.png`` as well; needs vl-convert-python.

    Raises
    ------
    TypeError
        The specification is incomplete or wrong, or altair reads it back as something else.
    """
    if not check(obj):
        raise TypeError(f"altair_to_json keeps altair charts, not {type(obj).__qualname__}; pass the chart it belongs to")
    specification = _specification(obj)
    try:
        text = json.dumps(specification, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"the chart's data or options cannot be written as JSON ({error}); use plain values") from error
    if _specification(type(obj).from_dict(json.loads(text))) != specification:
        raise TypeError(
            "altair reads the chart's own specification back as another chart; store the data it shows and the cell that draws it"
        )
    with open(os.path.join(savedir, _FILE), "w", encoding="utf-8", newline="") as file:
        file.write(text + "\n")
    if picture:
        import vl_convert

        _draw(vl_convert, text, savedir)
    return {"kind": type(obj).__name__}


def _specification(chart: Any) -> dict[str, Any]:
    """Return the Vega-Lite specification, whatever altair was told to do with large data (it may write files elsewhere)."""
    import altair

    with altair.data_transformers.enable("default", max_rows=None):
        try:
            return dict(chart.to_dict())
        except (altair.utils.schemapi.SchemaValidationError, ValueError) as error:
            raise TypeError(f"altair cannot write the chart itself: {_first_line(error)}; complete it, and see that it shows") from error


def _draw(vl_convert: Any, text: str, savedir: str) -> None:
    with open(os.path.join(savedir, "figure.svg"), "w", encoding="utf-8") as file:
        file.write(vl_convert.vegalite_to_svg(text))
    with open(os.path.join(savedir, "figure.png"), "wb") as picture:
        picture.write(vl_convert.vegalite_to_png(text, scale=2))


class Loader:
    """Reads a chart.

    Parameters
    ----------
    kind : str
        Its type: ``Chart``, ``LayerChart`` ...
    """

    def __init__(self, *, kind: str) -> None:
        if kind not in _KINDS:
            raise ValueError(f"{kind!r} is no chart of altair; Loader.json was changed, or a newer isfdb wrote it")
        self._kind = kind

    def get(self, savedir: str) -> Any:
        """Return the chart.

        Raises
        ------
        ValueError
            The file is damaged, or this altair does not know the specification.
        """
        import altair
        from jsonschema import ValidationError

        with open(os.path.join(savedir, _FILE), "rb") as file:
            text = file.read()
        try:
            specification = loads(text)
        except ValueError as error:
            raise ValueError(f"{_FILE} is no whole JSON ({error}); restore the file from a copy") from error
        try:
            return getattr(altair, self._kind).from_dict(specification)
        except (ValidationError, TypeError) as error:
            written = str(specification.get("$schema", "")).rpartition("/")[2] if isinstance(specification, dict) else "nothing known"
            known = f"{self._kind} that altair {altair.__version__} knows: {_first_line(error)}"
            raise ValueError(f"{_FILE} ({written}) is no {known}; use the altair that wrote it") from error


def _first_line(error: Exception) -> str:
    return str(getattr(error, "message", error)).strip().splitlines()[0][:200]
