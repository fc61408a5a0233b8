"""A database that is verified while others store, rename, delete, collect and seal in it is sound: nothing of that is a finding."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import isfdb

if TYPE_CHECKING:
    from isfdb.testing.reliability_table import Tally

WRITER = """
import random, sys
import isfdb
from isfdb.errors import ConflictError, KeyExistsError, KeyNotFoundError

path, seed, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
db = isfdb.open(path)
for number in range(n):
    one, other = chance.sample(["a", "b", "c", "sub/d"], 2)
    acts = [lambda: db.set(one, number), lambda: db.set(one, [number] * 50), lambda: db.rename(one, other), lambda: db.pop(one),
            lambda: db.collect(grace_s=0), lambda: isfdb.seal(db)]
    try:
        chance.choice(acts)()
    except (ConflictError, KeyNotFoundError, KeyExistsError):
        pass
"""


def test_what_others_do_meanwhile_is_no_finding(db: Any, tally: Tally, long_run: bool) -> None:
    db["a"] = 1
    n = 1000 if long_run else 60
    writers = [subprocess.Popen([sys.executable, "-W", "ignore", "-c", WRITER, db.path, str(seed), str(n)]) for seed in (1, 2)]
    found, n_looks = [], 0
    try:
        while any(writer.poll() is None for writer in writers):
            found += list(isfdb.verify(db))
            n_looks += 1
    finally:
        for writer in writers:
            writer.wait(300)
    assert [writer.returncode for writer in writers] == [0, 0]
    tally("verified while others write", tries=n_looks, wrong=len(found))
    assert found == []
    assert not isfdb.verify(db)
