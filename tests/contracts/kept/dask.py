"""dask frames and arrays."""

from __future__ import annotations

from typing import Any

from tests.contracts.kept._kept import Kept


def dask_frames() -> list[Any]:
    import dask.dataframe as dd
    import numpy as np
    import pandas as pd

    days = pd.date_range("2020", periods=20, freq="D")
    frame = pd.DataFrame({"a": range(20), "s": list("abcdefghij") * 2, "c": pd.Categorical(list("xy") * 10)}, index=days)
    whole = [frame, frame.reset_index(drop=True), frame.set_index("s").sort_index(), frame.set_axis([1, "b", 2.5], axis=1), frame.iloc[:0]]
    lazy = [dd.from_pandas(one, npartitions=3) for one in whole]
    floats = frame.set_index(pd.Index(np.arange(20) / 4))
    unknown = lazy[0].assign(c=lazy[0]["c"].cat.as_unknown())
    parts = [lazy[0]["a"], lazy[0].index, lazy[2].index.clear_divisions(), lazy[0]["c"]]
    return [*lazy, lazy[0].clear_divisions(), unknown, *parts, dd.from_pandas(floats, npartitions=4), lazy[0][lazy[0]["a"] > 15]]


def dask_arrays() -> list[Any]:
    import dask.array as da
    import numpy as np

    irregular = da.from_array(np.arange(100.0).reshape(10, 10), chunks=((3, 7), (1, 2, 3, 4)))
    days = da.from_array(np.array(["2020", "NaT"], "M8[D]"), chunks=1)
    return [
        da.arange(100, chunks=7),
        irregular,
        days,
        da.zeros((0, 3)),
        da.from_array(np.array(-0.0)),
        da.ones((4, 4), dtype="c8", chunks=3),
        da.ones((3, 4), chunks=2).sum(),
        da.from_array(np.arange(6), chunks=((0, 2, 0, 4),)),
        *_arrays_as_bytes(),
    ]


def _arrays_as_bytes() -> list[Any]:
    import dask.array as da
    import numpy as np

    trials = np.zeros(7, dtype=[("rate", "<f8"), ("cell", "U3"), ("place", ">i2", (2,))])
    trials["rate"], trials["cell"] = np.arange(7), "é"
    swapped, text, one_text = np.arange(6, dtype=">i4").reshape(2, 3), np.array(["a", "bcé", ""]), np.array(b"ab")
    whole = [trials, swapped, text, one_text, np.arange(5, dtype="g"), np.arange(5, dtype="q"), np.array([1, 2], "m8[25s]")]
    return [da.from_array(one, chunks=2) for one in whole] + [da.zeros((3, 0), dtype="U3")]


def dask_bags() -> list[Any]:
    import dask.bag as db
    import numpy as np
    import pandas as pd

    return [
        db.from_sequence(range(10), npartitions=3),
        db.from_sequence(["\u2028é\n", {"b": 1, "a": [2.5, None]}], npartitions=2),
        db.from_sequence([np.arange(3), {"x": pd.DataFrame({"a": [1]})}, "text"], npartitions=2),
        db.from_sequence([(1, 2), {3}], npartitions=1),
        db.from_sequence([], npartitions=1),
        db.from_sequence(range(5), npartitions=5).filter(lambda n: n > 2),  # empty partitions, which are iterators
    ]


def delayed_values() -> list[Any]:
    import dask
    import numpy as np

    return [
        dask.delayed(sum)([1, 2]),
        dask.delayed(lambda: np.arange(5))(),
        dask.delayed(lambda: (1, "é"), nout=2)(),
        dask.delayed(lambda: {"a": np.ones(2), "b": None})(),
    ]


def foreign() -> list[Any]:
    import dask.array as da
    import pandas as pd

    return [1, [1], pd.DataFrame({"a": [1]}), da.ones(3)]


KEPT = {
    "dask_bag_to_parts": Kept(dask_bags, foreign),
    "dask_delayed_to_parts": Kept(delayed_values, foreign),
    "dask_to_arrow": Kept(dask_frames, foreign),
    "dask_to_parquet": Kept(dask_frames, foreign),
    "dask_to_zarr": Kept(dask_arrays, lambda: [1, [1]]),
}
