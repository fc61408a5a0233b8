"""Measurements of pandas tables: a million mixed rows of 12 columns, beside pyarrow's Feather and pickle. Nothing is asserted here."""

from __future__ import annotations

import os
import pickle
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

import isfdb

from .measures import Row, in_turn, timed


def mixed_rows(n_rows: int) -> Any:
    """Return integers, floats with and without missing values, texts, categories, times and truth values."""
    import pandas as pd

    random = np.random.default_rng(10)
    numbers = random.standard_normal(n_rows)
    columns = {
        "trial": np.arange(n_rows),
        "count": random.integers(0, 1000, n_rows).astype("i4"),
        "small": random.integers(0, 9, n_rows).astype("i2"),
        "x": numbers,
        "y": np.where(random.random(n_rows) < 0.1, np.nan, numbers),
        "z": random.random(n_rows).astype("f4"),
        "rounded": np.round(numbers, 2),
        "name": pd.Series([f"neuron_{n % 5000:04d}" for n in range(n_rows)], dtype="str"),
        "label": pd.Series(np.array(["alpha", "beta", "gamma", None], dtype=object)[random.integers(0, 4, n_rows)], dtype="str"),
        "area": pd.Categorical.from_codes(random.integers(0, 8, n_rows), [f"area {n}" for n in range(8)]),
        "time": pd.date_range("2020", periods=n_rows, freq="s").to_numpy(),
        "good": random.random(n_rows) < 0.5,
    }
    return pd.DataFrame(columns)


def arrow_frame(folder: str, n_rows: int = 1_000_000, rounds: int = 9) -> list[Row]:
    """Put, get and get two columns of a frame as an Arrow file, ours and pyarrow's in turn; get beside pickle too."""
    from pyarrow import feather

    frame, db, peer = mixed_rows(n_rows), isfdb.open(f"{folder}/db", durability="process"), f"{folder}/peer.feather"
    db.set("warm", frame[:10], dumper="pandas_to_arrow")
    puts: list[list[float]] = [[], []]
    calls: tuple[Callable[[], Any], ...] = (
        lambda: db.set("frame", frame, dumper="pandas_to_arrow"),
        lambda: feather.write_feather(frame, peer, compression="uncompressed"),
    )
    for _ in range(rounds):
        for series, call in zip(puts, calls, strict=True):
            os.sync()
            series.append(timed(call))
        db.collect(grace_s=0, trash_s=0)
    put, peer_put = (statistics.median(series) for series in puts)
    with open(f"{folder}/peer.pickle", "wb") as file:
        pickle.dump(frame, file, protocol=5)
    get, peer_get, pickled = in_turn(
        rounds, lambda n: db["frame"], lambda n: feather.read_feather(peer), lambda n: _unpickled(f"{folder}/peer.pickle")
    )
    two = ["x", "name"]
    some, peer_some = in_turn(rounds, lambda n: db.get("frame", columns=two), lambda n: feather.read_feather(peer, columns=two))
    name = f"frame of {n_rows:,} mixed rows as Arrow"
    return [
        Row(f"put of a {name}", put, peer_put, 1.25, "write_feather, uncompressed"),
        Row(f"get of a {name}", get, peer_get, 0.2, "read_feather"),
        Row(f"get of a {name}", get, pickled, 0.2, "pickle.load"),
        Row(f"two columns of a {name}", some, peer_some, 1 / 3, "read_feather"),
    ]


def _unpickled(path: str) -> Any:
    with open(path, "rb") as file:
        return pickle.load(file)


def parquet_frame(folder: str, n_rows: int = 1_000_000, rounds: int = 5) -> list[Row]:
    """Put and get a frame as Parquet, ours and pandas' own in turn; and what a hundred rows and a filter cost."""
    import pandas as pd

    frame, db, peer = mixed_rows(n_rows), isfdb.open(f"{folder}/db", durability="process"), f"{folder}/peer.parquet"
    put, peer_put = in_turn(rounds, lambda n: db.__setitem__("frame", frame), lambda n: frame.to_parquet(peer, compression="zstd"))
    get, peer_get = in_turn(rounds, lambda n: db["frame"], lambda n: pd.read_parquet(peer))
    (rows,) = in_turn(rounds, lambda n: db.get("frame", slice(1000, 1100)))
    (found,) = in_turn(rounds, lambda n: db.get("frame", filters=[("trial", "<", 100)], columns=["trial", "x"]))
    name = f"frame of {n_rows:,} mixed rows as Parquet"
    return [
        Row(f"put of a {name}", put, peer_put, 1.25, "to_parquet, zstd"),
        Row(f"get of a {name}", get, peer_get, 1.25, "read_parquet"),
        Row(f"a hundred rows of a {name}", rows, get, 0.5, "get of all"),
        Row(f"a filter on a {name}", found, get, 0.5, "get of all"),
    ]
