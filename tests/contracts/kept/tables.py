"""pyarrow, polars, scipy.sparse, xarray and AnnData."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest

from tests.contracts.kept._kept import Kept


def arrow_arrays() -> list[Any]:
    import pyarrow as pa

    number = decimal.Decimal
    words = pa.array(["a", None, "b"])
    return [
        *(pa.array([1, None, 0], kind) for kind in (pa.int8(), pa.uint64(), pa.float32(), pa.float64(), pa.date32())),
        pa.array([1.0, float("nan"), -0.0, None]),
        pa.array([1.5, None], pa.float16()),
        pa.nulls(3),
        pa.array([True, None, False]),
        *(words.cast(kind) for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary())),
        pa.array([b"ab", None], pa.binary(2)),
        *(pa.array([number("1.23"), None], kind) for kind in (pa.decimal128(20, 2), pa.decimal256(60, 2))),
        *(pa.array([1, None], pa.timestamp(unit, zone)) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Europe/Berlin")),
        *(pa.array([1, None], kind) for kind in (pa.duration("s"), pa.time32("ms"), pa.time64("ns"), pa.date64())),
        pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
        pa.array([[1], None, []], pa.list_(pa.int8())),
        pa.array([[1, 2], None], pa.list_(pa.int8(), 2)),
        pa.array([[1], None, [2, 3]], pa.list_view(pa.int8())),
        pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int8())),
        pa.array([{"a": 1, "b": [None]}, None]),
        pa.array([{"a": 1}], pa.struct([pa.field("a", pa.int8(), nullable=False, metadata={"unit": "mV"})])),
        pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int8()), ["x", "y", "unused"], ordered=True),
        pa.array([["a"], None], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
        pa.RunEndEncodedArray.from_arrays([2, 3], [1, 2]),
        pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
        pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.int8(), [2]), pa.array([[1, 2]], pa.list_(pa.int8(), 2))),
    ]


def arrow_values() -> list[Any]:
    import pyarrow as pa

    arrays = arrow_arrays()
    schema = pa.schema(
        [pa.field("é", pa.int64(), nullable=False, metadata={"unit": "mV"}), ("é", pa.string())], {b"z": b"\xff", b"a": b"1"}
    )
    table = pa.table([[1, 2], ["x", None]], schema=schema)
    ragged = pa.table({"a": pa.chunked_array([[1], [], [2, 3]]), "b": pa.chunked_array([["x", "y"], ["z"]])})
    words = pa.chunked_array([pa.array(["a"]).dictionary_encode(), pa.array(["b", "c"]).dictionary_encode()])
    return [
        *arrays,
        *(one[1:] for one in arrays),
        *(one[:0] for one in arrays),
        table,
        table[:0],
        pa.table({}),
        table.select([]),
        ragged,
        ragged[1:],
        pa.table({"a": pa.chunked_array([], pa.int8())}),
        pa.table({"w": words, "n": pa.chunked_array([[1, 2], [3]])}),
        *table.to_batches(),
        pa.record_batch({"a": pa.array([], pa.int8())}),
        words,
        pa.chunked_array([[1.5], [], [2.5]]),
        pa.chunked_array([], pa.string()),
        pa.table({f"column {place}": range(1000) for place in range(30)}),
    ]


def arrow_foreign() -> list[Any]:
    import pyarrow as pa

    class Angle(pa.ExtensionType):
        def __init__(self) -> None:
            super().__init__(pa.float64(), "isfdb.test.angle")

        def __arrow_ext_serialize__(self) -> bytes:
            return b""

        @classmethod
        def __arrow_ext_deserialize__(cls, storage: Any, serialized: bytes) -> Angle:
            return cls()

    angles = pa.ExtensionArray.from_storage(Angle(), pa.array([1.0]))
    hidden = pa.schema([pa.field("a", pa.binary(16), metadata={"ARROW:extension:name": "arrow.uuid", "ARROW:extension:metadata": ""})])
    nested = pa.StructArray.from_arrays([angles], ["angle"])
    return [angles, pa.table({"a": angles}), nested, hidden.empty_table(), pa.int8(), pa.scalar(1), pa.schema([]), [1], "a"]


def polars_series() -> list[Any]:
    pl = pytest.importorskip("polars")

    day, second = datetime.datetime(2020, 1, 1), datetime.timedelta(seconds=1)
    number = decimal.Decimal
    numbers = "Int8 Int16 Int32 Int64 Int128 UInt8 UInt16 UInt32 UInt64 UInt128 Float16 Float32 Float64 Boolean".split()
    found = [pl.Series([1, None, 0]).cast(getattr(pl, name)) for name in numbers if hasattr(pl, name)]
    if hasattr(pl, "Map"):
        found += [pl.Series([{"a": 1}, None, {}], dtype=pl.Map(pl.String, pl.Int8))]
    if hasattr(pl, "Categories"):
        found += [pl.Series(["b", "a"], dtype=pl.Categorical(pl.Categories("of mine", "isfdb", pl.UInt8)))]
    found += [
        pl.Series([None, value], dtype=pl.Datetime(unit, zone)) for value in (day,) for unit in ("ms", "us", "ns") for zone in (None, "UTC")
    ]
    found += [pl.Series([None, second], dtype=pl.Duration(unit)) for unit in ("ms", "us", "ns")]
    found += [pl.Series([number("1.23"), None], dtype=pl.Decimal(precision, 3)) for precision in (5, 20, 38)]
    found += [
        pl.Series("", [1.0, None, float("nan"), -0.0, float("-inf")]),
        pl.Series("é", ["é", None, "", "x" * 100]),
        pl.Series([b"a", None, b"", b"\xff"]),
        pl.Series([None] * 4),
        pl.Series([datetime.date(1900, 1, 1), None]),
        pl.Series([datetime.time(1, 2, 3, 4), None]),
        pl.Series([day], dtype=pl.Datetime("us", "Europe/Berlin")),
        pl.Series(["b", "a", None, "b"], dtype=pl.Categorical),
        pl.Series(["b", "a", None, "b"], dtype=pl.Enum(["z", "b", "a"])),
        pl.Series([[1, None], None, [], [2]], dtype=pl.List(pl.Int8)),
        pl.Series([[1, None], None], dtype=pl.Array(pl.Int8, 2)),
        pl.Series([[[1, None]], None], dtype=pl.Array(pl.Int8, (1, 2))),
        pl.Series([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
        pl.Series([["a"], None, [], ["b", "a"]], dtype=pl.List(pl.Categorical)),
        pl.Series([{"a": ["x"]}, None], dtype=pl.Struct({"a": pl.List(pl.Enum(["y", "x"]))})),
        pl.Series([3, 2, 1]).sort(),
        pl.Series([1, 2, 3]).set_sorted(),
    ]
    return found


def polars_values() -> list[Any]:
    pl = pytest.importorskip("polars")

    series = polars_series()
    frame = pl.DataFrame({"a": [1, 2], "^b$": ["x", None], "*": [0.5, -0.0], "é ✓": [True, None]})
    wide = pl.DataFrame({f"c{place}": range(100) for place in range(300)})
    lazy = [frame.lazy(), frame.lazy().filter(pl.col("a") > 1), frame[:0].lazy(), wide.lazy().select(pl.all().sum())]
    return [*series, *(one[:0] for one in series), frame, frame[:0], wide, pl.DataFrame(), pl.DataFrame(height=3), *lazy]


def polars_foreign() -> list[Any]:
    pl = pytest.importorskip("polars")

    thing = pl.Series([object()])
    empty = pl.Series([{}, None], dtype=pl.Struct([]))
    return [thing, thing.to_frame(), empty, pl.DataFrame({"a": [[{}]]}, schema={"a": pl.List(pl.Struct([]))}), pl.Int8, pl.col("a"), [1]]


def sparse_matrices() -> list[Any]:
    sp = pytest.importorskip("scipy.sparse")
    import numpy as np

    dense = np.array([[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 4, 0], [0, 5, 0, 0]])
    found: list[Any] = []
    for name in (f"{layout}_{kind}" for layout in "csr csc bsr coo dia lil dok".split() for kind in ("matrix", "array")):
        make = getattr(sp, name)
        found += [make(dense.astype(kind)) for kind in ("?", "i1", "u8", "f4", "f8", "c8", "c16")]
        found += [make((3, 5), dtype="f8"), make((1, 1), dtype="i4"), make(dense[:, :2].astype("f8"))]
        if name.startswith(("csr", "coo")):
            found += [make(dense.astype("g"))]
        if not name.startswith(("dok", "bsr")):
            found += [make((0, 3))]
    return found + _odd_sparse()


def _odd_sparse() -> list[Any]:
    import numpy as np
    import scipy.sparse as sp

    values, rows, columns = np.array([1.0, 0.0, np.nan, -0.0]), np.array([2, 0, 2, 0]), np.array([1, 1, 1, 0])
    duplicates = sp.coo_array((values, (rows, columns)), shape=(3, 2))
    unsorted = sp.csr_array((values, np.array([1, 0, 1, 0]), np.array([0, 2, 2, 4])), shape=(3, 2))
    asked = unsorted.copy()
    assert not asked.has_sorted_indices
    long = sp.csr_matrix(np.eye(3))
    long.indices, long.indptr = long.indices.astype("int64"), long.indptr.astype("int64")
    roomy = sp.csc_array(np.eye(3))
    roomy.data, roomy.indices = np.append(roomy.data, 9.0), np.append(roomy.indices, np.int32(7))
    zero = sp.dok_array((3, 3))
    zero.setdefault((1, 1), np.float64(0.0))
    zero[0, 2] = -1.5
    scattered = sp.lil_matrix((3, 4), dtype="i2")
    scattered[2, 3], scattered[0, 1] = 7, -1
    big = sp.random_array((300, 200), density=0.1, rng=np.random.default_rng(1), format="csr")
    blocks = sp.bsr_array(np.kron(np.eye(3), np.ones((2, 2))), blocksize=(2, 2))
    lines = [sp.coo_array(np.array([0.0, 1.0, 2.0])), sp.csr_array(np.array([0.0, 1.0])), sp.dok_array(np.array([0.0, 1.0]))]
    return [
        duplicates,
        unsorted,
        asked,
        long,
        roomy,
        zero,
        scattered,
        big,
        blocks,
        *lines,
        sp.dia_array((np.ones((2, 5)), [0, -1]), shape=(4, 4)),
    ]


def sparse_foreign() -> list[Any]:
    sp = pytest.importorskip("scipy.sparse")
    import numpy as np

    noted = sp.csr_array(np.eye(2))
    noted.unit = "mV"

    class Mine(sp.csr_array):
        pass

    objects = sp.csr_array(np.eye(2))
    objects.data = objects.data.astype(object)
    return [noted, Mine(np.eye(2)), objects, np.eye(2), sp.csr_array, [1]]


def xarray_values() -> list[Any]:
    xr = pytest.importorskip("xarray")
    import numpy as np
    import pandas as pd

    days = pd.date_range("2020-01-01", periods=3, freq="D", name="time")
    grid = xr.Dataset(
        {"rate": (("time", "cell"), np.arange(6.0).reshape(3, 2), {"unit": "Hz", "valid": np.array([0.0, 9.0]), "n": np.int16(3)}), "n": 5},
        coords={"time": days, "cell": ["a", "é"], "depth": ("cell", [1.5, np.nan], {"unit": "um"}), "site": "Jülich"},
        attrs={"title": "é ✓", "z": [1, 2.5, None], "a": {"nested": (1, 2)}, "when": datetime.datetime(2020, 1, 1), 3: True},
    )
    bits = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x8000000000000000, 0], "u8").view("f8")
    levels = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["letter", "number"])
    stacked = xr.Dataset({"v": ("s", np.arange(4))}, coords=xr.Coordinates.from_pandas_multiindex(levels, "s"))
    array = grid["rate"]
    return [
        xr.Dataset(),
        grid,
        array,
        array.rename(None),
        array.rename(("a", 1)),
        grid["time"],
        grid["depth"],
        grid["site"],
        grid.isel(time=slice(0)),
        grid.drop_indexes(["time"]),
        grid.set_xindex("depth"),
        grid[["n", "rate"]],
        xr.DataArray(5.0),
        xr.DataArray(bits),
        xr.DataArray(np.zeros((2, 0, 3))),
        xr.DataArray(np.asfortranarray(np.arange(6).reshape(2, 3))),
        *(xr.DataArray(one, dims="x", name="x") for one in xarray_columns()),
        *(xr.DataArray([0, 1, 2], dims="x", coords={"x": one}) for one in _xarray_labels()),
        stacked,
        stacked["v"],
        stacked["number"],
        xr.Dataset({1: ("x", [1]), ("a", 2): ("x", [2]), "Rate": 1, "rate": 2, "zarr.json": 3, "con": 4, "a b": 5, "ü": 6, "x" * 200: 7}),
        xr.Dataset({"a": ((1, "y"), np.zeros((2, 2)))}),
        xr.DataArray(
            np.zeros(2, "i4"), attrs={"_FillValue": 0, "scale_factor": 2.0, "units": "days since 2000-01-01", "calendar": "noleap"}
        ),
        *_lazy_xarray(),
        *_trees(),
    ]


def xarray_columns() -> list[Any]:
    import numpy as np
    import pandas as pd

    times = [np.array(["2020-01-01", "NaT", "1950-03-03"], f"M8[{unit}]") for unit in ("s", "ms", "us", "ns")]
    spans = [np.array([1, -2, "NaT"], f"m8[{unit}]") for unit in ("s", "ms", "us", "ns")]
    plain = [np.array([0, 1, 2]).astype(code) for code in "? i1 u8 f2 f4 >f8 >i2 c8 c16 g S3 U3 >U2".split()]
    texts = [np.array(["é", "", "x" * 50], object), np.array(["é", "", "x"], "U50"), np.array(["é", None, ""], object)]
    return [
        *times,
        *spans,
        *plain,
        *texts,
        np.array(["a", "é"], np.dtypes.StringDType()),
        np.array([[b"a", None]], object)[0],
        np.zeros(2, [("a", "i4"), ("b", "f8")]),
        pd.Categorical(["b", "a", None], categories=["b", "a", "c"], ordered=True),
        pd.array([1, None, 3], dtype="Int64"),
    ]


def _xarray_labels() -> list[Any]:
    import numpy as np
    import pandas as pd

    return [
        pd.RangeIndex(3),
        pd.RangeIndex(10, 40, 10),
        [1.5, np.nan, -0.0],
        pd.date_range("2020", periods=3, freq="MS"),
        pd.date_range("2020", periods=3, tz="Europe/Berlin"),
        pd.timedelta_range("1h", periods=3),
        pd.period_range("2020", periods=3, freq="M"),
        pd.interval_range(0, 3),
        pd.CategoricalIndex(["b", "a", "b"], categories=["c", "b", "a"]),
        np.array(["a", "b", "c"], object),
        np.array([1, 2, 3], "i2"),
        [True, False, True],
        ["a", "a", "b"],
    ]


def _lazy_xarray() -> list[Any]:
    import dask.array as da
    import numpy as np
    import xarray as xr

    irregular = da.from_array(np.arange(100.0).reshape(10, 10), chunks=((3, 7), (1, 2, 3, 4)))
    lazy = xr.Dataset(
        {"a": (("x", "y"), irregular), "t": ("x", da.from_array(np.arange(10).astype("M8[ns]"), chunks=4)), "memory": ("y", np.ones(10))},
        coords={"x": range(10), "c": ("x", da.ones(10, chunks=3))},
    )
    words = [xr.DataArray(da.from_array(np.array(["a", "bé", ""], kind), chunks=2)) for kind in ("U2", object)]
    return [
        lazy,
        lazy["a"],
        lazy.isel(x=slice(0)),
        *words,
        xr.DataArray(da.from_array(np.array(-0.0))),
        xr.DataArray(da.ones(5, dtype=">f4", chunks=2)),
    ]


def _trees() -> list[Any]:
    import numpy as np
    import xarray as xr

    coarse = xr.Dataset({"v": ("x", np.arange(3))}, coords={"x": [1, 2, 3]}, attrs={"level": 0})
    fine = xr.Dataset({"v": (("x", "y"), np.zeros((3, 2))), "w": ("y", ["a", "b"])})
    tree = xr.DataTree.from_dict({"/": coarse, "/b": fine, "/a": xr.Dataset(), "/b/fine scale": fine.isel(y=0)}, name="scales")
    odd = xr.DataTree.from_dict({"/": xr.Dataset({"rate": 1, "con": 2}), "/Rate": coarse, "/a:b": fine, "/a:b/ü": xr.Dataset({"x|y": 3})})
    return [tree, xr.DataTree(), tree["b"], odd]


def xarray_foreign() -> list[Any]:
    xr = pytest.importorskip("xarray")
    import numpy as np

    class Mine(xr.Dataset):
        __slots__ = ()

    mixed = xr.DataArray(np.array([1, object()], object))
    noted = xr.DataArray([1], attrs={"model": object()})
    named = xr.DataArray([1], name=object())
    return [
        Mine(),
        mixed,
        noted,
        named,
        xr.Variable("x", [1]),
        xr.Dataset({"a": mixed}),
        xr.DataTree(xr.Dataset({"a": mixed})),
        np.zeros(2),
        [1],
    ]


def annotated() -> list[Any]:
    ad = pytest.importorskip("anndata")
    import numpy as np
    import pandas as pd
    import scipy.sparse as sp

    cells, genes = list("abcd"), ["g1", "é", "g3"]
    obs = pd.DataFrame(
        {"type": pd.Categorical(["x", "y", "x", None], categories=["y", "z", "x"]), "name": list("wxyz"), "n": [1, 2, 3, 4]}, index=cells
    )
    var = pd.DataFrame({"chromosome": ["1", None, "X"]}, index=pd.Index(genes, name="gene"))
    uns = {
        "z": {"deep": {"pca": np.arange(3.0), "table": pd.DataFrame({"p": [0.1]}), "text": "é"}, "none": None},
        "colours": ["#fff", "#000"],
        "a": {"when": datetime.datetime(2020, 1, 1), "pair": (1, 2.5), "n": np.int8(3), 7: True},
        "graph": sp.csr_matrix(np.eye(2)),
        "empty": {},
    }
    dense = np.arange(12.0, dtype="f4").reshape(4, 3)
    whole = ad.AnnData(
        dense,
        obs=obs,
        var=var,
        obsm={"X_pca": np.ones((4, 2)), "frame": pd.DataFrame({"q": [1, 2, 3, 4]}, index=cells), "sparse": sp.csr_array(np.eye(4, 2))},
        varm={"loadings": np.zeros((3, 2))},
        layers={"counts": sp.csr_matrix(dense.astype("i4")), "A b": dense * 2},
        obsp={"distances": sp.csr_matrix(np.eye(4))},
        varp={"d": np.eye(3)},
        uns=uns,
    )
    with_raw = whole.copy()
    with_raw.raw = whole[:, :2].copy()
    return [
        whole,
        with_raw,
        *(ad.AnnData(make(dense), obs=obs) for make in (sp.csr_matrix, sp.csc_matrix, sp.csr_array, np.asfortranarray)),
        ad.AnnData(obs=obs, var=var),
        ad.AnnData(shape=(3, 0)),
        ad.AnnData(np.zeros((0, 3))),
        whole[:2].copy(),
    ]


def annotated_foreign() -> list[Any]:
    ad = pytest.importorskip("anndata")
    import numpy as np

    class Mine(ad.AnnData):
        pass

    odd = ad.AnnData(np.zeros((2, 2)), uns={"model": {"f": lambda: 1}})
    return [odd, Mine(np.zeros((1, 1))), np.zeros((2, 2)), [1]]


KEPT = {
    "anndata_to_parts": Kept(annotated, annotated_foreign),
    "arrow_to_ipc": Kept(arrow_values, arrow_foreign),
    "polars_to_parquet": Kept(polars_values, polars_foreign),
    "scipy_sparse_to_npz": Kept(sparse_matrices, sparse_foreign),
    "xarray_to_zarr": Kept(xarray_values, xarray_foreign),
}
