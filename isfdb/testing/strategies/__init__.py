"""Hypothesis strategies for what scientists store: plain values, arrays, frames. Needs hypothesis; arrays and frames their libraries."""

from __future__ import annotations

from isfdb.testing.strategies.of_numpy import arrays, arrays_of_subclasses, dtypes, masked_arrays, numpy_values, odd_dtypes, text_arrays
from isfdb.testing.strategies.of_pandas import cells, frames, series
from isfdb.testing.strategies.of_python import plain_values, python_scalars, python_values

__all__ = [
    "arrays",
    "arrays_of_subclasses",
    "cells",
    "dtypes",
    "frames",
    "masked_arrays",
    "numpy_values",
    "odd_dtypes",
    "plain_values",
    "python_scalars",
    "python_values",
    "series",
    "text_arrays",
]
