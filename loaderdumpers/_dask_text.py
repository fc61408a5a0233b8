"""Keeps dask from turning what it reads into another kind of text, which it does unasked."""

from __future__ import annotations

from typing import Any


def as_read(frame: Any) -> Any:
    """Return a frame that dask made as its partitions are read: text and objects stay what they are."""
    return type(frame)(frame.expr.frame) if type(frame.expr).__name__ == "ArrowStringConversion" else frame
