"""Measurements of dask frames: 64 partitions of mixed columns, beside dask's own Parquet. Nothing is asserted here."""

from __future__ import annotations

import shutil
import statistics
from typing import Any

import numpy as np

import isfdb

from .measures import Row, timed

N_PARTITIONS = 64


def mixed_rows(n_rows: int) -> Any:
    """Return a frame of numbers, times, texts, categories and truth values, already in memory as 64 partitions."""
    import dask.dataframe as dd
    import pandas as pd

    rng = np.random.default_rng(19)
    columns = {
        "t_s": rng.random(n_rows),
        "potential_mV": rng.normal(-65, 4, n_rows),
        "trial": rng.integers(0, 1000, n_rows),
        "is_up": rng.random(n_rows) > 0.5,
        "when": pd.date_range("2026", periods=n_rows, freq="s"),
        "kind": pd.Categorical(rng.choice(["spike", "burst", "none"], n_rows)),
        "cell": rng.choice(["L5PT", "L4ss", "L2 pyramid"], n_rows),
    }
    return dd.from_pandas(pd.DataFrame(columns), npartitions=N_PARTITIONS).persist()


def dask_frame(folder: str, n_rows: int = 4_000_000, rounds: int = 7) -> list[Row]:
    """Store, open and read a frame of 64 partitions, ours and dask's in turn."""
    frame = mixed_rows(n_rows)
    rows = []
    for durability in ("process", "full"):
        db = isfdb.open(f"{folder}/db-{durability}", durability=durability)
        db["warm"] = frame.partitions[:2]
        times = [_round(db, frame, f"{folder}/peer") for _ in range(rounds)]
        put, peer_put, opening, reading, peer_reading, column, peer_column = (
            statistics.median(series) for series in zip(*times, strict=True)
        )
        name = f"dask frame, {N_PARTITIONS} partitions, {n_rows:,} rows"
        rows.append(Row(f"put of a {name}, durability {durability}", put, peer_put, 0.5, "to_parquet"))
    return [
        *rows,
        Row(f"open of a {name}", opening, None, 15e-3, ""),
        Row(f"read of a {name}", reading, peer_reading, 0.5, "read_parquet"),
        Row(f"sum of a column of a {name}", column, peer_column, 1.0, "read_parquet"),
    ]


def _round(db: Any, frame: Any, peer: str) -> tuple[float, ...]:
    import dask.dataframe as dd

    put = timed(lambda: db.__setitem__("frame", frame))
    peer_put = timed(lambda: frame.to_parquet(peer))
    opening = statistics.median([timed(lambda: db["frame"]) for _ in range(5)])
    times = put, peer_put, opening
    for use in (lambda lazy: lazy.compute(), lambda lazy: lazy["t_s"].sum().compute()):
        times += timed(lambda use=use: use(db["frame"])), timed(lambda use=use: use(dd.read_parquet(peer)))
    shutil.rmtree(peer)
    db.collect(grace_s=0, trash_s=0)
    return times
