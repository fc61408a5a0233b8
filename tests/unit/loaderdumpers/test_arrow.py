"""What arrow_to_ipc does beyond the contract: mapping, parts, readers, dictionaries that change, damage."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isfdb.testing import assert_identical
from loaderdumpers import arrow_to_ipc
from tests.contracts.kept import tables


def stored(value: Any, folder: Path, **options: Any) -> Any:
    return arrow_to_ipc.Loader(**json.loads(json.dumps(arrow_to_ipc.dump(value, str(folder), **options))))


def table() -> pa.Table:
    return pa.table({"a": range(100), "b": [str(n) for n in range(100)], "c": [n / 7 for n in range(100)]})


@pytest.mark.parametrize("options", [{"compression": "zstd"}, {"compression": "lz4"}])
def test_what_is_compressed_comes_back(options: dict[str, Any], tmp_path: Path) -> None:
    assert_identical(stored(table(), tmp_path, **options).get(str(tmp_path), mmap=False), table())


def test_an_uncompressed_table_is_mapped_and_not_copied(tmp_path: Path) -> None:
    loader = stored(pa.table({"x": pa.array(range(1_000_000))}), tmp_path)
    before = pa.total_allocated_bytes()
    mapped = loader.get(str(tmp_path))
    assert pa.total_allocated_bytes() - before < 100_000
    assert mapped["x"][999_999].as_py() == 999_999


def test_other_programs_read_the_file(tmp_path: Path) -> None:
    import pyarrow.feather

    arrow_to_ipc.dump(table(), str(tmp_path))
    assert pyarrow.feather.read_table(tmp_path / "data.arrow").equals(table())


def test_some_columns_and_rows_are_read_alone(tmp_path: Path) -> None:
    loader = stored(table(), tmp_path)
    assert_identical(loader.get(str(tmp_path), columns=["c", "a"]), table().select(["c", "a"]))
    assert_identical(loader.get(str(tmp_path), columns=[1], select=slice(10, -80)), table().select(["b"]).slice(10, 10))
    assert loader.get(str(tmp_path), select=slice(50, 20)).num_rows == 0


def test_a_wrong_choice_of_columns_or_rows_says_what_there_is(tmp_path: Path) -> None:
    loader = stored(table(), tmp_path)
    with pytest.raises(ValueError, match="stored are a, b, c"):
        loader.get(str(tmp_path), columns=["z"])
    with pytest.raises(ValueError, match="write columns="):
        loader.get(str(tmp_path), columns="a")
    with pytest.raises(ValueError, match="without a step"):
        loader.get(str(tmp_path), select=slice(0, 10, 2))


def test_columns_of_one_name_are_asked_for_by_position(tmp_path: Path) -> None:
    twins = pa.table([[1], [2]], names=["a", "a"])
    loader = stored(twins, tmp_path)
    with pytest.raises(ValueError, match="ask by position"):
        loader.get(str(tmp_path), columns=["a"])
    assert loader.get(str(tmp_path), columns=[1]).column(0).to_pylist() == [2]


def test_an_array_has_no_columns_but_rows(tmp_path: Path) -> None:
    loader = stored(pa.array([1, 2, 3]), tmp_path)
    assert_identical(loader.get(str(tmp_path), select=slice(1, None)), pa.array([2, 3]))
    with pytest.raises(ValueError, match="this is a Array"):
        loader.get(str(tmp_path), columns=["a"])


def batches(count: int) -> pa.RecordBatchReader:
    schema = pa.schema([("n", pa.int64()), ("w", pa.dictionary(pa.int8(), pa.string()))], {"unit": "mV"})
    made = (pa.record_batch([[n, n + 1], pa.array([f"word {n}"] * 2).dictionary_encode()], ["n", "w"]).cast(schema) for n in range(count))
    return pa.RecordBatchReader.from_batches(schema, made)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_reader_is_consumed_batch_by_batch_and_comes_back_as_a_reader(count: int, tmp_path: Path) -> None:
    reader = batches(count)
    loader = stored(reader, tmp_path)
    assert reader.read_all().num_rows == 0
    for _ in range(2):
        found = loader.get(str(tmp_path))
        assert type(found) is pa.RecordBatchReader
        assert_identical(found.read_all(), batches(count).read_all())


def test_a_stream_can_be_stored_and_some_of_its_columns_read(tmp_path: Path) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches(3).schema) as writer:
        for batch in batches(3):
            writer.write_batch(batch)
    stream = pa.ipc.open_stream(sink.getvalue())
    assert arrow_to_ipc.check(stream)
    loader = stored(stream, tmp_path)
    assert loader.get(str(tmp_path), columns=["w"]).read_all().equals(batches(3).read_all().select(["w"]))
    with pytest.raises(ValueError, match="a reader has no rows"):
        loader.get(str(tmp_path), select=slice(1))


def test_a_reader_that_fails_leaves_the_failure(tmp_path: Path) -> None:
    def failing() -> Any:
        yield pa.record_batch({"a": [1]})
        raise RuntimeError("the instrument was switched off")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), failing())
    with pytest.raises(RuntimeError, match="switched off"):
        arrow_to_ipc.dump(reader, str(tmp_path))


def test_describing_a_reader_reads_nothing_of_it() -> None:
    reader = batches(2)
    assert arrow_to_ipc.describe(reader)["columns"][0] == ["n", "int64"]
    assert reader.read_all().num_rows == 4


@pytest.mark.parametrize("value", [table(), pa.array([1, 2]), "reader"], ids=["table", "array", "reader"])
def test_a_truncated_file_is_not_loaded(value: Any, tmp_path: Path) -> None:
    loader = stored(batches(4) if isinstance(value, str) else value, tmp_path)
    (path,) = tmp_path.glob("data.*")
    data = path.read_bytes()
    for length in (len(data) - 9, len(data) // 2, 100, 8, 0):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"data\.arrow"):
            found = loader.get(str(tmp_path))
            found.read_all() if isinstance(value, str) else found.validate(full=True)


def test_a_file_of_other_length_is_not_loaded(tmp_path: Path) -> None:
    arguments = arrow_to_ipc.dump(table(), str(tmp_path))
    with pytest.raises(ValueError, match="100 rows in 1 batches where 7 rows"):
        arrow_to_ipc.Loader(**{**arguments, "rows": 7}).get(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        arrow_to_ipc.Loader(**{**arguments, "stream": True}).get(str(tmp_path))


def test_chunks_that_do_not_fit_the_table_are_not_believed(tmp_path: Path) -> None:
    loader = stored(pa.table({"a": pa.chunked_array([[1, 2], [3]]), "b": pa.chunked_array([[1], [2, 3]])}), tmp_path)
    (tmp_path / "chunks.json").write_text("[[2, 1], [1, 1]]")
    with pytest.raises(ValueError, match=r"chunks\.json does not fit"):
        loader.get(str(tmp_path))


def test_a_type_defined_in_python_is_refused_with_the_way_out(tmp_path: Path) -> None:
    angles = tables.arrow_foreign()[0]
    with pytest.raises(TypeError, match=r"take \.storage"):
        arrow_to_ipc.dump(angles, str(tmp_path))
    with pytest.raises(TypeError, match="convert it first"):
        arrow_to_ipc.dump(pa.scalar(1), str(tmp_path))
    assert not list(tmp_path.iterdir())


_columns = st.sampled_from([pa.int8(), pa.float32(), pa.string(), pa.list_(pa.int16()), pa.dictionary(pa.int8(), pa.string())])


@st.composite
def ragged_tables(draw: st.DrawFn) -> pa.Table:
    """Return tables whose columns are chunked each in its own way."""
    rows, columns = draw(st.integers(0, 8)), {}
    for place, kind in enumerate(draw(st.lists(_columns, max_size=4))):
        inner = kind.value_type if pa.types.is_dictionary(kind) or pa.types.is_list(kind) else kind
        one = st.text(max_size=3) if inner == pa.string() else st.integers(-9, 9)
        cell = st.none() | (st.lists(st.none() | one, max_size=3) if pa.types.is_list(kind) else one)
        values = draw(st.lists(cell, min_size=rows, max_size=rows))
        cuts = [0, *sorted(draw(st.lists(st.integers(0, rows), max_size=4))), rows]
        chunks = [pa.array(values[start:stop], kind) for start, stop in pairwise(cuts)]
        columns[f"c{place}"] = pa.chunked_array(chunks, kind)
    return pa.table(columns)


@settings(max_examples=100, deadline=None)
@given(value=ragged_tables())
def test_tables_of_any_chunks_come_back(value: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("table")
    if not arrow_to_ipc.check(value):
        with pytest.raises(TypeError, match="call combine_chunks"):
            arrow_to_ipc.dump(value, str(folder))
        value = value.combine_chunks()
    assert_identical(stored(value, folder).get(str(folder)), value)
