"""Small pictures of numbers: lines and bars as inline SVG, heat maps as PNG. No script, no font, no library but numpy."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from isfdb.display.safe import escape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WIDTH, _HEIGHT = 600, 120
_MAX_POINTS: Final = 240
_BINS: Final = 40
_MOST_PIXELS: Final = 96
_LEVELS: Final = "▁▂▃▄▅▆▇█"

#: Dark to bright, told apart by those who see no red or green as well.
_COLOURS: Final = (
    (68, 1, 84),
    (71, 44, 122),
    (59, 81, 139),
    (44, 113, 142),
    (33, 144, 141),
    (39, 173, 129),
    (92, 200, 99),
    (170, 220, 50),
    (253, 231, 37),
)


def course_svg(values: NDArray[np.float64], label: str) -> str:
    """Draw values in their order; long arrays as the smallest and largest of each stretch, so that no peak is lost."""
    import numpy as np

    positions, heights = _envelope(values)
    finite = heights[np.isfinite(heights)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    span = (high - low) or 1.0
    x = positions / max(values.size - 1, 1) * _WIDTH
    y = _HEIGHT - 4 - (heights / span - low / span) * (_HEIGHT - 8)
    points = " ".join(f"{a:.0f},{b:.0f}" for a, b in zip(x, y, strict=True) if np.isfinite(b))
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.3" vector-effect="non-scaling-stroke"/>'
    return _svg(line, f"{label}: {values.size:,} values between {low:.4g} and {high:.4g}", "in order", f"{low:.4g} to {high:.4g}")


def sparkline(values: NDArray[np.float64], columns: int = 60) -> str:
    """Draw values in their order as a line of a terminal, each sign the mean of a stretch; a gap where nothing is finite."""
    import numpy as np

    stretches = np.array_split(values, min(columns, values.size))
    means = np.array([one[np.isfinite(one)].mean() if np.isfinite(one).any() else np.nan for one in stretches])
    finite = means[np.isfinite(means)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    share = np.nan_to_num((means / 2 - low / 2) / ((high / 2 - low / 2) or 1.0), nan=-1.0)
    return "".join([" " if one < 0 else _LEVELS[min(int(one * len(_LEVELS)), len(_LEVELS) - 1)] for one in share])


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
    heights = [(number, count / tallest * (_HEIGHT - 4)) for number, count in enumerate(counts) if count]
    bars = "".join(
        [f"M{number * width:.0f} {_HEIGHT}v-{max(tall, 1.0):.0f}h{width - 2:.0f}v{max(tall, 1.0):.0f}z" for number, tall in heights]
    )
    told = f"{label}: {values.size:,} values between {low:.4g} and {high:.4g}"
    return _svg(f'<path d="{bars}" fill="currentColor"/>', told, "how often", f"{low:.4g} to {high:.4g}")


def _svg(shapes: str, label: str, left: str, right: str) -> str:
    picture = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">{shapes}</svg>'
    return f'<figure class="i-plot">{picture}{_caption(left, right)}</figure>'


def _caption(left: str, right: str) -> str:
    return f'<figcaption class="i-muted"><span>{escape(left)}</span><span>{escape(right)}</span></figcaption>'


def heat_map(values: NDArray[np.float64], label: str) -> str:
    """Draw a table of numbers as colours, dark to bright; of a large one the mean of each block. What is not finite is grey."""
    import numpy as np

    with np.errstate(all="ignore"):
        small = _blocks(values)
        finite = np.isfinite(small)
        low, high = (float(small[finite].min()), float(small[finite].max())) if finite.any() else (0.0, 0.0)
        share = np.clip(np.nan_to_num((small / 2 - low / 2) / ((high / 2 - low / 2) or 1.0)), 0, 1)
    anchors = np.linspace(0, 1, len(_COLOURS))
    pixels = np.stack([np.interp(share, anchors, [colour[n] for colour in _COLOURS]) for n in range(3)], axis=-1).astype("uint8")
    pixels[~finite] = 128
    rows, columns = values.shape
    gaps = "" if finite.all() else ", grey: none"
    told = f"heat map of {label}: {rows:,} × {columns:,} values between {low:.4g} and {high:.4g}, dark to bright"
    image = f'<img class="i-heat" alt="{escape(told, 400)}" width="{pixels.shape[1]}" height="{pixels.shape[0]}" src="{_png(pixels)}">'
    return f'<figure class="i-plot">{image}{_caption(f"dark: {low:.4g}", f"bright: {high:.4g}{gaps}")}</figure>'


def _blocks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return at most so many rows and columns, each the mean of several."""
    import numpy as np

    for axis in (0, 1):
        length = values.shape[axis]
        if length > _MOST_PIXELS:
            edges = np.linspace(0, length, _MOST_PIXELS + 1).astype(int)
            widths = np.diff(edges).reshape((-1, 1) if axis == 0 else (1, -1))
            values = np.add.reduceat(values, edges[:-1], axis=axis) / widths
    return values


def picture_of_pixels(pixels: NDArray[np.uint8], label: str) -> str:
    """Show an array of bytes that holds a picture, rows × columns × 3 or 4; of a large one every so many-th pixel."""
    step = max(1, -(-max(pixels.shape[:2]) // 480))
    small = pixels[::step, ::step, :3]
    return f'<p><img class="i-picture" alt="{escape(label, 300)}" src="{_png(small)}"></p>'


def _png(pixels: Any) -> str:
    """Return red, green and blue bytes as a PNG in a data URI."""
    rows, columns = pixels.shape[:2]
    lines = b"".join([b"\0" + row.tobytes() for row in pixels])
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    parts = [_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(lines, 9)), _chunk(b"IEND", b"")]
    return "data:image/png;base64," + b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
