"""Figures of matplotlib, of which pictures come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.contracts.kept._kept import Kept


def figures() -> list[Any]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2], label="é")
    return [figure, Figure()]


def _is_picture(loaded: Any, _: Any) -> bool:
    return Path(loaded.png).read_bytes()[1:4] == b"PNG" and b"<svg" in Path(loaded.svg).read_bytes()


KEPT = {"figure": Kept(figures, lambda: [figures()[0].axes[0], "figure"], _is_picture)}
