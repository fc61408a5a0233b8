"""numpy arrays and scalars."""

from __future__ import annotations

from typing import Any

from tests.contracts import examples
from tests.contracts.kept._kept import Kept


def zarr_arrays() -> list[Any]:
    import numpy as np

    return [np.zeros((3, 4)), np.array(5.0), np.zeros((0, 2)), np.array(["2020", "NaT"], "M8[ns]"), np.array([True]), np.array([-0.0, 0.0])]


KEPT = {
    "numpy_to_npy": Kept(examples.arrays, examples.inexact_arrays),
    "to_numpy_scalar": Kept(examples.numpy_scalars, lambda: [1, 1.0, "a", b"a"]),
    "numpy_to_zarr": Kept(zarr_arrays, examples.inexact_arrays),
}
