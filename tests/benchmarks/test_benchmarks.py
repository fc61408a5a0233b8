"""The measurements run and mean what they say. What they measure is judged on demand, never here: machines are shared."""

from __future__ import annotations

import pytest

from . import arrays, frames, growing, lazy, measures, openings, publishing, replaying, searching, stores
from .run import table

SMALL = {
    measures.small_values: {"rounds": 3},
    measures.space: {"n_keys": 5},
    measures.large_array: {"n_bytes": 8_000_000, "rounds": 1},
    measures.extra_memory: {"n_bytes": 8_000_000},
    arrays.put_of_10_mb: {"n_bytes": 8_000_000, "rounds": 2},
    arrays.slices: {"n_bytes": 2_000_000, "rounds": 2},
    measures.many_keys: {"n_keys": 50, "rounds": 1},
    measures.capture: {"cells": 2},
    measures.imports: {"rounds": 1},
    measures.waits: {},
    openings.openings: {"n": 20, "rounds": 1, "processes": 1},
    publishing.publishing: {"n": 10, "long": 20},
    frames.arrow_frame: {"n_rows": 640, "rounds": 1},
    frames.parquet_frame: {"n_rows": 640, "rounds": 1},
    growing.appends: {"n": 20},
    growing.attribute: {"n_bytes": 8_000, "rounds": 2},
    lazy.dask_frame: {"n_rows": 640, "rounds": 1},
    stores.shared_store: {"n": 5},
    searching.find_in_many: {"n_keys": 20, "rounds": 1},
    replaying.replays: {"rounds": 1},
}


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of dask's own to_parquet with pandas 3.1
@pytest.mark.parametrize("measure", SMALL, ids=lambda measure: measure.__name__)
def test_every_measurement_gives_rows(measure, tmp_path):
    rows = measure(str(tmp_path), **SMALL[measure])
    if measure is measures.waits and not rows:
        pytest.skip("strace is not installed")
    assert rows and all(row.ours >= 0 and row.goal > 0 for row in rows)
    assert table(rows).count("\n") == len(rows) + 1


def test_metadata_does_not_grow_with_the_notebook_and_stays_small(tmp_path):
    rows = {row.what: row.ours for row in measures.space(str(tmp_path), n_keys=5)}
    assert rows["metadata of a small key"] <= 1536
    assert rows["inodes of one version of a small key"] == 3


def test_a_durable_put_waits_twice_at_most(tmp_path):
    rows = measures.waits(str(tmp_path))
    if not rows:
        pytest.skip("strace is not installed")
    assert rows[0].ours <= 2


def test_flushes_by_several_threads_are_one_wait_and_in_a_row_are_several():
    lines = [
        "1 10.000 fsync(3 <unfinished ...>",
        "2 10.001 fsync(4) = 0 <0.002>",
        "1 10.004 <... fsync resumed>) = 0 <0.004>",
        '1 10.005 rename("a", "b") = 0 <0.001>',
        "1 10.006 fsync(5) = 0 <0.001>",
        "1 10.008 fsync(6) = 0 <0.001>",
    ]
    assert measures.count_waits(lines) == 3
