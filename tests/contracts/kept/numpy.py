"""numpy arrays and scalars."""

from __future__ import annotations

from typing import Any

from tests.contracts import examples
from tests.contracts.kept._kept import Kept


def odd_dtypes() -> list[Any]:
    """Return dtypes that the words of the npy format do not tell apart from others."""
    import numpy as np

    aligned = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    described: list[Any] = [
        aligned,
        (np.record, aligned),
        (np.record, np.dtype([("x", "q"), ("y", aligned, (2,))])),
        [("x", aligned), ("y", np.dtype("i4", metadata={"unit": {"b": 1, "a": [1.5, None]}}))],
        np.dtype("f8", metadata={"unit": "mV"}),
        np.dtype([("a", "i4")], metadata={"z": 1}),
        {"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 0]},
        {"names": ["b", "a"], "formats": ["i4", "f4"], "offsets": [4, 0]},
        {"names": ["a"], "formats": ["i4"], "titles": ["in words"]},
        {"names": [], "formats": [], "offsets": [], "itemsize": 8},
        [],
        "q",
        "Q",
        "c",
        "G",
        "m8[25s]",
        "M8[as]",
        [("l", "g"), ("t", "M8[us]")],
    ]
    return [np.dtype(one) for one in described]


def arrays() -> list[Any]:
    import numpy as np

    found = examples.arrays()
    for dtype in odd_dtypes():
        raw = np.random.default_rng(3).integers(0, 100, (2, 3, max(1, dtype.itemsize)), np.uint8)
        whole = raw.view(f"V{dtype.itemsize}")[..., 0].view(dtype) if dtype.itemsize else np.zeros((2, 3), dtype)
        found += [
            whole,
            whole[:, ::2],
            np.asfortranarray(whole),
            whole[:0],
            whole[0, 0].copy() if dtype.names else whole[0, :1].reshape(()),
        ]
    found = [one if isinstance(one, np.ndarray) else np.array(one) for one in found]
    record = np.rec.array([(1, 2.5, "é")], dtype=[("x", "i4"), ("y", "f8"), ("z", "U3")])
    return [*found, record, record[:0], np.zeros(2).view(np.recarray), np.ones((2, 3)).view(np.matrix), mapped(), characters()]


def mapped() -> Any:
    import tempfile

    import numpy as np

    with tempfile.TemporaryFile() as file:
        found = np.memmap(file, "<f4", "w+", shape=(3, 2))
    found[:] = 1.5
    return found


def characters() -> Any:
    import numpy as np

    return np.array(["a ", "é"]).view(np.char.chararray)


def ml_arrays() -> list[Any]:
    import importlib.util

    import numpy as np

    if importlib.util.find_spec("ml_dtypes") is None:
        return []
    import ml_dtypes

    from loaderdumpers._numpy_dtypes import ML_DTYPES

    kinds = [np.dtype(getattr(ml_dtypes, name)) for name in sorted(ML_DTYPES) if hasattr(ml_dtypes, name)]
    return [np.zeros((2, 3), kind) for kind in kinds] + [np.zeros(3, [("a", kinds[0]), ("b", "i2")])]


def inexact_arrays() -> list[Any]:
    import numpy as np

    class Array(np.ndarray):
        pass

    named = np.zeros(2).view(np.recarray)
    named.note = "mine"
    annotated = np.zeros(2, np.dtype("i4", metadata={"pair": (1, 2)}))
    halves = np.zeros(2, np.dtype((np.int32, {"low": (np.int16, 0), "high": (np.int16, 2)})))
    return [np.array([None]), np.ma.zeros(2), np.zeros(2).view(Array), named, annotated, halves, *texts(), [1.0], 1.0, np.float64(1)]


def texts() -> list[Any]:
    import numpy as np
    import pandas as pd

    kind = getattr(np.dtypes, "StringDType", None)
    if kind is None:  # numpy 1
        return []
    grid = np.array([["a", "b", "c"], ["é", "", "x\0y"]], kind())
    return [
        grid,
        grid.T,
        grid[:, ::2],
        grid[:0],
        np.asfortranarray(grid),
        np.array("日本" * 500, kind(coerce=False)),
        np.array(["a", None], kind(na_object=None)),
        np.array(["nan", np.nan], kind(na_object=float("nan"))),
        np.array(["a", "missing", ""], kind(na_object="missing")),
        np.array(["a", pd.NA], kind(na_object=pd.NA, coerce=False)),
        np.array([f"text {n}" for n in range(70_000)], kind()),
    ]


def masked() -> list[Any]:
    import numpy as np

    ma = np.ma
    structured = ma.array([(1, 2.0), (3, 4.0)], mask=[(1, 0), (0, 0)], dtype=[("a", "i4"), ("b", "f8")])
    return [
        ma.masked,
        ma.zeros(3),
        ma.array([1.0, 2.0], mask=[False, False]),
        ma.array([1.0, np.nan, 3.0], mask=[0, 1, 1], fill_value=7, hard_mask=True),
        structured,
        ma.array(structured.data, mask=structured.mask, fill_value=(5, 6.0)),
        ma.array(np.zeros(2, [("a", "i4", (3,)), ("b", [("c", "f4")])]), mask=[((1, 0, 0), (1,)), ((0, 0, 0), (0,))]),
        ma.array(5, mask=True),
        ma.zeros((0, 2)),
        ma.array(np.asfortranarray(np.ones((2, 3))), mask=np.eye(2, 3, dtype=bool)),
        ma.array(["a", "é"], mask=[1, 0], fill_value="?"),
        ma.array(np.array(["2020", "NaT"], "M8[D]"), mask=[1, 0]),
        ma.array(np.arange(4, dtype=">i2"), mask=[0, 1, 0, 1])[::-1],
        *(ma.array(one, mask=[True, False]) for one in texts()[6:7]),
    ]


def inexact_masked() -> list[Any]:
    import numpy as np
    import numpy.ma.mrecords as mrecords

    return [
        np.ma.array([None], mask=True),
        np.ma.array(np.ones((1, 1)).view(np.matrix)),
        mrecords.fromarrays([[1], [2]], names="a,b"),
        np.ma.array([(1, 2)], dtype="i4,i4")[0],
        np.zeros(2),
    ]


def dicts() -> list[Any]:
    import numpy as np

    every = {f"é/{place}": array for place, array in enumerate(arrays()) if type(array) is not np.memmap}
    return [{}, {"": np.zeros(2), "..": np.ones(1), "b.npy": np.array(1), "a": np.zeros((0, 3)), "A": np.array(["x"])}, every]


def zarr_arrays() -> list[Any]:
    import numpy as np

    grid = np.arange(24.0).reshape(4, 6)
    numbers = [np.arange(3).astype(kind) for kind in "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split()]
    times = [np.array(["2020", "NaT"], f"M8[{unit}]") for unit in "Y M W D h m s ms us ns".split()]
    odd = [np.array(5.0), np.zeros((0, 2)), np.array([-0.0, 0.0]), np.array([np.nan, -np.nan]), np.array([3, -1], "m8[25s]")]
    return [*numbers, *times, *odd, grid, grid.T, grid[::-2, ::3], np.asfortranarray(grid)]


def scalars() -> list[Any]:
    import numpy as np

    structured = np.array([(1, 2.5, "é")], [("a", "i4"), ("b", ">f8"), ("c", "U3")])
    more = [np.longlong(3), np.ulonglong(4), np.clongdouble(1j), np.void(b"abc"), structured[0], structured.view(np.recarray)[0]]
    more += [np.datetime64("2020-01-01", "25s"), np.timedelta64(5), np.complex128(complex("nan"))]
    return [*examples.numpy_scalars(), *more, *(array[0, 0] for array in ml_arrays() if array.ndim == 2)]


def big_endian() -> Any:
    import numpy as np

    return np.zeros(2, ">f8")


def no_dicts() -> list[Any]:
    array = examples.arrays()[0]
    return [{"a": 1}, {1: array}, {"\ud800": array}, {"a\0": array}, {"a": inexact_arrays()[0]}, [array]]


KEPT = {
    "numpy_masked_to_npy": Kept(masked, inexact_masked),
    "numpy_strings_to_arrow": Kept(texts, lambda: [characters(), [""], "", masked()[-1]]),
    "numpy_to_npy": Kept(lambda: arrays() + ml_arrays(), inexact_arrays),
    "numpy_to_npz": Kept(dicts, no_dicts),
    "numpy_to_zarr": Kept(zarr_arrays, lambda: [*inexact_arrays(), big_endian(), characters()]),
    "to_numpy_scalar": Kept(scalars, lambda: [1, 1.0, "a", b"a"]),
}
