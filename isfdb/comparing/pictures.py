"""Compares pictures: figures as they are drawn, stored pictures by their pixels."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from isfdb.comparing.arrays import compare_arrays
from isfdb.comparing.comparison import IDENTICAL, Comparison
from isfdb.comparing.containers import with_notes
from isfdb.comparing.context import Context

#: The look of a figure is what counts, not the objects that draw it.
_DPI = 100


def compare_figures(a: Any, b: Any, where: str, context: Context) -> Comparison | None:
    """Compare two figures of matplotlib by what they look like; None where they are none."""
    if not (hasattr(a, "savefig") and hasattr(b, "savefig")):
        return None
    return of_pixels(compare_arrays(_pixels(a), _pixels(b), where, context))


def of_pixels(found: Comparison) -> Comparison:
    """Word a comparison of pixels."""
    if found.status == IDENTICAL:
        return with_notes(found, ["drawn, they look the same; what draws them was not compared"])
    return replace(found, because=found.because.replace("elements", "values of pixels"))


def _pixels(figure: Any) -> Any:
    import numpy

    drawn = io.BytesIO()
    figure.savefig(drawn, format="rgba", dpi=_DPI)
    width, height = (round(float(side) * _DPI) for side in figure.get_size_inches())
    flat = numpy.frombuffer(drawn.getvalue(), numpy.uint8)
    return flat.reshape(height, width, 4) if flat.size == height * width * 4 else flat


def picture_of(path: str) -> Any:
    """Return the pixels of a picture file; None where it cannot be read."""
    try:
        import numpy
        from PIL import Image

        with Image.open(path, formats=("PNG", "JPEG", "TIFF", "BMP")) as image:
            return numpy.asarray(image.convert("RGBA"))
    except (ImportError, OSError, ValueError, SyntaxError):  # Pillow raises the last for a damaged PNG
        return None
