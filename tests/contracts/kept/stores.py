"""Values of libraries that keep arrays in stores of their own."""

from __future__ import annotations

from typing import Any

from tests.contracts.kept._kept import Kept


def zarr_arrays() -> list[Any]:
    import numpy as np
    import zarr

    whole = zarr.create_array({}, data=np.arange(35.0).reshape(5, 7), chunks=(2, 3))
    sparse = zarr.create_array({}, shape=(50_000, 250_000), chunks=(500, 500), dtype="f8", fill_value=-1.0)  # 100 GB
    sparse[10:12, 100:103] = 1
    sharded = zarr.create_array({}, shape=(40, 40), chunks=(5, 5), shards=(20, 20), dtype="i2", attributes={"unit": "mV"})
    sharded[:20, :20] = 7
    group = zarr.create_group({})
    named = group.create_array("inside", data=np.array([True, False]), dimension_names=("cell",))
    empty = zarr.create_array({}, shape=(0, 3), dtype="u1")
    return [whole, sparse, sharded, named, empty, zarr.create_array({}, data=np.array(5.0))]


def others() -> list[Any]:
    import numpy as np

    return [np.arange(3), "data.zarr", {"data.zarr": 1}]


KEPT = {"zarr_to_zarr": Kept(zarr_arrays, others)}
