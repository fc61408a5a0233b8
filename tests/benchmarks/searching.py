"""Searching very many keys, with and without what earlier searches kept, beside the bare calls that the same look takes."""

from __future__ import annotations

import json
import os
import shutil
import time

import numpy as np

import isfdb
from isfdb.manifest import seal
from isfdb.searching.kept import wait_until_kept

from .measures import Row, in_turn

QUERIES = {"a name": "*0042*", "a user": "user:ann", "a size": "size>1MB", "a package": "numpy<1", "a word": "trial"}


def many_records(folder: str, n_keys: int) -> str:
    """Make a database of many keys, each with a record of its own, as an unpacked archive would be."""
    db = isfdb.open(f"{folder}/db", durability="process")
    db["first"] = np.zeros((3, 4))
    source = f"{db.path}/first.key/v000001"
    with open(f"{source}/metadata.json", "rb") as file:
        record = json.loads(file.read())
    for number in range(n_keys):
        version = f"{db.path}/cell {number:06}.key/v000001"
        os.makedirs(version)
        record |= {
            "key": f"cell {number:06}",
            "nonce": f"{number:016x}",
            "by": {"host": f"node{number % 7}", "user": ("ann", "bob")[number % 2]},
        }
        with open(f"{version}/metadata.json", "w") as file:
            file.write(seal(record))
    return db.path


def find_in_many(folder: str, n_keys: int = 100_000, rounds: int = 3) -> list[Row]:
    """Find by different conditions; the page cache is warm, as after any of the rounds before."""
    path = many_records(folder, n_keys)
    time.sleep(6 if n_keys > 2000 else 0)  # what is learnt is kept only once the folders have been quiet for some seconds
    names = [name for name in os.listdir(path) if name.endswith(".key")]

    def read_all(number: int) -> None:
        for name in names:
            with open(f"{path}/{name}/v000001/metadata.json", "rb") as file:
                json.loads(file.read())

    def look_at_all(number: int) -> None:
        for name in names:
            os.stat(f"{path}/{name}")

    rows = []
    with isfdb.set_options(cache_folder=f"{folder}/cache"):
        for what, query in QUERIES.items():

            def cold(number: int, query: str = query) -> None:
                wait_until_kept()
                shutil.rmtree(f"{folder}/cache", ignore_errors=True)
                isfdb.find(isfdb.open(path, "r"), query)

            def warm(number: int, query: str = query) -> None:
                isfdb.find(isfdb.open(path, "r"), query)

            first, reading = in_turn(rounds, cold, read_all)
            wait_until_kept()
            warm(0)
            wait_until_kept()
            again, looking = in_turn(rounds, warm, look_at_all)
            rows += [
                Row(f"find {what} among {n_keys:,} keys, nothing kept", first, reading, 1, "each record read and parsed"),
                Row(f"find {what} among {n_keys:,} keys", again, looking, 3, "one look at each key's folder"),
            ]
    wait_until_kept()
    return rows
