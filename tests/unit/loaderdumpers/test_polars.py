"""What polars_to_parquet does beyond the contract: lazy frames, parts, bits, names like patterns, damage."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isfdb.testing import assert_identical
from loaderdumpers import polars_to_parquet
from tests.contracts.kept import tables

pl = pytest.importorskip("polars")


def stored(value: Any, folder: Path, **options: Any) -> Any:
    return polars_to_parquet.Loader(**json.loads(json.dumps(polars_to_parquet.dump(value, str(folder), **options))))


def frame() -> Any:
    return pl.DataFrame({"a": range(100), "*": [str(n) for n in range(100)], "^a$": [n / 7 for n in range(100)]})


def test_nan_payloads_and_signs_of_zero_come_back_bit_by_bit(tmp_path: Path) -> None:
    import numpy as np

    bits = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x8000000000000000, 0, 0x7FF0000000000001], "u8")
    found = stored(pl.Series(bits.view("f8")), tmp_path).get(str(tmp_path))
    assert found.to_numpy().view("u8").tolist() == bits.tolist()


def test_an_array_of_width_zero_comes_back(tmp_path: Path) -> None:
    value = pl.Series([[], None, []], dtype=pl.Array(pl.Int8, 0))
    assert_identical(stored(value, tmp_path).get(str(tmp_path)), value)


def test_a_lazy_frame_comes_back_lazy_over_the_file(tmp_path: Path) -> None:
    loader = stored(frame().lazy().filter(pl.col("a") > 50), tmp_path, row_group_size=10)
    found = loader.get(str(tmp_path))
    assert type(found) is pl.LazyFrame
    assert "data.parquet" in found.explain()
    assert_identical(found, frame().lazy().filter(pl.col("a") > 50))


def test_a_frame_can_be_read_lazily(tmp_path: Path) -> None:
    lazy = stored(frame(), tmp_path).get(str(tmp_path), lazy=True)
    assert_identical(lazy.filter(pl.col("a") == 7), frame().lazy().filter(pl.col("a") == 7))


def test_names_that_look_like_patterns_are_names(tmp_path: Path) -> None:
    loader = stored(frame(), tmp_path)
    for names in (["*"], ["^a$", "a"], ["a", "*"]):
        assert_identical(loader.get(str(tmp_path), columns=names), frame().select([frame()[name] for name in names]))


def test_a_folder_named_like_a_partition_or_a_pattern_adds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "year=2020" / "[a]*"
    folder.mkdir(parents=True)
    assert_identical(stored(frame(), folder).get(str(folder)), frame())


def test_some_rows_are_read_alone(tmp_path: Path) -> None:
    loader = stored(frame(), tmp_path)
    assert_identical(loader.get(str(tmp_path), select=slice(90, None), columns=["a"]), frame()[90:].select("a"))
    with pytest.raises(ValueError, match="without a step"):
        loader.get(str(tmp_path), select=slice(None, None, 2))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    loader = stored(frame(), tmp_path)
    with pytest.raises(ValueError, match=r"\['z'\] were asked for; stored are a, \*"):
        loader.get(str(tmp_path), columns=["z"])
    with pytest.raises(ValueError, match="takes a list of names"):
        loader.get(str(tmp_path), columns="a")


def test_what_polars_knows_of_the_order_comes_back(tmp_path: Path) -> None:
    value = pl.DataFrame({"up": [1, 2], "down": [2, 1], "any": [2, 3]}).with_columns(
        pl.col("up").set_sorted(), pl.col("down").set_sorted(descending=True)
    )
    assert stored(value, tmp_path).get(str(tmp_path)).flags == value.flags


def test_a_lazy_frame_of_objects_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for value in tables.polars_foreign()[:4]:
        lazy = value.to_frame().lazy() if type(value) is pl.Series else value.lazy()
        with pytest.raises(TypeError, match="has no place in Parquet"):
            polars_to_parquet.dump(lazy, str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_truncated_file_is_not_loaded(tmp_path: Path) -> None:
    loader = stored(frame(), tmp_path)
    path = tmp_path / "data.parquet"
    data = path.read_bytes()
    for length in (len(data) - 1, len(data) // 2, 10, 0):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match="is not whole Parquet data"):
            loader.get(str(tmp_path))


def test_a_file_of_other_shape_is_not_loaded(tmp_path: Path) -> None:
    arguments = polars_to_parquet.dump(frame(), str(tmp_path))
    with pytest.raises(ValueError, match=r"has the shape \(100, 3\) where \(99, 3\) was stored"):
        polars_to_parquet.Loader(**{**arguments, "rows": 99}).get(str(tmp_path))


def test_a_missing_file_is_missed(tmp_path: Path) -> None:
    loader = stored(frame(), tmp_path)
    (tmp_path / "data.parquet").unlink()
    with pytest.raises(FileNotFoundError, match=r"data\.parquet"):
        loader.get(str(tmp_path))


_floats = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
_leaves = [
    (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    (pl.Float64, _floats),
    (pl.String, st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
    (pl.Binary, st.binary(max_size=5)),
    (pl.Boolean, st.booleans()),
    (pl.Enum(["a", "b"]), st.sampled_from(["a", "b"])),
    (pl.Categorical, st.sampled_from(["x", "y", "z"])),
]


def _deeper(inner: Any) -> Any:
    lists = inner.map(lambda pair: (pl.List(pair[0]), st.lists(st.none() | pair[1], max_size=3)))
    pairs = inner.map(lambda pair: (pl.Array(pair[0], 2), st.lists(st.none() | pair[1], min_size=2, max_size=2)))
    structs = inner.map(lambda pair: (pl.Struct({"f": pair[0]}), st.fixed_dictionaries({"f": st.none() | pair[1]})))
    return lists | pairs | structs


_kinds = st.recursive(st.sampled_from(_leaves), _deeper, max_leaves=3)


@st.composite
def _series(draw: st.DrawFn) -> Any:
    dtype, cell = draw(_kinds)
    return pl.Series(draw(st.text(max_size=3)), draw(st.lists(st.none() | cell, max_size=5)), dtype=dtype)


@settings(max_examples=200, deadline=None)
@given(value=_series())
def test_series_of_nested_types_come_back(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("series")
    assert_identical(stored(value, folder).get(str(folder)), value)
