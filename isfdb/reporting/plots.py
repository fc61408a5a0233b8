"""Small pictures of numbers as inline SVG: no script, no font, colours of the text around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.display.safe import escape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WIDTH, _HEIGHT = 300, 60
_MAX_POINTS = 300
_BINS = 40


def _svg(shapes: str, label: str, low: str, high: str) -> str:
    picture = (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{shapes}</svg>'
    )
    caption = f'<figcaption class="i-muted"><span>{escape(low)}</span><span>{escape(high)}</span></figcaption>'
    return f'<figure class="r-plot">{picture}{caption}</figure>'


def course_svg(values: NDArray[np.float64], label: str) -> str:
    """Draw values in their order; long arrays as the smallest and largest of each stretch, so that no peak is lost."""
    import numpy as np

    positions, heights = _envelope(values)
    finite = heights[np.isfinite(heights)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    span = (high - low) or 1.0
    x = positions / max(values.size - 1, 1) * _WIDTH
    y = _HEIGHT - 2 - (heights - low) / span * (_HEIGHT - 4)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(b))
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1" vector-effect="non-scaling-stroke"/>'
    return _svg(line, f"{label}: {values.size:,} values between {low:.4g} and {high:.4g}", "first", f"{values.size:,}th")


def _envelope(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    if values.size <= _MAX_POINTS:
        return np.arange(values.size, dtype="float64"), values
    edges = np.linspace(0, values.size, _MAX_POINTS // 2 + 1).astype(int)[:-1]
    filled = np.where(np.isfinite(values), values, np.nanmedian(values[np.isfinite(values)]) if np.isfinite(values).any() else 0.0)
    heights = np.column_stack([np.minimum.reduceat(filled, edges), np.maximum.reduceat(filled, edges)]).ravel()
    return np.repeat(edges, 2).astype("float64"), heights


def distribution_svg(values: NDArray[np.float64], label: str) -> str:
    """Draw how often values occur, as bars."""
    import numpy as np

    low, high = float(values.min()), float(values.max())
    # A subnormal or overflowing range has no bins of its own width.
    usable = np.isfinite(high - low) and (high - low) > 1e-300
    counts = np.histogram(values, bins=_BINS, range=(low, high))[0] if usable else np.array([values.size])
    width = _WIDTH / counts.size
    tallest = max(int(counts.max()), 1)
    bars = "".join(
        f'<rect x="{number * width:.1f}" y="{_HEIGHT - count / tallest * (_HEIGHT - 2):.1f}" width="{width - 1:.1f}" '
        f'height="{count / tallest * (_HEIGHT - 2):.1f}" fill="currentColor"/>'
        for number, count in enumerate(counts)
        if count
    )
    return _svg(bars, f"{label}: {values.size:,} values between {low:.4g} and {high:.4g}", f"{low:.4g}", f"{high:.4g}")
